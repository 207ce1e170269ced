"""What one attempt of a handler has done that takes effect only with its "done": its transaction, mails, forwards.

It is for what runs the handler, which reaches it through its context alone.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress

from sqlalchemy.orm import Session

from receiver.mail.outbox import Draft
from receiver.storage.database import Database
from receiver.storage.write_transaction import WriteTransaction


class _LentSession(Session):
    """Is a handler's: it ends with the attempt, for closing it before would throw away what the handler did."""

    def close(self) -> None:
        """Raise RuntimeError, also at the end of a ``with`` block."""
        raise RuntimeError("context.session: do not close it, nor use it in a with block; it is closed for you")

    reset = close
    invalidate = close


class AttemptWork:
    """Holds back what an attempt does until it is committed with "done", or lets go of it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._transaction: WriteTransaction | None = None
        self._session: _LentSession | None = None
        self._mutex = threading.Lock()
        self._closed = False
        #: When the session's write transaction was opened, by ``time.monotonic``; None before.
        self.opened_at: float | None = None
        #: Mails to be written with "done".
        self.drafts: list[Draft] = []
        #: URLs that the order is forwarded to, to be written with "done".
        self.forwards: list[str] = []

    def transaction(self) -> WriteTransaction | None:
        """Give the session's transaction, its work flushed, for "done" to commit in; None when it was never opened."""
        if self._session is None:
            return None
        self._session.commit()
        assert self._transaction is not None  # noqa: S101 - opened with the session
        self._transaction.take_back()
        return self._transaction

    def close(self) -> None:
        """Roll back what was not committed; the handler's function has returned."""
        with self._mutex:
            if self._closed:
                return
            self._closed = True
            if self._session is not None:
                with suppress(Exception):  # the function may have left its session in any state
                    Session.close(self._session)
            if self._transaction is not None:
                self._transaction.close()

    def cut_off(self) -> None:
        """Close the session under a function that still runs, so that nothing it does later can take effect."""
        with self._mutex:
            self._closed = True
            if self._transaction is not None:
                self._transaction.cut_off()

    def session(self) -> Session:
        """Give the handler's session, opened at the first call; raises RuntimeError once the attempt is over."""
        with self._mutex:
            if self._closed:
                raise RuntimeError("This attempt is over; its session can no longer be used.")
            if self._session is None:
                self._transaction = self._database.begin_write()
                self._transaction.lend()
                self.opened_at = time.monotonic()
                self._session = _LentSession(self._transaction.connection, join_transaction_mode="create_savepoint")
            return self._session

    def check_not_begun(self) -> None:
        """Raise RuntimeError once the attempt is over, or its session is open."""
        with self._mutex:
            if self._closed:
                raise RuntimeError("This attempt is over; it can do nothing more.")
            if self._session is not None:
                raise RuntimeError("Use context.once before context.session: it is written down at once, by itself.")
