"""The databases of websites: a users table of its own in each kind that `sql` is tried on."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

#: Where the machine's servers are, with the databases that tests may use.
SERVERS = {
    "postgresql": "postgresql+psycopg://root@127.0.0.1:5432/test",
    "mariadb": "mysql+pymysql://root@127.0.0.1:3306/test?charset=utf8mb4",
}
KINDS = ("sqlite", *SERVERS)
_KEY = {
    "sqlite": "INTEGER PRIMARY KEY",
    "postgresql": "INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    "mariadb": "INTEGER AUTO_INCREMENT PRIMARY KEY",
}
_USERS = """
    CREATE TABLE {name} (
        id {key},
        email VARCHAR(190) NOT NULL UNIQUE,
        first_name VARCHAR(20) NOT NULL,
        display_name VARCHAR(100),
        phone VARCHAR(40),
        role VARCHAR(20) NOT NULL DEFAULT 'visitor',
        password VARCHAR(190) NOT NULL,
        consents BOOLEAN NOT NULL DEFAULT false,
        joined TIMESTAMP NULL
    )
"""
COLUMNS: dict[str, Any] = {
    "email": "email",
    "first_name": "first_name",
    "display_name": "{first_name} {last_name}",
    "phone": "phone",
    "role": {"value": "customer"},
    "password": "unusable_password",
    "consents": "accepts_marketing",
    "joined": "registered_at",
}


@dataclass
class Website:
    """A website's database with a table of users."""

    url: str
    table: str

    def run(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        """Run a statement on the table, which is called ``users`` in it."""
        engine = create_engine(self.url, poolclass=NullPool)
        with engine.begin() as connection:
            result = connection.execute(text(statement.replace("users", self.table)), values)
            return [dict(row) for row in result.mappings()] if result.returns_rows else []

    def add(self, email: str, **columns: Any) -> None:
        """Add a user of the website's own."""
        row = {"email": email, "first_name": "Site", "password": "$2y$10$theirs", **columns}
        names = ", ".join(row)
        self.run(f"INSERT INTO users ({names}) VALUES ({', '.join(f':{name}' for name in row)})", **row)

    def rows(self) -> list[dict[str, Any]]:
        """Read all users."""
        return self.run("SELECT * FROM users ORDER BY id")

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Return ``[registrar]`` for this table."""
        return {"url": self.url, "table": self.table, "columns": COLUMNS, **changes}


@contextmanager
def website(kind: str, folder: Path, create: str = _USERS) -> Iterator[Website]:
    """Make a table of users for as long as the block lasts; skips the test where there is no such server."""
    url = SERVERS.get(kind) or f"sqlite:///{folder}/website.sqlite"
    found = Website(url, f"users_{secrets.token_hex(6)}")
    try:
        found.run(create.format(name="users", key=_KEY[kind]))
    except OperationalError as error:
        pytest.skip(f"no {kind} server answers at {url}: {error.orig}")
    try:
        yield found
    finally:
        found.run("DROP TABLE IF EXISTS users")
