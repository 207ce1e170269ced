"""Which SQLite is used and how: version, journal mode, full sync, and what its errors mean."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError

from receiver.errors import Busy, Damaged, Unavailable

__all__ = ["driver", "journal_mode", "prepare", "translated_errors", "wal_is_safe"]

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
#: The upkeep copies the write-ahead log into the database; a commit does so itself only when the log is this large.
_LARGEST_LOG_PAGES = 20_000
#: How messages of SQLite begin -> what is raised, and what to do.
_ANSWERS: dict[tuple[str, ...], tuple[type[Unavailable], str]] = {
    ("no such ",): (Unavailable, "run `flask init`"),
    ("unable to open", "attempt to write a readonly"): (Unavailable, "see DATABASE_URL and the instance folder"),
    ("database disk image is malformed", "file is not a database"): (
        Damaged,
        "it's damaged: restore a backup, see “Back up and upgrade” in Help",
    ),
    # What may be over the next time.
    ("database is locked",): (Busy, "try again"),
    ("database table is locked", "database or disk is full", "disk I/O error"): (Unavailable, "try again"),
    ("locking protocol", "out of memory", "interrupted"): (Unavailable, "try again"),
}


def wal_is_safe(version: tuple[int, int, int]) -> bool:
    """Return whether this SQLite version can't lose a commit in WAL mode (its WAL-reset bug is fixed)."""
    line = version[:2]
    return version >= _FIXED_SINCE or (line in _FIXED_LINES and version[2] >= _FIXED_LINES[line])


def journal_mode() -> str:
    """Return the journal mode that's safe on the SQLite in use: ``wal`` or ``delete``."""
    return "wal" if wal_is_safe(driver.sqlite_version_info) else "delete"


def prepare(connection: Any) -> None:
    """Set what every connection needs (https://sqlite.org/pragma.html)."""
    connection.isolation_level = None  # transactions are begun by hand: the driver's own begin too late
    connection.execute(f"PRAGMA journal_mode={journal_mode()}")
    connection.execute("PRAGMA synchronous=FULL")  # a commit that returned outlives a power cut
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA secure_delete=ON")  # an erased customer can't be read from the file's free pages
    connection.execute(f"PRAGMA wal_autocheckpoint={_LARGEST_LOG_PAGES}")


@contextmanager
def translated_errors(*, of_an_order: bool = False) -> Iterator[None]:
    """Turn what SQLite says of a full disk, a damaged or read-only file or a lock into Unavailable (503).

    A constraint or a wrong statement is a mistake of ours and stays as it is, except ``of_an_order``: there it's
    Damaged too, because the sender of an order that the database didn't take is to try again.
    """
    try:
        yield
    except (DBAPIError, driver.Error) as error:
        cause = getattr(error, "orig", error)
        if type(cause) in {driver.OperationalError, driver.DatabaseError}:
            kind, step = _answer(str(cause))
            raise kind(f"The database can't be used now ({cause}); {step}.") from error
        if of_an_order:
            words = f"{type(cause).__name__}: {cause}"
            raise Damaged(f"The database refused the order ({words}); run `flask doctor`.") from error
        raise


def _answer(cause: str) -> tuple[type[Unavailable], str]:
    """Return what to raise for SQLite's message, and what to do about it."""
    found = (answer for beginnings, answer in _ANSWERS.items() if cause.startswith(beginnings))
    return next(found, (Unavailable, "run `flask doctor`"))
