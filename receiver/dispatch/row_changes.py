"""What a trial changes in a copy of the database: each row as it was before, and as it is after."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from receiver.storage import sqlite
from receiver.storage.columns import Base, Instant
from receiver.storage.database import Database

_TABLES = (
    "SELECT name FROM pragma_table_list "
    "WHERE schema = ? AND type = 'table' AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name"
)

Row = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """The values of one row before and after, by column.

    ``before`` is None for a new row, ``after`` for a deleted one. A time in a table of the receiver's is ISO 8601 text
    with its offset.
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
    """At the block's end, fill the list with what the block changed, except in the tables ``without``.

    Nobody else may write to the database meanwhile. A copy of it is left beside it. Virtual tables aren't compared,
    nor are columns that the block adds or drops.
    """
    path = database.path
    assert path  # noqa: S101 - what's tried is tried on a file
    before = path.with_name(f"{path.name}.before")
    database.back_up(before)
    changes: list[Change] = []
    yield changes
    with closing(sqlite.driver.connect(path)) as connection:
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
    """Return the columns that a table has in both databases, if it's in both, and those that identify its rows."""
    infos = [
        {name: key for _, name, _, _, _, key in connection.execute(f"PRAGMA {schema}.table_info({_quoted(table)})")}
        for schema in ("main", "before")
    ]
    found = [info for info in infos if info]
    columns = [name for name in found[0] if all(name in info for info in found)]
    keys = [name for name in columns if found[0][name]]
    return (columns, keys) if keys else ([*columns, "rowid"], ["rowid"])


def _rows(connection: Any, table: str, columns: list[str], keys: list[str], one: str, other: str) -> dict[Any, Row]:
    """Return the rows of a table in one database that aren't the same in the other, by their keys."""
    cells = ", ".join(f"{_quoted(name)} COLLATE BINARY" for name in columns)
    select = f"SELECT {cells} FROM {{}}.{_quoted(table)}"  # noqa: S608 - the database's own names
    if table not in _tables(connection, one):
        return {}
    only = select.format(one) + (f" EXCEPT {select.format(other)}" if table in _tables(connection, other) else "")
    rows = [dict(zip(columns, values, strict=True)) for values in connection.execute(only)]
    return {tuple(row[key] for key in keys): _readable(table, row) for row in rows}


def _readable(table: str, row: Row) -> Row:
    """Return a row as a person reads it: how many bytes there are instead of bytes, and times as text."""
    known = Base.metadata.tables.get(table)
    instants = {one.name for one in known.columns if isinstance(one.type, Instant)} if known is not None else set()

    def shown(name: str, value: Any) -> Any:
        if isinstance(value, bytes):
            return f"{len(value)} bytes"
        is_time = name in instants and isinstance(value, int)
        return Instant().process_result_value(value, None).isoformat() if is_time else value  # type: ignore[arg-type, union-attr]

    return {name: shown(name, value) for name, value in row.items()}


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
