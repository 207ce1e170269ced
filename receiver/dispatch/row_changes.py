"""What a trial changes in a copy of the database, row by row: how each row was before, and how it is after."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from receiver.storage import sqlite
from receiver.storage.backup import back_up
from receiver.storage.columns import Base, Instant
from receiver.storage.database import Database

_TABLES = (
    "SELECT name FROM pragma_table_list "
    "WHERE schema = ? AND type = 'table' AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name"
)

Row = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """What became of one row: its values before and after, by column.

    ``before`` is None for a new row, ``after`` for a deleted one. Times are aware ISO 8601 text where the column
    is known to hold one.
    """

    table: str
    before: Row | None
    after: Row | None

    @property
    def kind(self) -> str:
        """Return ``inserted``, ``updated`` or ``deleted``."""
        if self.before is None:
            return "inserted"
        return "deleted" if self.after is None else "updated"


@contextmanager
def watched(database: Database, *, without: Collection[str] = ()) -> Iterator[list[Change]]:
    """Fill the list, at the block's end, with what changed inside it, except in the tables ``without``.

    Nobody else may write to the database meanwhile. A copy of it is left beside it. Not seen are virtual tables,
    and columns that came or went.
    """
    after = Path(str(database.engine.url.database))
    before = after.with_name(f"{after.name}.before")
    back_up(database, before)
    changes: list[Change] = []
    yield changes
    with closing(sqlite.driver.connect(after)) as connection:
        connection.execute("ATTACH ? AS before", [str(before)])
        for name in sorted({*_tables(connection, "main"), *_tables(connection, "before")} - {*without}):
            changes.extend(_changes(connection, name))


def _tables(connection: Any, schema: str) -> list[str]:
    return [name for (name,) in connection.execute(_TABLES, [schema])]


def _changes(connection: Any, table: str) -> Iterator[Change]:
    """Pair the rows that are in only one of the two databases by their keys."""
    columns, keys = _columns(connection, table)
    was = _rows(connection, table, columns, keys, "before", "main")
    now = _rows(connection, table, columns, keys, "main", "before")
    for key in dict.fromkeys([*was, *now]):
        yield Change(table, was.get(key), now.get(key))


def _columns(connection: Any, table: str) -> tuple[list[str], list[str]]:
    """Return the columns that a table has in each database that has it, and those that tell its rows apart."""
    infos = [
        {name: key for _, name, _, _, _, key in connection.execute(f"PRAGMA {schema}.table_info({_quoted(table)})")}
        for schema in ("main", "before")
    ]
    found = [info for info in infos if info]
    columns = [name for name in found[0] if all(name in info for info in found)]
    keys = [name for name in columns if found[0][name]]
    return (columns, keys) if keys else ([*columns, "rowid"], ["rowid"])


def _rows(connection: Any, table: str, columns: list[str], keys: list[str], one: str, other: str) -> dict[Any, Row]:
    """Return the rows of a table in one database that are not the same in the other, by their keys."""
    cells = ", ".join(f"{_quoted(name)} COLLATE BINARY" for name in columns)
    select = f"SELECT {cells} FROM {{}}.{_quoted(table)}"  # noqa: S608 - the database's own names
    if table not in _tables(connection, one):
        return {}
    only = select.format(one) + (f" EXCEPT {select.format(other)}" if table in _tables(connection, other) else "")
    rows = [dict(zip(columns, values, strict=True)) for values in connection.execute(only)]
    return {tuple(row[key] for key in keys): _readable(table, row) for row in rows}


def _readable(table: str, row: Row) -> Row:
    known = Base.metadata.tables.get(table)
    instants = {one.name for one in known.columns if isinstance(one.type, Instant)} if known is not None else set()
    return {name: _readable_value(value, is_instant=name in instants) for name, value in row.items()}


def _readable_value(value: Any, *, is_instant: bool) -> Any:
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if is_instant and isinstance(value, int):
        when = Instant().process_result_value(value, None)  # type: ignore[arg-type]
        return when.isoformat() if when else None
    return value


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
