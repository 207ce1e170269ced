"""A copied database has the rows of the source, gives no id again, and is refused wherever rows could be lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Boolean, Integer, Table, text

from receiver.errors import NotPossible
from receiver.storage import copying, migrations
from receiver.storage.columns import Base, Instant
from receiver.storage.copying.counters import highest_ids
from receiver.storage.copying.rows import Rows, Tally, tally
from receiver.storage.database import Database
from receiver.storage.opening import open_database
from receiver.storage.processes import Presence
from tests.storage.schemas import unmade

# They make their databases themselves, one of each kind.
pytestmark = pytest.mark.sqlite
Open = Callable[[str], Database]
ROWS = 3
TEXTS = ["", "Zoë\n'\"\\ \u2028 \U0001f4e6", "x" * 70_000]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Open databases, each with a lock of its own."""
    databases: list[Database] = []

    def open_one(url: str) -> Database:
        databases.append(open_database(url, tmp_path / f"{len(databases)}.lock"))
        return databases[-1]

    yield open_one
    for one in databases:
        one.engine.dispose()


@pytest.fixture
def full(tmp_path: Path) -> Database:
    """Give a database on SQLite with rows in every table."""
    database = unmade(tmp_path / "full.sqlite")
    migrations.upgrade(database.engine)
    with database.write() as session:
        for table in Base.metadata.sorted_tables:
            Rows(table).write(session, [made_up(table, number) for number in range(1, ROWS + 1)])
        session.execute(text("UPDATE processes SET seen_at = 0"))  # they ended long ago
    return database


def made_up(table: Table, number: int) -> tuple[Any, ...]:
    """Make a row of a table: its texts, flags and instants are unlike each other, its parents have its number."""
    return tuple(value_of(column, number) for column in table.columns)


def value_of(column: Any, number: int) -> Any:
    if column.nullable and number == ROWS:
        return None
    if column.foreign_keys or (column.primary_key and isinstance(column.type, Integer)):
        return number
    if isinstance(column.type, Boolean):
        return number % 2 == 0
    if isinstance(column.type, Integer):
        return -number
    if isinstance(column.type, Instant):
        return 1_764_000_000_123 + number
    is_key = column.primary_key or column.unique or any(column.name in one.columns for one in column.table.constraints)
    return f"{column.name} {number} ß" if is_key else TEXTS[number - 1]


def tallies(database: Database) -> dict[str, Tally]:
    with database.read() as session:
        return {table.name: tally(Rows(table).read(session)) for table in Base.metadata.sorted_tables}


def ids(database: Database) -> dict[str, int]:
    with database.read() as session:
        return highest_ids(session)


def execute(database: Database, *statements: str) -> None:
    with database.write() as session:
        for statement in statements:
            session.execute(text(statement))


def refused(source: Database, target: Database) -> str:
    """Give the words in which a copy is refused."""
    with pytest.raises(NotPossible) as refusal:
        list(copying.copy(source, target))
    return str(refusal.value)


def test_every_table_goes_to_postgresql_and_back_as_it_was(
    full: Database, empty_url: str, opened: Open, tmp_path: Path
) -> None:
    before = tallies(full)
    there, back = opened(empty_url), opened(f"sqlite:///{tmp_path / 'back.sqlite'}")
    said = list(copying.copy(full, there))
    assert any(line.startswith(f"orders: verified {ROWS}, SHA-256 {before['orders'].digest}") for line in said)
    list(copying.copy(there, back))
    assert tallies(full) == tallies(there) == tallies(back) == before
    assert {one.count for one in before.values()} == {ROWS}
    assert [migrations.problem(one) for one in (full, there, back)] == [None] * 3
    assert back.path is not None
    assert back.path.stat().st_mode & 0o777 == 0o600


def test_the_id_of_a_deleted_row_is_not_given_again(
    full: Database, empty_url: str, opened: Open, tmp_path: Path
) -> None:
    execute(full, f"DELETE FROM mails WHERE id = {ROWS}", "DELETE FROM refusals")
    there, back = opened(empty_url), opened(f"sqlite:///{tmp_path / 'back.sqlite'}")
    list(copying.copy(full, there))
    list(copying.copy(there, back))
    assert ids(full)["mails"] == ids(full)["refusals"] == ROWS
    assert ids(full) == ids(there) == ids(back)
    insert = "INSERT INTO refusals (at, source, reason, detail, headers, fields) VALUES (1, '', '', '', '', '')"
    for one in (there, back):
        execute(one, insert)
        assert ids(one)["refusals"] == ROWS + 1


def test_a_table_without_rows_gives_its_first_id(tmp_path: Path, empty_url: str, opened: Open) -> None:
    source, there = unmade(tmp_path / "new.sqlite"), opened(empty_url)
    migrations.upgrade(source.engine)
    list(copying.copy(source, there))
    assert {*ids(there).values()} == {0}


def test_a_copy_that_broke_off_goes_on_and_is_not_served_until_then(
    full: Database, empty_url: str, opened: Open
) -> None:
    there = opened(empty_url)
    execute(full, "UPDATE customers SET phone = 'a' || char(0) || 'b' WHERE id = 3")
    assert "customers, id 3: the column phone holds a NUL character" in refused(full, there)
    assert "run the same `flask database copy` again" in (migrations.problem(there) or "")
    assert "a copy that isn't complete" in refused(there, full)
    execute(full, "UPDATE customers SET phone = NULL WHERE id = 3")
    said = list(copying.copy(full, there))
    assert f"administrator: {ROWS} there already, up to {ROWS}" in said
    assert tallies(full) == tallies(there)
    assert migrations.problem(there) is None
    assert not any("copied" in line for line in copying.copy(full, there))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE orders SET state = 'other' WHERE id = 1",
        "INSERT INTO notices (kind, last_seen) VALUES ('zzz', 1)",
        "DELETE FROM sign_in_attempts WHERE id = 1",
    ],
)
def test_a_target_with_other_rows_is_left_alone(full: Database, empty_url: str, opened: Open, change: str) -> None:
    there = opened(empty_url)
    list(copying.copy(full, there))
    execute(there, change)
    before = tallies(there)
    assert "isn't the beginning of this copy" in refused(full, there)
    assert tallies(there) == before
    assert migrations.problem(there) is None


def test_a_row_that_changed_on_the_way_is_found(full: Database, empty_url: str, opened: Open) -> None:
    there = opened(empty_url)
    steps = copying.copy(full, there)
    while not next(steps).startswith("orders: copied"):
        pass
    execute(there, "UPDATE orders SET total = '1' WHERE id = 2")
    with pytest.raises(NotPossible, match=r"orders differs: 3 rows with SHA-256"):
        list(steps)
    assert migrations.problem(there)


def test_nobody_writes_to_the_source_meanwhile(full: Database, empty_url: str, opened: Open) -> None:
    steps = copying.copy(full, opened(empty_url))
    next(steps)
    other = opened(f"sqlite:///{full.path}")
    with pytest.raises(Exception, match="locked"), other.write(0):
        pass
    list(steps)
    execute(other, "DELETE FROM orders")


@pytest.mark.parametrize("kind", ["server", "worker"])
def test_a_source_that_is_in_use_is_refused(full: Database, empty_url: str, opened: Open, kind: str) -> None:
    presence = Presence(full)
    presence.begin(kind, [], dict)
    assert f"{kind.capitalize()}s still use the source" in refused(full, opened(empty_url))
    presence.end()
    list(copying.copy(full, opened(empty_url)))


def test_another_schema_is_refused_on_either_side(full: Database, empty_url: str, opened: Open) -> None:
    there = opened(empty_url)
    migrations.upgrade(there.engine)
    execute(there, "UPDATE alembic_version SET version_num = '0017'")
    assert "has schema 0017" in refused(full, there)
    assert f"Can't copy from {there.shown()}: The database has schema 0017" in refused(there, full)


def test_a_database_of_another_program_is_refused(full: Database, empty_url: str, opened: Open) -> None:
    there = opened(empty_url)
    execute(there, "CREATE TABLE orders (number INTEGER)")
    assert "has other programs' tables: orders" in refused(full, there)


def test_a_source_that_is_not_there_is_refused(tmp_path: Path, empty_url: str, opened: Open) -> None:
    nowhere = opened(f"sqlite:///{tmp_path / 'nowhere.sqlite'}")
    assert "isn't set up" in refused(nowhere, opened(empty_url))
    assert not (tmp_path / "nowhere.sqlite").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE orders SET copies = 'many' WHERE id = 2", "orders, id 2: the column copies holds a value of type str"),
        ("UPDATE orders SET test = 2 WHERE id = 2", "orders, id 2: the column test holds a value of type int"),
        ("UPDATE mails SET text = x'00' WHERE id = 1", "mails, id 1: the column text holds a value of type bytes"),
        (
            "UPDATE order_handlers SET order_pk = 77 WHERE id = 2",
            "doesn't take a row from order_handlers, id 1 to 3: insert or update on table",
        ),
    ],
)
def test_a_row_that_only_sqlite_holds_is_named(
    full: Database, empty_url: str, opened: Open, change: str, words: str
) -> None:
    with full.engine.connect() as connection:
        raw: Any = connection.connection.dbapi_connection
        raw.execute("PRAGMA foreign_keys=OFF")
        raw.execute(change)
        raw.execute("PRAGMA foreign_keys=ON")
    assert words in refused(full, opened(empty_url))


def test_what_the_merchant_added_is_named(full: Database, empty_url: str, opened: Open) -> None:
    execute(full, "CREATE TABLE parcels (id INTEGER)", "ALTER TABLE orders ADD COLUMN gift TEXT")
    *_, last = copying.copy(full, opened(empty_url))
    assert "table parcels, column orders.gift" in last
