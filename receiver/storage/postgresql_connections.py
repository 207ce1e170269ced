"""PostgreSQL's connections, which can be lent to a handler and cut off."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from receiver.storage.transactions import BEFORE, CURSOR_IS_OVER, check_statement

#: What may change the connection beyond the transaction, at the head of a statement.
_ALTERS = re.compile(
    rf"{BEFORE}(?:SET(?!\s+LOCAL)|RESET|DISCARD|LISTEN|PREPARE|CREATE\s+(?:LOCAL\s+)?TEMP(?:ORARY)?)\b",
    re.IGNORECASE,
)
#: A setting that ends with the transaction, however that ends; it shows that the handler's is the one that was begun.
_MARK = "receiver.attempt"
_PAUSE = 0.1


class LentCursor(psycopg.Cursor[Any]):
    """A cursor that refuses what a handler may not do, and anything once the attempt is over."""

    def __init__(self, connection: Any, **options: Any) -> None:
        super().__init__(connection, **options)
        self._loan = connection.loans

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        """Run one statement."""
        self._check(query)
        return super().execute(query, params, **options)

    def executemany(self, query: Any, params_seq: Any, **options: Any) -> None:
        """Run one statement several times."""
        self._check(query)
        super().executemany(query, params_seq, **options)

    def _check(self, query: Any) -> None:
        ours: Any = self.connection
        if self._loan != ours.loans:
            raise RuntimeError(CURSOR_IS_OVER)
        ours.check_lent(query)


class QmarkCursor(LentCursor):
    """A cursor that takes parameters written ``?``, as SQLite does."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        """Run one statement, which has no other question mark."""
        return super().execute(_with_percent(query), params, **options)


class LendableConnection(psycopg.Connection[Any]):
    """A connection that can be lent to a handler, and closed by another thread in the middle of a statement."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.cursor_factory = LentCursor
        self.is_lent = False
        self.loans = 0
        #: Whether a handler may have changed a setting of it, so that nobody else may use it.
        self.is_altered = False

    def __del__(self, *_: Any) -> None:
        """Close what a pool has dropped; psycopg's own would warn of each."""
        with suppress(Exception):
            self.close()

    def wait_at_most(self, seconds: float) -> None:
        """Do nothing: how long a lock is waited for is set when the transaction begins."""

    def mark(self) -> None:
        """Mark the transaction that's lent."""
        psycopg.Cursor(self).execute("SELECT set_config(%s, 'lent', true)", [_MARK])

    def check_lent(self, statement: Any) -> None:
        """Raise RuntimeError for a handler's statement that ends the transaction."""
        if self.is_lent:
            check_statement(statement)
            self.is_altered = self.is_altered or (isinstance(statement, str) and bool(_ALTERS.match(statement)))

    def check_is_open(self) -> None:
        """Raise RuntimeError when the transaction has ended, or takes nothing more."""
        if self.info.transaction_status == TransactionStatus.INERROR:
            raise RuntimeError(
                "context.session: a statement failed, and PostgreSQL takes nothing more in this transaction; raise the "
                "error that it gave, or put what may fail in session.begin_nested()"
            )
        cursor = psycopg.Cursor(self).execute("SELECT current_setting(%s, true)", [_MARK])
        if cursor.fetchone() != ("lent",):
            raise RuntimeError("context.session: the transaction was ended in it; leave COMMIT and ROLLBACK out")

    def commit(self) -> None:
        """Commit, unless a handler asks for it.

        When it raises OperationalError, everything was committed or nothing. The server can't be asked which: after a
        crash it gives the numbers of transactions that it lost to others, and reports those as committed.
        """
        self.check_lent("COMMIT")
        if self.info.transaction_status == TransactionStatus.INERROR:  # the server would roll back and say nothing
            self.rollback()
            raise psycopg.errors.InFailedSqlTransaction("a statement of the transaction has failed")
        super().commit()

    def rollback(self) -> None:
        """Roll back, unless a handler asks for it."""
        self.check_lent("ROLLBACK")
        super().rollback()

    def __enter__(self) -> Any:
        """Begin a block at whose end the driver commits."""
        self.check_lent("COMMIT")
        return super().__enter__()

    def abandon(self) -> bool:
        """Roll back what's open; False on a closed connection, and on one whose server is gone."""
        try:
            self.rollback()
        except psycopg.Error:
            return False
        return True

    def cut_off(self) -> None:
        """Close, whoever uses it, so that the server rolls back; the owner's next statement raises OperationalError."""
        while not self.lock.acquire(timeout=_PAUSE):  # held while a statement runs
            with suppress(psycopg.Error):
                self.cancel_safe(timeout=1)
        try:
            self.is_lent = False
            self.close()
        finally:
            self.lock.release()


# How many rows come together makes another statement, of up to a hundred kilobytes.
@lru_cache(64)
def _with_percent(statement: str) -> str:
    return statement.replace("?", "%s")
