"""One write transaction: its end, and what is allowed while a handler works in it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from sqlalchemy import Connection

from receiver.storage import sqlite
from receiver.storage.errors import translated_errors
from receiver.storage.write_lock import WriteLock


class WriteTransaction:
    """An open write transaction, which holds the write lock until it's committed, rolled back or cut off."""

    def __init__(self, connection: Connection, lock: WriteLock) -> None:
        self.connection = connection
        self._lock = lock
        self._open = True
        self._raw: Any = connection.connection.dbapi_connection

    def lend(self) -> None:
        """Keep statements from ending it until it's taken back or closed."""
        self._raw.is_lent = True
        self._raw.loans += 1

    def take_back(self) -> None:
        """Allow ending it again; raises RuntimeError if it was ended meanwhile."""
        self._raw.check_is_open()
        self._raw.is_lent = False
        self._raw.loans += 1

    def commit(self) -> None:
        """Put everything on disk and let the next writer in; raises Unavailable when the disk does not take it."""
        try:
            with translated_errors():
                self.connection.commit()
        finally:
            self.close()

    def close(self) -> None:
        """Roll back what was not committed and let the next writer in; a second call does nothing."""
        if self._open:
            self._open = False
            self._raw.is_lent = False
            self._raw.loans += 1
            try:
                with suppress(sqlite.driver.ProgrammingError):  # a handler may have closed it
                    self._raw.rollback()  # SQLAlchemy itself leaves it open when a commit has failed
                self.connection.close()
            finally:
                self._lock.release()

    def cut_off(self) -> None:
        """Close from another thread: nothing that its owner still does can reach the database."""
        if self._open:
            self._open = False
            try:
                self._raw.cut_off()
                self.connection.invalidate()
                self.connection.close()
            finally:
                self._lock.release()
