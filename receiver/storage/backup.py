"""Copy the database while it is in use."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

from receiver.errors import ConfigurationError
from receiver.storage import sqlite
from receiver.storage.database import Database


def back_up(database: Database, path: Path) -> None:
    """Copy the database, while it is in use, to a new file that only its owner can read.

    Raises ConfigurationError when it can't be copied whole; then no file is left.
    """
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with closing(database.engine.raw_connection()) as source, closing(sqlite.driver.connect(path)) as target:
            source.dbapi_connection.backup(target)  # type: ignore[union-attr]
    except BaseException as error:
        path.unlink()
        if isinstance(error, sqlite.driver.Error):
            raise ConfigurationError(f"{path} can't be written whole ({error}), and was removed.") from error
        raise
