"""What one attempt of a handler has done that takes effect only with its "done": its transaction, mails, forwards.

A handler leaves this alone; it is for what runs the handler.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress

from sqlalchemy.orm import Session

from receiver.database import Database, WriteTransaction
from receiver.outbox import Draft


class AttemptWork:
    """Holds back what an attempt does until it is committed with "done", or lets go of it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._transaction: WriteTransaction | None = None
        self._session: Session | None = None
        self._mutex = threading.Lock()
        self._closed = False
        #: When the session's write transaction was opened, by ``time.monotonic``; None before.
        self.opened_at: float | None = None
        #: Mails to be written with "done".
        self.drafts: list[Draft] = []
        #: URLs that the order is forwarded to, to be written with "done".
        self.forwards: list[str] = []

    def transaction(self) -> WriteTransaction:
        """Give the transaction that "done" commits in: the session's, its work flushed, or a fresh one."""
        if self._session is not None:
            self._session.commit()
        elif self._transaction is None:
            self._transaction = self._database.begin_write()
        assert self._transaction is not None  # noqa: S101 - opened just now or with the session
        return self._transaction

    def close(self) -> None:
        """Roll back what was not committed; the handler's function has returned."""
        with self._mutex:
            if self._closed:
                return
            self._closed = True
            if self._session is not None:
                with suppress(Exception):  # the function may have left its session in any state
                    self._session.close()
            if self._transaction is not None:
                self._transaction.close()

    def cut_off(self) -> None:
        """Close the session under a function that still runs, so that nothing it does later can take effect."""
        with self._mutex:
            self._closed = True
            if self._transaction is not None:
                self._transaction.cut_off()

    def _open_session(self) -> Session:
        with self._mutex:
            if self._closed:
                raise RuntimeError("This attempt is over; its session can no longer be used.")
            if self._session is None:
                self._transaction = self._database.begin_write()
                self._transaction.lend()
                self.opened_at = time.monotonic()
                self._session = Session(self._transaction.connection, join_transaction_mode="create_savepoint")
            return self._session

    def _check_not_begun(self) -> None:
        """Raise RuntimeError once the attempt is over, or its session is open."""
        with self._mutex:
            if self._closed:
                raise RuntimeError("This attempt is over; it can do nothing more.")
            if self._session is not None:
                raise RuntimeError("Use context.once before context.session: it is written down at once, by itself.")
