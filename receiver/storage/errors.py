"""What the database says of a full disk, a damaged file or a lock, as an error that says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DatabaseError, DBAPIError

from receiver.errors import Busy, Damaged, Unavailable
from receiver.storage import sqlite

_OF_THE_FILE = "see DATABASE_URL and the instance folder"
_DAMAGED = "it's damaged: restore a backup, see “Back up and upgrade” in Help"
#: How a message of SQLite begins -> what to do.
_NEXT_STEPS = {
    "no such ": "run `flask init`",
    "unable to open": _OF_THE_FILE,
    "attempt to write a readonly": _OF_THE_FILE,
    "database disk image is malformed": _DAMAGED,
    "file is not a database": _DAMAGED,
    # What may be over the next time.
    **dict.fromkeys(
        ("database is locked", "database table is locked", "database or disk is full", "disk I/O error"), "try again"
    ),
    **dict.fromkeys(("locking protocol", "out of memory", "interrupted"), "try again"),
}


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn what the database says of a full disk, a damaged or read-only file or a lock into Unavailable (503)."""
    try:
        yield
    except (DatabaseError, sqlite.driver.DatabaseError) as error:
        cause = getattr(error, "orig", error)
        if type(cause) not in {sqlite.driver.OperationalError, sqlite.driver.DatabaseError}:
            raise  # a constraint or a wrong statement: a mistake of ours
        step = _next_step(str(cause))
        raise _kind(str(cause), step)(f"The database can't be used now ({cause}); {step}.") from error


@contextmanager
def nothing_else_raised() -> Iterator[None]:
    """Turn any other error of the database into Damaged too: a sender whose order it did not take tries again."""
    try:
        yield
    except (DBAPIError, sqlite.driver.Error) as error:
        cause = getattr(error, "orig", error)
        words = f"{type(cause).__name__}: {cause}"
        raise Damaged(f"The database refused the order ({words}); run `flask doctor`.") from error


def _kind(cause: str, step: str) -> type[Unavailable]:
    if cause.startswith("database is locked"):
        return Busy
    return Damaged if step == _DAMAGED else Unavailable


def _next_step(cause: str) -> str:
    """Return what to do about SQLite's message."""
    for begin, step in _NEXT_STEPS.items():
        if cause.startswith(begin):
            return step
    return "run `flask doctor`"
