"""What a trial changes in a copy of the database: each row as it was before, and as it is after."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, inspect

from receiver.storage.columns import Base, Instant
from receiver.storage.database import Database
from receiver.storage.thrown_away import Compared, compared, copy_of

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

    Nobody else may write to the database meanwhile. Virtual tables aren't compared, nor are columns that the block adds
    or drops. In a table without a key, PostgreSQL can't tell an update from a row that went and one that came.
    """
    with copy_of(database) as before:
        changes: list[Change] = []
        yield changes
        with compared(database, before) as both:
            names = {*_tables(both.connection, both.one), *_tables(both.connection, both.other)}
            for name in sorted(names - {*without}):
                changes.extend(_changes(both, name))


def _tables(connection: Connection, schema: str) -> list[str]:
    if connection.dialect.name == "sqlite":
        return [name for (name,) in connection.exec_driver_sql(_TABLES, (schema,))]
    return inspect(connection).get_table_names(schema)


def _changes(both: Compared, table: str) -> Iterator[Change]:
    """Pair the rows that are in only one of the two databases by their keys."""
    columns, keys = _columns(both, table)
    was = _rows(both.connection, table, columns, keys, both.other, both.one)
    now = _rows(both.connection, table, columns, keys, both.one, both.other)
    for key in dict.fromkeys([*was, *now]):
        yield Change(table, was.get(key), now.get(key))


def _columns(both: Compared, table: str) -> tuple[list[str], list[str]]:
    """Return the columns that a table has in both databases, if it's in both, and those that identify its rows."""
    infos = [_keys(both.connection, schema, table) for schema in (both.one, both.other)]
    found = [info for info in infos if info]
    columns = [name for name in found[0] if all(name in info for info in found)]
    keys = [name for name in columns if found[0][name]]
    if not keys and both.connection.dialect.name == "sqlite":
        return [*columns, "rowid"], ["rowid"]
    return columns, keys or columns


def _keys(connection: Connection, schema: str, table: str) -> dict[str, bool]:
    """Return a table's columns, and whether each is part of its key; nothing if there's no such table."""
    if table not in _tables(connection, schema):
        return {}
    described = inspect(connection)
    keys = described.get_pk_constraint(table, schema)["constrained_columns"]
    return {column["name"]: column["name"] in keys for column in described.get_columns(table, schema)}


def _rows(
    connection: Connection, table: str, columns: list[str], keys: list[str], one: str, other: str
) -> dict[Any, Row]:
    """Return the rows of a table in one database that aren't the same in the other, by their keys."""
    # Words that differ in case differ, also where a column of SQLite's ignores case.
    exactly = " COLLATE BINARY" if connection.dialect.name == "sqlite" else ""
    cells = ", ".join(f"{_quoted(name)}{exactly}" for name in columns)
    select = f"SELECT {cells} FROM {{}}.{_quoted(table)}"  # noqa: S608 - the database's own names
    if table not in _tables(connection, one):
        return {}
    only = select.format(_quoted(one))
    if table in _tables(connection, other):
        only += f" EXCEPT {select.format(_quoted(other))}"
    rows = [dict(zip(columns, values, strict=True)) for values in connection.exec_driver_sql(only)]
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
