"""Claim an order, run its unfinished handlers, settle it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from receiver import errors
from receiver.dispatch import handler_rows
from receiver.dispatch.attempt import Attempts
from receiver.dispatch.handler_rows import LeaseLost, Outcome
from receiver.errors import Unavailable
from receiver.handlers.registry import Registry
from receiver.storage import jobs
from receiver.storage.database import Database
from receiver.storage.leases import Leases
from receiver.storage.models import HandlerRow, OrderRow

#: Seconds that a test order's sender waits for the handlers' results.
TEST_PATIENCE = 9.0
_LOST = Outcome("retrying", "the process ended during this attempt")
_INTERRUPTED_TEST = Outcome("failed", "the server stopped during the test; send it again")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Processor:
    """What runs handlers on orders: on queued ones when they're due, on test orders at once."""

    database: Database
    leases: Leases
    registry: Registry
    attempts: Attempts

    def is_due(self) -> bool:
        """Return whether an order is due; this only reads."""
        return jobs.anything_due(self.database, OrderRow, self.leases.free(OrderRow))

    def run_next(self) -> bool:
        """Run the unfinished handlers of the order that's due first; return False if none is due."""
        now = datetime.now(UTC)
        with self.database.write() as session:
            row = jobs.claim(session, OrderRow, now, self.leases.free(OrderRow))
            if row is None:
                return False
            rows = handler_rows.of_order(session, row, self.registry, now)
            for one in handler_rows.lost(session, row, rows):
                log.error("handler %s: %s", one.name, _LOST.detail)
                outcome = self.attempts.with_wait(_LOST, row, one, self.registry.get(one.name))
                handler_rows.write_outcome(session, row, one, outcome)
        self._run(row, rows, partial(self.attempts.end, outcome=_INTERRUPTED_TEST) if row.test else self._attempt)
        return True

    def run_test(self, pk: int) -> list[dict[str, Any]]:
        """Run all handlers once on a test order that was recorded under a lease.

        Return name, state, detail and milliseconds of each, after 9 s at most; unfinished ones are *pending*.
        """
        with self.database.write() as session:
            row = session.get_one(OrderRow, pk)
            rows = handler_rows.of_order(session, row, self.registry, datetime.now(UTC))
        thread = threading.Thread(target=self._run_guarded, args=(row, rows), name="test-transmission", daemon=True)
        thread.start()
        thread.join(TEST_PATIENCE)
        with self.database.read() as session:
            return [
                {"name": one.name, "state": one.state, "detail": one.detail, "ms": one.milliseconds}
                for one in session.get_one(OrderRow, pk).handlers
            ]

    def run_one(self, pk: int, name: str) -> HandlerRow:
        """Make one attempt of one handler on an order that was recorded under a lease, and return its row.

        It doesn't wait for other handlers, and runs no others. The caller renews the lease. Raises Unavailable if
        nothing can be written down, or if the lease was lost.
        """
        with self.database.read() as session:
            row = session.get_one(OrderRow, pk)
            rows = handler_rows.of_order(session, row, self.registry, datetime.now(UTC))
        one = next(one for one in rows if one.name == name)
        with self.leases.kept(row):
            try:
                self._attempt(row, one)
                self._settle(row, rows)
            except LeaseLost as error:
                raise Unavailable(f"Another run has taken {row.receipt} over; this one took no effect.") from error
        return one

    def _attempt(self, row: OrderRow, one: HandlerRow) -> None:
        self.attempts.make(row, one, self.registry.get(one.name))

    def _run_guarded(self, row: OrderRow, rows: list[HandlerRow]) -> None:
        """Run a test order's handlers in a thread of its own, whose errors nobody else would catch."""
        try:
            self._run(row, rows, self._attempt)
        except Exception as error:  # noqa: BLE001 - or Python prints it all, with personal data
            log.error("a test order failed: %s", errors.describe_for_log(error))

    def _run(self, row: OrderRow, rows: list[HandlerRow], finish: Callable[[OrderRow, HandlerRow], None]) -> None:
        with self.leases.kept(row):
            try:
                while one := handler_rows.next_ready(rows, self.registry, datetime.now(UTC)):
                    finish(row, one)
                self._settle(row, rows)
            except (LeaseLost, Unavailable) as error:
                log.warning("the run of %s ended early: %s", row.receipt, type(error).__name__)

    def _settle(self, row: OrderRow, rows: list[HandlerRow]) -> None:
        state, due_at = handler_rows.state_of(rows, self.registry, datetime.now(UTC))
        with self.database.write() as session:
            jobs.settle(session, row, state=state, due_at=due_at)
