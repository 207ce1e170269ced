"""Databases by their schema: as release 1.0.0 made one, and what a schema is made of, so that two can be compared."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from receiver.storage import sqlite
from receiver.storage.database import Database
from receiver.storage.opening import open_database

#: The schema of release 1.0.0. It never changes, as merchants' databases don't.
_OF_1_0_0 = Path(__file__).with_name("schema_0017.sql")
_CONSTRAINT = re.compile(r"CONSTRAINT (\w+)")
#: Each part of a table, as a query of its name.
_PARTS = {
    "columns": """SELECT name, type, "notnull", pk, hidden, dflt_value FROM pragma_table_xinfo(:of)""",
    "foreign keys": """SELECT "from", "table", "to", on_delete FROM pragma_foreign_key_list(:of)""",
    "indexes": """
        SELECT "unique", origin, (SELECT group_concat(name) FROM pragma_index_info(one.name)), replace(sql, '"', '')
        FROM pragma_index_list(:of) AS one LEFT JOIN sqlite_master ON sqlite_master.name = one.name
    """,
}


def unmade(path: Path) -> Database:
    """Give a database that has no table yet."""
    path.touch()
    return open_database(f"sqlite:///{path}", path.with_suffix(".lock"))


def of_1_0_0(path: Path) -> Database:
    """Make a database as release 1.0.0 made it."""
    with closing(sqlite.driver.connect(path)) as connection:
        connection.executescript(_OF_1_0_0.read_text("utf-8"))
    return unmade(path)


def schema(database: Database) -> dict[str, dict[str, Any]]:
    """Return the parts of each table; columns in any order, since an upgrade adds them at the end."""
    tables = text("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    with database.engine.connect() as connection:
        return {name: _parts(connection, name, sql) for name, sql in connection.execute(tables)}


def _parts(connection: Connection, name: str, sql: str) -> dict[str, Any]:
    parts: dict[str, Any] = {
        part: {tuple(row) for row in connection.execute(text(query), {"of": name})} for part, query in _PARTS.items()
    }
    # A default may be written as 0, '0' or ('0').
    parts["columns"] = {
        (*column, default.strip("(')") if default else default) for *column, default in parts["columns"]
    }
    return parts | {"constraints": {*_CONSTRAINT.findall(sql)}, "gives an id once": "AUTOINCREMENT" in sql}
