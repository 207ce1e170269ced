"""A copy of the database to try something on, which is thrown away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import URL

from receiver.errors import ConfigurationError
from receiver.storage.database import Database
from receiver.storage.opening import open_database


@contextmanager
def copy_of(database: Database) -> Iterator[Database]:
    """Copy the database, even while it's used, to a folder that only its owner can read; remove it at the end.

    The copy has a write lock of its own, so nobody waits for what happens on it. Raises ConfigurationError.
    """
    if database.path is None:
        raise ConfigurationError("A trial takes a copy of the database, which is made of SQLite's alone.")
    try:
        folder = TemporaryDirectory(prefix="receiver-")
    except OSError as error:
        raise ConfigurationError(f"The database cannot be copied to try it there: {error.strerror}.") from error
    with folder as name:
        path = Path(name) / "copy.sqlite"
        database.back_up(path)
        copy = open_database(URL.create("sqlite", database=str(path)).render_as_string(), Path(name) / "write.lock")
        try:
            yield copy
        finally:
            copy.engine.dispose()
