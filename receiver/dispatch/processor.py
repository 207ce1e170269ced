"""Run the unfinished handlers of one order, each recorded as it ends."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from receiver import errors
from receiver.dispatch import handler_runs
from receiver.dispatch.attempts import Attempts
from receiver.dispatch.outcome import Outcome
from receiver.errors import Unavailable
from receiver.handlers.context import Context, Run, Services
from receiver.handlers.contract import Handler
from receiver.handlers.registry import Registry
from receiver.handlers.unit_of_work import AttemptWork
from receiver.orders import Order
from receiver.storage import jobs
from receiver.storage.database import Database
from receiver.storage.leases import Leases
from receiver.storage.models import HandlerRow, OrderRow

#: Seconds that a test transmission's sender waits for the handlers' results.
TEST_PATIENCE = 9.0
_LOST = Outcome("retrying", "the process ended during this attempt")

log = logging.getLogger(__name__)


class Processor:
    """Runs handlers on orders: those of the queue as they fall due, a test transmission's at once."""

    def __init__(
        self,
        database: Database,
        leases: Leases,
        registry: Registry,
        services: Services,
        *,
        schedule: Sequence[int],
    ) -> None:
        self._database = database
        self._leases = leases
        self._registry = registry
        self._services = services
        self._schedule = schedule
        #: Which handlers are switched off.
        self.attempts = Attempts()

    def run_next(self) -> bool:
        """Run the oldest due order's unfinished handlers; False when no order was due."""
        now = datetime.now(UTC)
        with self._database.write() as session:
            row = jobs.claim(session, OrderRow, now, self._leases.free(OrderRow))
            if row is None:
                return False
            rows = handler_runs.handler_rows(session, row, self._registry, now)
            self._settle_lost(session, row, handler_runs.lost(session, row, rows), now)
        self._run(row, rows, self._end_interrupted_test if row.test else self._run_handler)
        return True

    def run_test(self, pk: int) -> list[dict[str, Any]]:
        """Run all handlers, once each, on a test transmission that was recorded under a lease.

        Gives name, state, detail and ms of each after 9 s at the latest, unfinished ones as *pending*.
        """
        with self._database.write() as session:
            row = session.get_one(OrderRow, pk)
            rows = handler_runs.handler_rows(session, row, self._registry, datetime.now(UTC))
        thread = threading.Thread(target=self._run_guarded, args=(row, rows), name="test-transmission", daemon=True)
        thread.start()
        thread.join(TEST_PATIENCE)
        with self._database.read() as session:
            mine = select(HandlerRow).where(HandlerRow.order_pk == pk).order_by(HandlerRow.position)
            return [
                {"name": one.name, "state": one.state, "detail": one.detail, "ms": one.milliseconds}
                for one in session.scalars(mine)
            ]

    def run_one(self, pk: int, name: str) -> HandlerRow:
        """Make one attempt of one handler on an order that was recorded under a lease, and give its row.

        It waits for no other handler, and no other one runs. The caller renews the lease. Raises Unavailable when
        nothing can be written down, or when the lease was lost.
        """
        with self._database.read() as session:
            row = session.get_one(OrderRow, pk)
            rows = handler_runs.handler_rows(session, row, self._registry, datetime.now(UTC))
        one = next(one for one in rows if one.name == name)
        with self._leases.kept(row):
            try:
                self._run_handler(row, one)
                self._settle(row, rows)
            except handler_runs.LeaseLost as error:
                raise Unavailable(f"Another run has taken {row.receipt} over; this one took no effect.") from error
        return one

    def _settle_lost(self, session: Session, row: OrderRow, lost: list[HandlerRow], now: datetime) -> None:
        """End the attempts that seem to have ended their process, in the transaction that claimed the order."""
        for one in lost:
            log.error("handler %s: %s", one.name, _LOST.detail)
            outcome = self._decide(one, self._registry.get(one.name), _LOST, test=row.test)
            handler_runs.take_over(one, handler_runs.write_outcome(session, row, one, outcome, None, now))

    def _run_guarded(self, row: OrderRow, rows: list[HandlerRow]) -> None:
        """Run a test's handlers in a thread of its own, whose errors nobody else would catch."""
        try:
            self._run(row, rows, self._run_handler)
        except Exception as error:  # noqa: BLE001 - left alone, Python prints it whole, personal data included
            log.error("a test transmission failed: %s", errors.describe_for_log(error))

    def _run(self, row: OrderRow, rows: list[HandlerRow], run_handler: Any) -> None:
        with self._leases.kept(row):
            try:
                while one := handler_runs.next_ready(rows, self._registry, datetime.now(UTC)):
                    run_handler(row, one)
                self._settle(row, rows)
            except (handler_runs.LeaseLost, Unavailable) as error:
                log.warning("the run of %s ended early: %s", row.receipt, type(error).__name__)

    def _settle(self, row: OrderRow, rows: list[HandlerRow]) -> None:
        state, due_at = handler_runs.state_of(rows, self._registry, datetime.now(UTC))
        with self._database.write() as session:
            jobs.settle(session, row, state=state, due_at=due_at)

    def _run_handler(self, row: OrderRow, one: HandlerRow) -> None:
        """Make one attempt and write down how it ended; what nobody foresaw is a failed attempt too."""
        handler = self._registry.get(one.name)
        one.attempts += 1
        try:
            self._attempt(row, one, handler)
        except (handler_runs.LeaseLost, Unavailable):
            raise
        except Exception as error:  # noqa: BLE001 - else the order stayed open, and was run again, for ever
            log.error("handler %s: its attempt could not be carried out: %s", one.name, errors.describe_for_log(error))
            outcome = Outcome("retrying", f"its attempt could not be carried out: {type(error).__name__}")
            self._write(row, one, self._decide(one, handler, outcome, test=row.test))

    def _attempt(self, row: OrderRow, one: HandlerRow, handler: Handler | None) -> None:
        """Make one attempt on an order of its own: what it changes in that, no other handler sees."""
        order = handler_runs.order_of(row)
        if reason := _not_to_run(handler, row, order):
            self._write(row, one, Outcome("skipped", reason))
            return
        assert handler is not None  # noqa: S101 - or there had been a reason
        if handler_runs.leaves_marks(row):
            with self._database.write() as session:
                handler_runs.mark_begun(session, row, one, datetime.now(UTC))
        work = AttemptWork(self._database)
        context = Context(self._services, _run_of(row, one), order, work)
        try:
            outcome = self.attempts.run(handler, context, work)
            if outcome.state == "done":
                outcome = self._commit(row, one, work, outcome)
        finally:
            work.close()
        if outcome.state != "done":
            self._write(row, one, self._decide(one, handler, outcome, test=row.test))

    def _commit(self, row: OrderRow, one: HandlerRow, work: AttemptWork, outcome: Outcome) -> Outcome:
        """Commit the handler's work, its mails and its *done* together; a test's work is rolled back."""
        try:
            transaction = None if row.test else work.transaction()
            if transaction is None:
                work.close()
                self._write(row, one, outcome, work)
            else:
                with Session(transaction.connection) as session:
                    columns = handler_runs.write_outcome(session, row, one, outcome, work, datetime.now(UTC))
                    session.flush()
                transaction.commit()
                handler_runs.take_over(one, columns)
        except (handler_runs.LeaseLost, Unavailable):
            raise
        except Exception as error:  # noqa: BLE001 - the handler may have left its session in any state
            return Outcome("retrying", f"its work could not be committed: {errors.describe(error)}")
        return outcome

    def _write(self, row: OrderRow, one: HandlerRow, outcome: Outcome, work: AttemptWork | None = None) -> None:
        columns = jobs.write_down(
            self._database,
            lambda session: handler_runs.write_outcome(session, row, one, outcome, work, datetime.now(UTC)),
        )
        handler_runs.take_over(one, columns)

    def _decide(self, one: HandlerRow, handler: Handler | None, outcome: Outcome, *, test: bool) -> Outcome:
        """Turn *retrying* into *failed* once there were enough attempts, else set the wait; a test has one attempt."""
        if outcome.state != "retrying":
            return outcome
        retries = handler.retries if handler and handler.retries is not None else len(self._schedule)
        if test or one.attempts > retries:
            return replace(outcome, state="failed", after=None)
        if outcome.after is not None and outcome.after > timedelta(0):
            return outcome
        wait = self._schedule[min(one.attempts, len(self._schedule)) - 1] if self._schedule else 60
        return replace(outcome, after=timedelta(seconds=wait))

    def _end_interrupted_test(self, row: OrderRow, one: HandlerRow) -> None:
        self._write(row, one, Outcome("failed", "the server stopped during the test; send it again"))


def _not_to_run(handler: Handler | None, row: OrderRow, order: Order) -> str | None:
    if handler is None:
        return "no longer installed"
    if row.test and not handler.on_test:
        return "does not run on a test transmission"
    return None if order.event in handler.events else f"does not run on {order.event}"


def _run_of(row: OrderRow, one: HandlerRow) -> Run:
    return Run(
        handler=one.name,
        event_id=row.key,
        source=row.source,
        receipt=row.receipt,
        order_pk=row.id,
        run=one.run,
        attempt=one.attempts,
        test=row.test,
    )
