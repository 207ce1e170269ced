"""Which SQLite is used and how: version, journal mode, full sync, connections that another thread may close."""

from __future__ import annotations

import importlib
import math
import re
import threading
from typing import TYPE_CHECKING, Any

__all__ = ["GatedConnection", "driver", "journal_mode", "prepare", "wal_is_safe"]

if TYPE_CHECKING:
    import sqlite3 as driver
else:
    try:
        driver = importlib.import_module("pysqlite3.dbapi2")
    except ImportError:
        driver = importlib.import_module("sqlite3")

#: First fixed release of each older line that got the WAL-reset fix (https://sqlite.org/wal.html#walresetbug).
_FIXED_LINES = {(3, 44): 6, (3, 50): 7}
_FIXED_SINCE = (3, 51, 3)
#: What may stand before a statement: space and comments.
_BEFORE = r"(?:\s|;|--[^\n]*\n|/\*.*?\*/)*"
#: What ends or begins a transaction, at the head of a statement; it may roll back to a savepoint.
_TRANSACTION = re.compile(
    rf"{_BEFORE}(BEGIN|COMMIT|END|ROLLBACK(?!\s+(?:TRANSACTION\s+)?TO\b))\b", re.IGNORECASE | re.DOTALL
)
#: What may leave its mark on the connection beyond the transaction, at the head of a statement.
_ALTERS = re.compile(rf"{_BEFORE}(?:PRAGMA|ATTACH|DETACH|CREATE\s+TEMP(?:ORARY)?)\b", re.IGNORECASE | re.DOTALL)
#: The upkeep copies the write-ahead log into the database; a commit does so itself only when the log is this large.
_LARGEST_LOG_PAGES = 20_000


def wal_is_safe(version: tuple[int, int, int]) -> bool:
    """Return whether this SQLite version cannot lose a commit in WAL mode (its WAL-reset bug is fixed)."""
    line = version[:2]
    return version >= _FIXED_SINCE or (line in _FIXED_LINES and version[2] >= _FIXED_LINES[line])


def journal_mode() -> str:
    """Return the journal mode that is safe on the SQLite in use: ``wal`` or ``delete``."""
    return "wal" if wal_is_safe(driver.sqlite_version_info) else "delete"


class _Cursor(driver.Cursor):
    """A cursor that steps only while it holds its connection's gate, so that another thread can close safely."""

    connection: GatedConnection

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self._loan = connection.loans

    def execute(self, *args: Any) -> Any:
        with self.connection.gate:
            self._check(args[0])
            return super().execute(*args)

    def executemany(self, *args: Any) -> Any:
        with self.connection.gate:
            self._check(args[0])
            return super().executemany(*args)

    def executescript(self, script: str) -> Any:
        if self.connection.is_lent:
            self.connection.check_lent("COMMIT")  # what SQLite's driver begins a script with
        return super().executescript(script)

    def fetchone(self) -> Any:
        with self.connection.gate:
            return super().fetchone()

    def fetchmany(self, *args: Any) -> Any:
        with self.connection.gate:
            return super().fetchmany(*args)

    def fetchall(self) -> Any:
        with self.connection.gate:
            return super().fetchall()

    def close(self) -> None:
        with self.connection.gate:
            if not self.connection.is_cut_off:
                super().close()

    def _check(self, statement: str) -> None:
        """Refuse what a handler may not do, and everything that it still tries with a cursor it has kept."""
        if self._loan != self.connection.loans:
            raise RuntimeError("This attempt is over; its cursor can no longer be used.")
        if self.connection.is_lent:
            self.connection.check_lent(statement)


class GatedConnection(driver.Connection):
    """A connection that ``cut_off`` can close safely from any thread, even in the middle of a statement."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.gate = threading.RLock()
        self.is_cut_off = False
        #: Whether a handler works in the transaction that its "done" commits in, and so must not end it.
        self.is_lent = False
        #: Changes when it is lent and when it is given back; a cursor works in its own time only.
        self.loans = 0
        #: Whether a handler may have set it otherwise than the next one expects.
        self.is_altered = False
        self._waits: int | None = None
        super().__init__(*args, **kwargs)

    def cursor(self, *_: Any, **__: Any) -> Any:
        """Make a cursor that steps under the gate."""
        return super().cursor(_Cursor)

    def wait_at_most(self, seconds: float) -> None:
        """Bound the waiting for a foreign program that writes past the write lock; in steps of a tenth of a second."""
        milliseconds = max(math.ceil(seconds * 10), 0) * 100
        if milliseconds != self._waits:
            self._waits = milliseconds
            self.execute(f"PRAGMA busy_timeout={milliseconds}")

    def cut_off(self) -> None:
        """Roll back and close, whoever is using it; the owner's next statement raises ProgrammingError."""
        self.interrupt()
        with self.gate:
            self.is_cut_off = True
            self.is_lent = False
            super().rollback()
            super().close()

    def check_lent(self, statement: str) -> None:
        """Raise RuntimeError for a statement that ends the transaction, and for any once it has ended."""
        if found := _TRANSACTION.match(statement):
            raise RuntimeError(
                f"context.session: leave {found[1].upper()} out; what is done in it commits together with the "
                'handler\'s "done", or not at all'
            )
        self.is_altered = self.is_altered or _ALTERS.match(statement) is not None
        self.check_is_open()

    def check_is_open(self) -> None:
        """Raise RuntimeError when the transaction has ended."""
        if not self.in_transaction:
            raise RuntimeError("context.session: SQLite has rolled the transaction back; raise the error that it gave")

    def __enter__(self) -> Any:
        """Begin a block that ends the transaction."""
        if self.is_lent:
            self.check_lent("COMMIT")
        return super().__enter__()

    def commit(self) -> None:
        """Commit, unless a handler asks for it."""
        if self.is_lent:
            self.check_lent("COMMIT")
        super().commit()

    def rollback(self) -> None:
        """Roll back, unless a handler asks for it or the connection was cut off."""
        if self.is_lent:
            self.check_lent("ROLLBACK")
        if not self.is_cut_off:
            super().rollback()

    def close(self) -> None:
        """Close, unless the connection was cut off."""
        if not self.is_cut_off:
            super().close()


def prepare(connection: GatedConnection) -> None:
    """Set what every connection needs: safe journal, full sync, foreign keys, zeros in the place of what is deleted."""
    connection.isolation_level = None
    connection.execute(f"PRAGMA journal_mode={journal_mode()}")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA secure_delete=ON")
    connection.execute(f"PRAGMA wal_autocheckpoint={_LARGEST_LOG_PAGES}")
