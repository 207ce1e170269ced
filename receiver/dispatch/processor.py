"""Claim an order, run its unfinished handlers, settle it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from receiver import errors
from receiver.dispatch import handler_rows
from receiver.dispatch.attempt import Attempts
from receiver.dispatch.handler_rows import LeaseLost
from receiver.dispatch.run import Run, carry_out
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

log = logging.getLogger(__name__)


class Processor(JobQueue[OrderRow]):
    """What runs handlers on orders: on queued ones when they're due, on test orders at once."""

    def __init__(self, database: Database, leases: Leases, registry: Registry, attempts: Attempts) -> None:
        super().__init__(database, leases, OrderRow, most=_CLAIMED_AT_ONCE)
        self.registry = registry
        #: Held by the thread that runs orders which only compute.
        self._computing = threading.Lock()
        self.attempts = attempts

    def is_due(self) -> bool:
        """Return whether an order is due, unless a thread computes: two would hold each other up, and POSTs.

        A job's end leaves a hint, so nothing is forgotten.
        """
        return not self._computing.locked() and super().is_due()

    def prepare(self, session: Session, claimed: Sequence[OrderRow], now: datetime) -> None:
        """Give each claimed order its handlers' rows: from the first run on it's settled which handlers run."""
        handler_rows.of_orders(session, claimed, self.registry, now)

    def go_together(self, job: OrderRow) -> bool:
        """Return whether an order's handlers only compute: then no other order waits long for it."""
        return self._run_of(job).only_computes

    def run(self, job: OrderRow) -> None:
        """Run the unfinished handlers of a claimed order, and settle it."""
        self.run_together([job])

    def run_together(self, claimed: Sequence[OrderRow]) -> None:
        """Run the unfinished handlers of claimed orders, and settle each; they share their writes."""
        runs = [self._run_of(job) for job in claimed]
        for run in runs:
            run.end_lost()
            if run.row.test:
                run.interrupt_test()
        with self._computing if all(run.only_computes for run in runs) else nullcontext():
            carry_out(self.database, runs)

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
        run = self._run_of(row)
        with self.leases.kept(row):
            try:
                run.attempt(one)
                run.settle()
            except LeaseLost as error:
                raise Unavailable(f"Another run has taken {row.receipt} over; this one took no effect.") from error
        return one

    def _recorded(self, pk: int) -> OrderRow:
        """Return an order that was recorded under a lease of ours, with its handlers' rows."""
        with self.database.write() as session:
            row = session.get_one(OrderRow, pk)
            self.prepare(session, [row], datetime.now(UTC))
        return row

    def _run_guarded(self, row: OrderRow) -> None:
        """Run a test order's handlers in a thread of its own, whose errors nobody else would catch."""
        try:
            with self.leases.kept(row):
                carry_out(self.database, [self._run_of(row)])
        except Exception as error:  # noqa: BLE001 - or Python prints it all, with personal data
            log.error("%s: a test order failed: %s", row.receipt, errors.describe_for_log(error))

    def _run_of(self, row: OrderRow) -> Run:
        return Run(self.database, row, self.registry, self.attempts)
