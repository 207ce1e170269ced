"""What this process's own write transactions change in the database, row by row, as triggers of theirs note it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, event

from receiver.storage.columns import Base, Instant
from receiver.storage.database import Database

#: Rows shown of a table that was made while it was watched, since no trigger saw them come.
_MOST_ROWS = 50
_TABLES = (
    "SELECT name FROM pragma_table_list "
    "WHERE schema = 'main' AND type = 'table' AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name"
)
_NOTES = "row_changes_noted"

Values = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """Says what became of one row, however often it was written: its values before and after, by column.

    ``before`` is None for a new row, ``after`` for a deleted one. Times are aware ISO 8601 text where the column
    is known to hold one.
    """

    table: str
    before: Values | None
    after: Values | None

    @property
    def kind(self) -> str:
        """Give ``inserted``, ``updated`` or ``deleted``."""
        if self.before is None:
            return "inserted"
        return "deleted" if self.after is None else "updated"


class Changes:
    """Collects what the watched transactions changed, once each has committed, or was about to."""

    def __init__(self) -> None:
        self._rows: dict[tuple[Any, ...], Change] = {}

    def net(self) -> list[Change]:
        """Give one change for each row that is not as it was."""
        return [change for change in self._rows.values() if change.before != change.after]

    def note(self, table: _Table, before: list[Any] | None, after: list[Any] | None) -> None:
        """Add what one statement did to one row; what was done to the same row before is made one with it."""
        was, now = table.key_of(before or after or []), table.key_of(after or before or [])
        known = self._rows.get(was)
        if was != now:
            self._rows.pop(was, None)
        first = known.before if known else table.named(before)
        self._rows[now] = Change(table.name, first, table.named(after))


@contextmanager
def watched(database: Database, *, without: Collection[str] = ()) -> Iterator[Changes]:
    """Note what this process's write transactions change inside the block, but for the tables left out.

    What is rolled back is not noted, nor what another process writes. Not seen are virtual tables, the rows of a
    table that is dropped, and more than the first 50 rows of one that is made. A column cannot be dropped meanwhile.
    """
    changes = Changes()

    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("begin"):
            connection.info["watched"] = _set_triggers(connection, without)

    def commit(connection: Connection) -> None:
        if (tables := connection.info.pop("watched", None)) is not None:
            _gather(connection, tables, changes)

    listeners = (("begin", begin), ("commit", commit))
    for name, listener in listeners:
        event.listen(database.engine, name, listener)
    try:
        yield changes
    finally:
        for name, listener in listeners:
            event.remove(database.engine, name, listener)


class _Table:
    """Is a table of the database, with what its rows are told apart by."""

    def __init__(self, connection: Connection, name: str) -> None:
        self.name = name
        found = connection.exec_driver_sql(f"PRAGMA main.table_info({_quoted(name)})").all()
        keys = sorted((row.pk, row.name) for row in found if row.pk)
        self._columns = [row.name for row in found] + ([] if keys else ["rowid"])
        self._keys = [key for _, key in keys] or ["rowid"]
        known = Base.metadata.tables.get(name)
        self._instants = (
            {one.name for one in known.columns if isinstance(one.type, Instant)} if known is not None else ()
        )

    def as_json(self, row: str) -> str:
        """Make the SQL that writes a row, ``NEW``, ``OLD`` or the table's name, as a JSON list."""
        cells = [f"{row}.{_quoted(column)}" for column in self._columns]
        written = [f"json_quote(iif(typeof({cell}) = 'blob', length({cell}) || ' bytes', {cell}))" for cell in cells]
        return "'[' || " + " || ',' || ".join(written) + " || ']'"

    def key_of(self, row: list[Any]) -> tuple[Any, ...]:
        """Give what a row is known by."""
        values = dict(zip(self._columns, row, strict=True))
        return self.name, *(values[key] for key in self._keys)

    def named(self, row: list[Any] | None) -> Values | None:
        """Give a row's values by column, readable."""
        if row is None:
            return None
        return {name: self._readable(name, value) for name, value in zip(self._columns, row, strict=True)}

    def _readable(self, column: str, value: Any) -> Any:
        if column in self._instants and isinstance(value, int):
            when = Instant().process_result_value(value, None)  # type: ignore[arg-type]
            return when.isoformat() if when else None
        return value


def _set_triggers(connection: Connection, without: Collection[str]) -> dict[str, _Table]:
    """Let the transaction that has just begun note its changes; gives the tables that are there, by name."""
    tables = {name: _Table(connection, name) for name in _names(connection)}
    connection.exec_driver_sql(
        f'CREATE TEMP TABLE IF NOT EXISTS {_NOTES} (id INTEGER PRIMARY KEY, "table" TEXT, old TEXT, new TEXT)'
    )
    for table in (table for name, table in tables.items() if name not in without):
        old, new = table.as_json("OLD"), table.as_json("NEW")
        for what, before, after in (("INSERT", "NULL", new), ("UPDATE", old, new), ("DELETE", old, "NULL")):
            name = _quoted(f"{_NOTES}_{what}_{table.name}")
            note = f'INSERT INTO {_NOTES} ("table", old, new) VALUES ({_text(table.name)}, {before}, {after})'  # noqa: S608
            on = f"AFTER {what} ON main.{_quoted(table.name)}"
            connection.exec_driver_sql(f"CREATE TEMP TRIGGER IF NOT EXISTS {name} {on} BEGIN {note}; END")
    # Else a row that INSERT OR REPLACE pushes out would go unseen.
    connection.exec_driver_sql("PRAGMA recursive_triggers = ON")
    return tables


def _gather(connection: Connection, tables: dict[str, _Table], changes: Changes) -> None:
    """Take the notes of a transaction that is about to commit, and the rows of the tables that it made."""
    noted = connection.exec_driver_sql(f'SELECT "table", old, new FROM temp.{_NOTES} ORDER BY id').all()  # noqa: S608
    connection.exec_driver_sql(f"DELETE FROM temp.{_NOTES}")  # noqa: S608
    for name, old, new in noted:
        changes.note(tables[name], json.loads(old) if old else None, json.loads(new) if new else None)
    for made in (_Table(connection, name) for name in _names(connection) if name not in tables):
        rows = f"SELECT {made.as_json(_quoted(made.name))} FROM {_quoted(made.name)} LIMIT {_MOST_ROWS}"  # noqa: S608
        for row in connection.exec_driver_sql(rows).scalars():
            changes.note(made, None, json.loads(row))


def _names(connection: Connection) -> list[str]:
    return list(connection.exec_driver_sql(_TABLES).scalars())


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _text(name: str) -> str:
    doubled = name.replace("'", "''")
    return f"'{doubled}'"
