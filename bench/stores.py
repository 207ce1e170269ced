"""The stores that the kit is measured on: each makes a place for a server, and keeps filled ones for later runs."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine, NullPool, create_engine, text
from sqlalchemy.engine import make_url

from receiver.storage import sqlite

#: A database of the server where databases are made for a run and dropped again.
POSTGRESQL = make_url(os.environ.get("BENCH_POSTGRESQL", "postgresql+psycopg://root@127.0.0.1:5432/postgres"))
REDIS = os.environ.get("BENCH_REDIS", "redis://127.0.0.1:6379/15")
#: Where filled databases are kept between runs.
KEPT = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "order-receiver-bench"
#: How long a kept one is good for: the kit purges nothing for days when its last sign of life is further off.
NEW_SECONDS = 2 * 86_400


class Place(NamedTuple):
    """Where one server keeps its orders: the settings that say so, and an engine to look there."""

    settings: dict[str, str]
    engine: Engine


class Sqlite:
    """A file, and no queue."""

    name = "SQLite"

    @contextmanager
    def place(self, *, like: str = "") -> Iterator[Place]:
        """Make a file in a folder of its own, empty or a copy of a kept one, and remove it at the end."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "receiver.sqlite"
            if like:
                shutil.copyfile(self._kept(like), path)
                path.chmod(0o600)
                with path.open("rb+") as copy:
                    os.fsync(copy.fileno())  # else the first checkpoint would wait until all of it is on disk
            url = f"sqlite:///{path}"
            # The kit's own SQLite: two releases of it shouldn't share a write-ahead log.
            engine = create_engine(url, module=sqlite.driver, poolclass=NullPool)
            yield Place({"DATABASE_URL": url}, engine)

    def keep(self, place: Place, name: str) -> None:
        """Keep a copy of a place that no server uses, instead of one that's kept by this name."""
        KEPT.mkdir(parents=True, exist_ok=True)
        with closing(place.engine.raw_connection()) as connection:
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        shutil.copyfile(str(place.engine.url.database), self._kept(name))

    def keeps(self, name: str) -> bool:
        """Return whether a place of this name is kept that's new enough."""
        path = self._kept(name)
        return path.exists() and time.time() - path.stat().st_mtime < NEW_SECONDS

    def _kept(self, name: str) -> Path:
        return KEPT / f"{name}.sqlite"


class Postgresql:
    """A database of a PostgreSQL server, and Redis as the queue where one answers."""

    def __init__(self) -> None:
        self._queue = {"QUEUE_URL": REDIS} if _answers(REDIS) else {}
        self.name = "PostgreSQL + Redis" if self._queue else "PostgreSQL"

    @contextmanager
    def place(self, *, like: str = "") -> Iterator[Place]:
        """Make a database, empty or a copy of a kept one, and drop it at the end."""
        database = f"receiver_bench_{secrets.token_hex(6)}"
        self._run(f"CREATE DATABASE {database}" + (f" TEMPLATE {self._kept(like)}" if like else ""))
        url = POSTGRESQL.set(database=database)
        try:
            engine = create_engine(url, poolclass=NullPool)
            yield Place({"DATABASE_URL": url.render_as_string(hide_password=False), **self._queue}, engine)
        finally:
            self._run(f"DROP DATABASE {database} WITH (FORCE)")

    def keep(self, place: Place, name: str) -> None:
        """Keep a copy of a place that no server uses, instead of one that's kept by this name."""
        self._run(f"DROP DATABASE IF EXISTS {self._kept(name)}")
        self._run(f"CREATE DATABASE {self._kept(name)} TEMPLATE {place.engine.url.database}")

    def keeps(self, name: str) -> bool:
        """Return whether a place of this name is kept that's new enough."""
        made_at = "(pg_stat_file('base/' || oid || '/PG_VERSION')).modification"
        is_new = f"{made_at} > now() - interval '{NEW_SECONDS} seconds'"
        return bool(self._run(f"SELECT count(*) FROM pg_database WHERE datname = '{self._kept(name)}' AND {is_new}"))

    def _kept(self, name: str) -> str:
        return f"receiver_bench_kept_{name.replace('-', '_')}"

    def _run(self, statement: str) -> int:
        """Run a statement outside a transaction; return the number that it selects, or 0."""
        with create_engine(POSTGRESQL, poolclass=NullPool, isolation_level="AUTOCOMMIT").connect() as connection:
            found = connection.execute(text(statement))
            return int(found.scalar_one()) if found.returns_rows else 0


Store = Sqlite | Postgresql


def chosen() -> list[Store]:
    """Return the stores that STORES names, separated by commas; without it, those that answer here."""
    known: dict[str, type[Store]] = {"sqlite": Sqlite, "postgresql": Postgresql}
    usual = "sqlite,postgresql" if _answers(str(POSTGRESQL)) else "sqlite"
    names = os.environ.get("STORES", usual).split(",")
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(f"STORES={','.join(unknown)}: there's no such store; the stores are {' and '.join(known)}")
    return [known[name]() for name in names]


def _answers(url: str) -> bool:
    at = make_url(url)
    with suppress(OSError), socket.create_connection((at.host or "127.0.0.1", at.port or 0), timeout=1):
        return True
    return False
