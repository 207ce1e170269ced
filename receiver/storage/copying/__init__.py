"""Copy an instance's database to another store: check both, copy what's missing there, verify all of it.

A copy that broke off goes on where it ended. Until it's verified its schema's version says that it's a copy, so that
no server takes half of the orders for all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from receiver.errors import NotPossible
from receiver.storage import migrations, private_files, processes
from receiver.storage.clock import utc_now
from receiver.storage.columns import Base
from receiver.storage.copying import counters
from receiver.storage.copying.rows import Row, Rows, tally
from receiver.storage.database import Database
from receiver.storage.search import trigrams

#: What one transaction writes at most: rows, and characters of their texts.
_BATCH_ROWS, _BATCH_CHARACTERS = 1000, 4_000_000
#: Rows of a table between two lines of progress.
_EVERY = 50_000
_SET_VERSION = text("UPDATE alembic_version SET version_num = :version")
_EMPTY_IT = "Name an empty database, or empty this one, and run this again."


def copy(source: Database, target: Database) -> Iterator[str]:
    """Copy all rows, and yield a line of progress now and then; nobody writes to the source meanwhile.

    Raises NotPossible when it can't be done as things are, and for a difference in the end; the target isn't served
    then. Raises Unavailable when one of the databases can't be used.
    """
    _check_source(source)
    tables = [Rows(table) for table in Base.metadata.sorted_tables]
    # The lock keeps commands from writing; what's read is of one moment anyway.
    with closing(source.begin_write()) as lock, source.read() as session:
        _refuse_running(session)
        yield from _make_tables(target)
        with target.read() as there:
            yield from _check_rows(tables, session, target, there)
        with target.write() as there:
            there.execute(_SET_VERSION, {"version": migrations.of_copy()})
        for table in tables:
            yield from _copy_table(table, session, target)
        with target.write() as there:
            counters.count_on_from(there, counters.highest_ids(session))
        with target.read() as there:
            yield from _verify(tables, session, there)
        with source.translated_errors():  # it's still locked, or rows may have come meanwhile
            lock.connection.execute(text("SELECT 1"))
        with target.write() as there:
            there.execute(_SET_VERSION, {"version": migrations.newest()})
    yield from _left_behind(source)


def _check_source(source: Database) -> None:
    problem = migrations.problem(source)
    if problem:
        raise NotPossible(f"Can't copy from {source.shown()}: {problem}")


def _refuse_running(session: Session) -> None:
    running = processes.living(session, utc_now())
    if running:
        kinds = " and ".join(f"{kind}s" for kind in sorted({one.kind for one in running}))
        raise NotPossible(
            f"{kinds.capitalize()} still use the source. Stop them first, or what they take would be missing in the "
            "copy. One that was killed on another machine counts for two minutes."
        )


def _make_tables(target: Database) -> Iterator[str]:
    """Make the tables of a target that has none; raises NotPossible for those of another release or program."""
    if target.path and not target.exists():
        private_files.write(target.path, "")
    with target.translated_errors():
        found = migrations.version(target.engine)
        if found is None:
            taken = sorted({*inspect(target.engine).get_table_names()} & {*Base.metadata.tables})
            if taken:
                raise NotPossible(f"{target.shown()} has other programs' tables: {', '.join(taken)}. {_EMPTY_IT}")
            migrations.upgrade(target.engine)
            yield f"Made the tables in {target.shown()}"
        elif found not in {migrations.newest(), migrations.of_copy()}:
            raise NotPossible(
                f"{target.shown()} has schema {found}, this release copies to {migrations.newest()} alone. {_EMPTY_IT}"
            )


def _check_rows(tables: list[Rows], session: Session, target: Database, there: Session) -> Iterator[str]:
    """Raise NotPossible, before anything is written, unless the target's rows are the first ones of the source."""
    for table in tables:
        last = table.last_key(there)
        if last is None:
            continue
        found = tally(table.read(there))
        if found != tally(table.read(session, up_to=last)):
            raise NotPossible(
                f"{target.shown()} isn't empty, and isn't the beginning of this copy: its rows of {table.name} "
                f"aren't the source's. Nothing was copied. {_EMPTY_IT}"
            )
        yield f"{table.name}: {found.count} there already, up to {_words(last)}"


def _copy_table(table: Rows, session: Session, target: Database) -> Iterator[str]:
    with target.read() as there:
        last, count = table.last_key(there), table.count(there)
    total, told = table.count(session), count
    for batch in _batches(table, table.read(session, after=last), check_nul=target.path is None):
        try:
            with target.write() as there:
                table.write(there, batch)
        except DBAPIError as error:
            reason, _, _ = str(error.orig).strip().partition("\n")
            raise NotPossible(
                f"{target.shown()} doesn't take a row from {table.named(batch[0])} to {_words(table.key(batch[-1]))}: "
                f"{reason}. Put it right in the source, and run this again."
            ) from error
        count += len(batch)
        if count - told >= _EVERY or count == total:
            told = count
            yield f"{table.name}: copied {count} of {total}"


def _batches(table: Rows, rows: Iterator[Row], *, check_nul: bool) -> Iterator[list[Row]]:
    """Give the rows in lists that are small in memory, however large a row is."""
    batch: list[Row] = []
    characters = 0
    for row in rows:
        if check_nul:
            table.refuse_nul(row)
        batch.append(row)
        characters += sum(len(value) for value in row if isinstance(value, str))
        if len(batch) == _BATCH_ROWS or characters >= _BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _verify(tables: list[Rows], session: Session, there: Session) -> Iterator[str]:
    """Compare count and digest of each table; raises NotPossible for the first one that differs."""
    for table in tables:
        here, copied = tally(table.read(session)), tally(table.read(there))
        if here != copied:
            raise NotPossible(
                f"{table.name} differs: {here.count} rows with SHA-256 {here.digest} in the source, {copied.count} "
                f"with {copied.digest} in the copy. Somebody else wrote to it. {_EMPTY_IT}"
            )
        if here.count:
            yield f"{table.name}: verified {here.count}, SHA-256 {here.digest}"


def _left_behind(source: Database) -> Iterator[str]:
    """Name what handlers or the merchant added to the source, which the kit doesn't copy."""
    found = inspect(source.engine)
    ours = Base.metadata.tables
    theirs = (name for name in found.get_table_names() if name not in {*ours, "alembic_version"})
    left = [f"table {name}" for name in theirs if not name.startswith(trigrams.FTS5)]
    for name, table in ours.items():
        columns = [one["name"] for one in found.get_columns(name)]
        left += [f"column {name}.{column}" for column in columns if column not in table.columns]
    if left:
        yield f"Not copied, because your handlers or you made them: {', '.join(left)}. Copy them yourself."


def _words(key: Row) -> str:
    return ", ".join(str(part) for part in key)
