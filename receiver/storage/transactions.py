"""The write transaction, which can be lent to a handler and cut off while that still runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sqlalchemy import Connection


def _comment(deep: int) -> str:
    """Return a pattern of a comment as PostgreSQL reads it: it may hold others, so many deep."""
    other = _comment(deep - 1) if deep else "(?!)"
    return rf"/\*(?:[^*/]|\*(?!/)|/(?!\*)|{other})*+\*/"


#: What may stand before a statement, as SQLite reads it or PostgreSQL does: space and comments.
#: It never gives back what it took, so any number of them is read in one go.
BEFORE = rf"(?:(?:[\s;\ufeff]|--[^\n]*+\n|/\*(?:[^*]|\*(?!/))*+\*/)*+|(?:[\s;]|--[^\r\n]*+[\r\n]|{_comment(3)})*+)"
#: What's said of a cursor that a handler kept after its attempt.
CURSOR_IS_OVER = "This attempt is over; its cursor can no longer be used."
#: What begins or ends a transaction, at the head of a statement; rolling back to a savepoint is fine.
_TRANSACTION = re.compile(
    rf"{BEFORE}(BEGIN|START|COMMIT|END|ABORT|ROLLBACK(?!\s+(?:WORK\s+|TRANSACTION\s+)?TO\b))\b",
    re.IGNORECASE,
)


class LendableConnection(Protocol):
    """What a write transaction asks of the driver's connection."""

    #: Whether a handler works in the transaction. It must not end it: its "done" commits in it too.
    is_lent: bool
    #: Counts how often it was lent and taken back; a cursor works only until the next time.
    loans: int

    def check_is_open(self) -> None:
        """Raise RuntimeError when the transaction has ended."""

    def abandon(self) -> bool:
        """Roll back what's open; False when the connection was closed, or is of no use any more."""

    def cut_off(self) -> None:
        """Roll back and close, whoever uses it; the owner's next statement raises an error."""


class WriteTransaction:
    """An open write transaction, which holds its locks until it's committed, rolled back or cut off."""

    def __init__(
        self,
        connection: Connection,
        translated_errors: Callable[[], AbstractContextManager[None]],
        release: Callable[[], None] = lambda: None,
    ) -> None:
        self.connection = connection
        self._translated_errors = translated_errors
        #: Releases a lock that isn't the database's own.
        self._release = release
        self._open = True
        self._raw: LendableConnection = connection.connection.dbapi_connection  # type: ignore[assignment]

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
        """Put everything on disk and release the locks; raises Unavailable when the database doesn't take it."""
        try:
            with self._translated_errors():
                self.connection.commit()
        finally:
            self.close()

    def close(self) -> None:
        """Roll back what wasn't committed and release the locks; a second call does nothing."""
        if self._open:
            self._open = False
            self._raw.is_lent = False
            self._raw.loans += 1
            try:
                # SQLAlchemy itself leaves it open when a commit has failed.
                if not self._raw.abandon() and not self.connection.closed:
                    self.connection.invalidate()
                self.connection.close()
            finally:
                self._release()

    def cut_off(self) -> None:
        """Close it from another thread: nothing that its owner still does reaches the database."""
        if self._open:
            self._open = False
            try:
                self._raw.cut_off()
                self.connection.invalidate()
                self.connection.close()
            finally:
                self._release()


def check_statement(statement: Any) -> None:
    """Raise RuntimeError for a handler's statement that ends the transaction."""
    if isinstance(statement, str) and (found := _TRANSACTION.match(statement)):
        raise RuntimeError(
            f"context.session: leave {found[1].upper()} out; what is done in it commits together with the "
            'handler\'s "done", or not at all'
        )
