"""The store that the tests run on: SQLite, or a PostgreSQL server of their own with ``TEST_STORE=postgresql``."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from receiver import create_app
from receiver.app.components import Kit
from receiver.app.instance import set_up
from receiver.storage.columns import Base
from receiver.storage.database import Database
from tests.smtp_servers import free_port
from tests.waiting import wait_for

#: Whether everything that uses a database uses a server's.
ON_POSTGRESQL = os.environ.get("TEST_STORE") == "postgresql"
_TEMPLATE = "fresh"
_NUMBERS = count(1)
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "300",
    "shared_buffers": "64MB",
    # The machine doesn't go down in a test.
    "full_page_writes": "off",
    "autovacuum": "off",
}


class PostgreSQLServer:
    """A server in a folder of its own, which a test may kill."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder / "data"
        self._user = "postgres" if os.geteuid() == 0 else None  # the server refuses to run as root
        if self._user:
            shutil.chown(folder, self._user)
        self._run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = " ".join(f"-c {name}={value!r}" for name, value in (_SETTINGS | {"port": str(self.port)}).items())
        self._run("pg_ctl", "--wait", f"--log={self._folder}.log", f"--options={settings}", "start")

    def stop(self, *, how: str = "immediate") -> None:
        """Stop it, by default as a crash does."""
        self._run("pg_ctl", "--wait", f"--mode={how}", "stop")

    def url(self, database: str) -> str:
        """Give the URL of one of its databases."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str) -> None:
        """Run a statement beside all databases of the tests."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [programs() / program, f"--pgdata={self._folder}", *arguments],
            check=True,
            user=self._user,
            cwd=self._folder.parent,
            stdout=subprocess.DEVNULL,
        )


@contextmanager
def postgresql_server() -> Iterator[PostgreSQLServer]:
    """Run a server with nothing in it."""
    with tempfile.TemporaryDirectory(prefix="postgresql-") as folder:
        server = PostgreSQLServer(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()


def make_template(server: PostgreSQLServer, instance: Path, password: str) -> None:
    """Set the template database up that each test gets a copy of; the instance keeps no other database."""
    server.execute(f"CREATE DATABASE {_TEMPLATE}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECEIVER_INSTANCE_PATH", str(instance))
        kit: Kit = create_app({"DATABASE_URL": server.url(_TEMPLATE)}).extensions["receiver"]
        list(set_up(kit, password))
        kit.database.engine.dispose()
    for path in instance.glob("receiver.sqlite*"):
        path.unlink()


@contextmanager
def database_of_its_own(server: PostgreSQLServer, *, like: str = _TEMPLATE) -> Iterator[str]:
    """Make a copy of a template, give its URL, and drop it at the end."""
    name = f"test_{next(_NUMBERS)}"
    server.execute(f"CREATE DATABASE {name} TEMPLATE {like}")
    yield server.url(name)
    server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def stored(instance: Path) -> str:
    """Give all that the database of an instance holds, as one text."""
    if not ON_POSTGRESQL:
        return b"".join(path.read_bytes() for path in instance.glob("receiver.sqlite*")).decode("latin-1")
    command = ["pg_dump", "--data-only", os.environ["RECEIVER_DATABASE_URL"]]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def tables(kit: Kit) -> dict[str, str]:
    """Give the rows of each table as text."""
    with kit.database.read() as session:
        return {
            name: "\n".join(str(tuple(row)) for row in session.execute(table.select().order_by(*table.primary_key)))
            for name, table in Base.metadata.tables.items()
        }


def wait_until_locked_out(database: Database, other: Future[Any] | None = None) -> None:
    """Wait until somebody waits for what another one has locked, or until the other one has ended without."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with database.engine.connect() as connection:
        watching = connection.execution_options(isolation_level="AUTOCOMMIT")
        wait_for(lambda: bool((other and other.done()) or watching.scalar(waiting)))


def runs_here(item: pytest.Item) -> bool:
    """Tell whether a test runs on this store; on PostgreSQL, those that use no database aren't repeated."""
    if not ON_POSTGRESQL:
        return not item.get_closest_marker("postgresql")
    return "database_url" in getattr(item, "fixturenames", ()) and not item.get_closest_marker("sqlite")


def programs() -> Path:
    """Find the server's programs, which Debian keeps out of the PATH."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = installed[-1] if installed else shutil.which("initdb")
    assert found, "PostgreSQL's server isn't installed (Debian: postgresql)"
    return Path(found).parent
