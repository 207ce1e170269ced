"""Claim an order, run its unfinished handlers, settle it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from receiver import errors
from receiver.dispatch import handler_rows
from receiver.dispatch.attempt import Attempts
from receiver.dispatch.handler_rows import LeaseLost, Outcome
from receiver.dispatch.outcomes import Outcomes
from receiver.errors import Unavailable
from receiver.handlers.registry import Registry
from receiver.storage.database import Database
from receiver.storage.job_queue import JobQueue
from receiver.storage.leases import Leases
from receiver.storage.models import HandlerRow, OrderRow

#: Orders that a process claims in one commit.
_CLAIMED_AT_ONCE = 16
#: Seconds that a test order's sender waits for the handlers' results.
TEST_PATIENCE = 9.0
_LOST = Outcome("retrying", "the process ended during this attempt")
_INTERRUPTED_TEST = Outcome("failed", "the server stopped during the test; send it again")

log = logging.getLogger(__name__)


class Processor(JobQueue[OrderRow]):
    """What runs handlers on orders: on queued ones when they're due, on test orders at once."""

    def __init__(self, database: Database, leases: Leases, registry: Registry, attempts: Attempts) -> None:
        super().__init__(database, leases, OrderRow, most=_CLAIMED_AT_ONCE)
        self.registry = registry
        self.attempts = attempts

    def prepare(self, session: Session, claimed: Sequence[OrderRow], now: datetime) -> None:
        """Give each claimed order its handlers' rows: from the first run on it's settled which handlers run."""
        handler_rows.of_orders(session, claimed, self.registry, now)

    def run(self, job: OrderRow) -> None:
        """Run the unfinished handlers of a claimed order, and settle it."""
        outcomes = Outcomes(self.database, job)
        with self.database.read() as session:
            lost = handler_rows.lost(session, job, job.handlers)
        for one in lost:
            log.error("handler %s: %s", one.name, _LOST.detail)
            outcomes.add(one, self.attempts.with_wait(_LOST, job, one, self.registry.get(one.name)))
        self._run(job, _interrupt if job.test else self._attempt, outcomes)

    def run_test(self, pk: int) -> list[dict[str, Any]]:
        """Run all handlers once on a test order that was recorded under a lease.

        Return name, state, detail and milliseconds of each, after 9 s at most; unfinished ones are *pending*.
        """
        row = self._recorded(pk)
        thread = threading.Thread(target=self._run_guarded, args=(row,), name="test-transmission", daemon=True)
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
        row = self._recorded(pk)
        one = next(one for one in row.handlers if one.name == name)
        outcomes = Outcomes(self.database, row)
        with self.leases.kept(row):
            try:
                self._attempt(row, one, outcomes)
                self._settle(row, outcomes)
            except LeaseLost as error:
                raise Unavailable(f"Another run has taken {row.receipt} over; this one took no effect.") from error
        return one

    def _recorded(self, pk: int) -> OrderRow:
        """Return an order that was recorded under a lease of ours, with its handlers' rows."""
        with self.database.write() as session:
            row = session.get_one(OrderRow, pk)
            self.prepare(session, [row], datetime.now(UTC))
        return row

    def _attempt(self, row: OrderRow, one: HandlerRow, outcomes: Outcomes) -> None:
        self.attempts.make(row, one, self.registry.get(one.name), outcomes)

    def _run_guarded(self, row: OrderRow) -> None:
        """Run a test order's handlers in a thread of its own, whose errors nobody else would catch."""
        try:
            with self.leases.kept(row):
                self._run(row, self._attempt, Outcomes(self.database, row))
        except Exception as error:  # noqa: BLE001 - or Python prints it all, with personal data
            log.error("a test order failed: %s", errors.describe_for_log(error))

    def _run(self, row: OrderRow, finish: Callable[[OrderRow, HandlerRow, Outcomes], None], outcomes: Outcomes) -> None:
        try:
            while one := handler_rows.next_ready(row.handlers, self.registry, datetime.now(UTC)):
                finish(row, one, outcomes)
            self._settle(row, outcomes)
        except (LeaseLost, Unavailable) as error:
            log.warning("the run of %s ended early: %s", row.receipt, type(error).__name__)

    def _settle(self, row: OrderRow, outcomes: Outcomes) -> None:
        try:
            self._write(row, outcomes)
        except (LeaseLost, Unavailable):
            raise
        except Exception as error:  # noqa: BLE001 - or the order would stay open, and run for ever
            log.error("what the handlers of %s send: %s", row.receipt, errors.describe_for_log(error))
            outcomes.drop_work(error)
            self._write(row, outcomes)

    def _write(self, row: OrderRow, outcomes: Outcomes) -> None:
        state, due_at = handler_rows.state_of(row.handlers, self.registry, datetime.now(UTC))
        outcomes.settle(state=state, due_at=due_at)


def _interrupt(_row: OrderRow, one: HandlerRow, outcomes: Outcomes) -> None:
    outcomes.add(one, _INTERRUPTED_TEST)
