"""The unit of work of one handler attempt: the transaction, emails and forwards that commit with its "done".

The handler only reaches it through its context.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from receiver.mail.message import Draft
from receiver.orders.idempotency import digest
from receiver.storage.columns import upsert
from receiver.storage.database import Beside, Database
from receiver.storage.models import OnceRow
from receiver.storage.transactions import WriteTransaction


class _LentSession(Session):
    """A handler's session, which ends with the attempt: closing it earlier would discard the handler's work."""

    def close(self) -> None:
        """Raise RuntimeError, also at the end of a ``with`` block."""
        raise RuntimeError("context.session: do not close it, nor use it in a with block; it is closed for you")

    reset = close
    invalidate = close


class UnitOfWork:
    """The work of one attempt, which is committed together with "done" or discarded."""

    def __init__(self, database: Database, handler: str = "") -> None:
        self._database = database
        self._handler = handler
        self._transaction: WriteTransaction | None = None
        self._session: _LentSession | None = None
        self._mutex = threading.Lock()
        self._closed = False
        #: When the session's write transaction was opened, by ``time.monotonic``; None before.
        self.opened_at: float | None = None
        #: Emails to be written with "done".
        self.drafts: list[Draft] = []
        #: URLs that the order is forwarded to, to be written with "done".
        self.forwards: list[str] = []
        #: Writes without a session of the handler's: done in it once it's opened, or else together with "done".
        self.later: list[Callable[[Session], object]] = []

    def transaction(self) -> WriteTransaction | None:
        """Return the session's flushed transaction, for "done" to commit in; None if it was never opened."""
        if self._session is None:
            return None
        self._session.commit()
        assert self._transaction is not None  # noqa: S101 - opened with the session
        self._transaction.take_back()
        return self._transaction

    def close(self) -> None:
        """Roll back what wasn't committed, after the handler's function has returned."""
        with self._mutex:
            if self._closed:
                return
            self._closed = True
            if self._session is not None:
                with suppress(Exception):  # the function may have left it in any state
                    Session.close(self._session)
            if self._transaction is not None:
                self._transaction.close()

    def cut_off(self) -> None:
        """Close the session while the function still runs, so that nothing it does later takes effect."""
        with self._mutex:
            self._closed = True
            if self._transaction is not None:
                self._transaction.cut_off()

    def session(self) -> Session:
        """Return the handler's session, which the first call opens; raises RuntimeError once the attempt is over."""
        with self._mutex:
            if self._closed:
                raise RuntimeError("This attempt is over; its session can no longer be used.")
            if self._session is None:
                self._transaction = self._database.begin_write(beside=Beside.ANYTHING, turn=self._handler)
                self._transaction.lend()
                self.opened_at = time.monotonic()
                self._session = _LentSession(self._transaction.connection, join_transaction_mode="create_savepoint")
                while self.later:
                    self.later.pop(0)(self._session)
            return self._session

    def do_later(self, write: Callable[[Session], object]) -> None:
        """Have something written together with "done", or now if the session is open."""
        if self._session is None:
            self.later.append(write)
        else:
            write(self.session())

    def held_for(self) -> float:
        """Return how many seconds the session has been open for; 0 before it is."""
        return 0.0 if self.opened_at is None else time.monotonic() - self.opened_at

    def check_not_begun(self) -> None:
        """Raise RuntimeError once the attempt is over, or its session is open."""
        with self._mutex:
            if self._closed:
                raise RuntimeError("This attempt is over; it can do nothing more.")
            if self._session is not None:
                raise RuntimeError("Use context.once before context.session: it is written down at once, by itself.")

    def use_up(self, handler: str, key: str, *, order_pk: int | None) -> bool:
        """Return whether a handler asks for a key for the first time, and write down that it has asked.

        Only the key's digest is kept, because a key may name a person. Raises Unavailable if it can't be written.
        """
        values = {"handler": handler, "digest": digest(key), "order_pk": order_pk, "at": datetime.now(UTC)}
        statement = upsert(OnceRow).values(values).on_conflict_do_nothing().returning(OnceRow.id)
        return self._database.shared_writes.run(lambda connection: connection.scalar(statement) is not None)
