"""SQLite's connections, which another thread may close and which can be lent to a handler."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from receiver.storage.sqlite import driver
from receiver.storage.transactions import BEFORE, CURSOR_IS_OVER, check_statement

#: What may change the connection beyond the transaction, at the head of a statement.
_ALTERS = re.compile(rf"{BEFORE}(?:PRAGMA|ATTACH|DETACH|CREATE\s+TEMP(?:ORARY)?)\b", re.IGNORECASE)


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
        """Refuse what a handler may not do, and anything with a cursor that it kept after its attempt."""
        if self._loan != self.connection.loans:
            raise RuntimeError(CURSOR_IS_OVER)
        self.connection.check_lent(statement)


class GatedConnection(driver.Connection):
    """A connection that ``cut_off`` can close safely from any thread, even in the middle of a statement."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.gate = threading.RLock()
        self.is_cut_off = False
        #: Whether a handler works in the transaction. It must not end it: its "done" commits in it too.
        self.is_lent = False
        #: Counts how often it was lent and taken back; a cursor works only until the next time.
        self.loans = 0
        #: Whether a handler may have changed a setting of it, so that nobody else may use it.
        self.is_altered = False
        self._waits: int | None = None
        super().__init__(*args, **kwargs)

    def cursor(self, *_: Any, **__: Any) -> Any:
        """Make a cursor that steps under the gate."""
        return super().cursor(_Cursor)

    def wait_at_most(self, seconds: float) -> None:
        """Limit how long a statement waits for another program that writes without our write lock."""
        # In steps of a tenth of a second, so that most calls change nothing and cost no PRAGMA.
        milliseconds = max(math.ceil(seconds * 10), 0) * 100
        if milliseconds != self._waits:
            self._waits = milliseconds
            self.execute(f"PRAGMA busy_timeout={milliseconds}")

    def cut_off(self) -> None:
        """Roll back and close, whoever uses it; the owner's next statement raises ProgrammingError."""
        self.interrupt()
        with self.gate:
            self.is_cut_off = True
            self.is_lent = False
            super().rollback()
            super().close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit the block's statements together."""
        self.execute("BEGIN IMMEDIATE")
        yield
        self.execute("COMMIT")

    def abandon(self) -> bool:
        """Roll back what's open; False when a handler has closed it."""
        try:
            self.rollback()
        except driver.ProgrammingError:
            return False
        return True

    def check_lent(self, statement: str) -> None:
        """Raise RuntimeError for a handler's statement that ends the transaction, and for any after the end."""
        if not self.is_lent:
            return
        check_statement(statement)
        self.is_altered = self.is_altered or _ALTERS.match(statement) is not None
        self.check_is_open()

    def check_is_open(self) -> None:
        """Raise RuntimeError when the transaction has ended."""
        if not self.in_transaction:
            raise RuntimeError("context.session: SQLite has rolled the transaction back; raise the error that it gave")

    def __enter__(self) -> Any:
        """Begin a block at whose end the driver commits."""
        self.check_lent("COMMIT")
        return super().__enter__()

    def commit(self) -> None:
        """Commit, unless a handler asks for it."""
        self.check_lent("COMMIT")
        super().commit()

    def rollback(self) -> None:
        """Roll back, unless a handler asks for it or the connection was cut off."""
        self.check_lent("ROLLBACK")
        if not self.is_cut_off:
            super().rollback()

    def close(self) -> None:
        """Close, unless the connection was cut off."""
        if not self.is_cut_off:
            super().close()
