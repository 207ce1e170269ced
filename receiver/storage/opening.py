"""Open the database that DATABASE_URL names."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import make_url

from receiver.errors import ConfigurationError
from receiver.storage.database import Database
from receiver.storage.sqlite_database import SQLiteDatabase


def open_database(url: str, lock_path: Path) -> Database:
    """Return the database at a URL, without touching it; ``lock_path`` is the write lock's file, for SQLite.

    Raises ConfigurationError for another kind of database.
    """
    kind = make_url(url).get_backend_name()
    if kind == "sqlite":
        return SQLiteDatabase(url, lock_path)
    if kind not in {"postgresql", "postgres"}:
        raise ConfigurationError("DATABASE_URL must begin with sqlite:/// or postgresql://.")
    # A server with SQLite has no use for another driver's code.
    from receiver.storage.postgresql_database import PostgreSQLDatabase

    return PostgreSQLDatabase(url)
