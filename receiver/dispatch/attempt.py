"""One attempt of one handler on one order: call it in a thread, commit its work together with its outcome."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Coroutine, Generator, Sequence
from dataclasses import replace
from datetime import timedelta

from receiver import errors
from receiver.dispatch.handler_rows import LeaseLost, Outcome
from receiver.dispatch.outcome_rows import leaves_marks, order_of
from receiver.dispatch.outcomes import Outcomes
from receiver.errors import Unavailable
from receiver.handlers import email_customer, notify_merchant, register_customer
from receiver.handlers.context import Context
from receiver.handlers.contract import Handler, RetryLater, Skip
from receiver.handlers.services import Services
from receiver.handlers.unit_of_work import UnitOfWork
from receiver.storage.models import HandlerRow, OrderRow

#: Seconds that a handler may hold its session open: less than an order's sender waits for the write lock.
LONGEST_TRANSACTION = 1.5
#: A handler is switched off while so many of its abandoned threads still run.
MOST_ABANDONED = 3
_SWITCHED_OFF = (
    f"switched off: {MOST_ABANDONED} of its abandoned attempts still hang; fix what it waits for and restart"
)
_LOOK_EVERY_SECONDS = 0.05
#: The kit's own that only compute. They can't hang, so they run in the worker's thread: one of their own takes longer.
_PROMPT = frozenset(
    (register_customer.register_customer, email_customer.email_customer, notify_merchant.notify_merchant)
)
#: Those of them that read nothing another handler may have written.
_INCURIOUS = frozenset((notify_merchant.notify_merchant,))

log = logging.getLogger(__name__)


class Attempts:
    """The one way to run a handler; it knows which handlers have left threads behind."""

    def __init__(self, services: Services, schedule: Sequence[int]) -> None:
        self.services = services
        #: Seconds between a handler's attempts.
        self.schedule = schedule
        self._abandoned: dict[str, list[threading.Thread]] = defaultdict(list)
        self._mutex = threading.Lock()

    def switched_off(self, name: str) -> bool:
        """Return whether a handler is switched off, because too many abandoned attempts of it still run."""
        with self._mutex:
            self._abandoned[name] = [thread for thread in self._abandoned[name] if thread.is_alive()]
            return len(self._abandoned[name]) >= MOST_ABANDONED

    def make(self, row: OrderRow, one: HandlerRow, handler: Handler | None, outcomes: Outcomes) -> None:
        """Make one attempt and say how it ended; an error of the kit's own is a failed attempt too.

        What opened its session is on disk then; all else waits in ``outcomes``. Raises LeaseLost, and Unavailable if
        nothing can be written down.
        """
        one.attempts += 1
        try:
            self._make(row, one, handler, outcomes)
        except (LeaseLost, Unavailable):
            raise
        except Exception as error:  # noqa: BLE001 - or the order would stay open, and run for ever
            said = errors.describe_for_log(error)
            log.error("%s: handler %s: its attempt could not be carried out: %s", row.receipt, one.name, said)
            failed = Outcome("retrying", f"its attempt could not be carried out: {type(error).__name__}")
            outcomes.add(one, self.with_wait(failed, row, one, handler))

    def _make(self, row: OrderRow, one: HandlerRow, handler: Handler | None, outcomes: Outcomes) -> None:
        order = order_of(row)  # a copy, so no other handler sees what this one changes in it
        if reason := _not_to_run(handler, row):
            outcomes.add(one, Outcome("skipped", reason))
            return
        assert handler is not None  # noqa: S101 - or there was a reason
        if leaves_marks(row):
            outcomes.mark_begun(one)
        work = UnitOfWork(self.services.database, handler.name)
        try:
            outcome = self._call(handler, Context(self.services, row, one, order, work), work, outcomes)
            if outcome.state == "done":
                outcome = _committed(row, one, work, outcome, outcomes)
        finally:
            work.close()
        if outcome.state != "done":
            outcomes.add(one, self.with_wait(outcome, row, one, handler))

    def _call(self, handler: Handler, context: Context, work: UnitOfWork, outcomes: Outcomes) -> Outcome:
        """Call the handler and return how it ended; the caller commits its work, or closes it. Raises LeaseLost."""
        if self.switched_off(handler.name):
            return Outcome("retrying", _SWITCHED_OFF)
        started = time.monotonic()
        ended: list[Outcome] = []
        if only_computes(handler):
            _run(handler, context, ended)
            return replace(ended[0], milliseconds=int((time.monotonic() - started) * 1000))
        thread = threading.Thread(
            target=_run, args=(handler, context, ended), name=f"handler-{handler.name}", daemon=True
        )
        thread.start()
        outcome = self._wait(thread, ended, handler, work, outcomes)
        return replace(outcome, milliseconds=int((time.monotonic() - started) * 1000))

    def _wait(
        self,
        thread: threading.Thread,
        ended: list[Outcome],
        handler: Handler,
        work: UnitOfWork,
        outcomes: Outcomes,
    ) -> Outcome:
        """Wait for the call's end, or abandon it at its timeout; cut off a session that's held for too long."""
        deadline = time.monotonic() + handler.timeout
        overrun = None
        while thread.is_alive() and time.monotonic() < deadline:
            thread.join(_LOOK_EVERY_SECONDS)
            if overrun is None and thread.is_alive() and work.held_for() > LONGEST_TRANSACTION:
                work.cut_off()
                overrun = Outcome(
                    "retrying",
                    f"held its session open for more than {LONGEST_TRANSACTION:g} s; "
                    "do slow work before the first use of context.session",
                )
            if thread.is_alive() and not work.held_for():  # what ended before doesn't wait for a slow one
                try:
                    outcomes.write_soon()
                except LeaseLost:
                    self._abandon(thread, handler, work)
                    raise
        if ended:
            return overrun or ended[0]
        self._abandon(thread, handler, work)
        log.warning("%s: handler %s ran into its timeout and was abandoned", outcomes.row.receipt, handler.name)
        return overrun or Outcome("retrying", f"took longer than its timeout of {handler.timeout:g} s")

    def _abandon(self, thread: threading.Thread, handler: Handler, work: UnitOfWork) -> None:
        """Let a call run on without effect."""
        work.cut_off()
        with self._mutex:
            self._abandoned[handler.name].append(thread)

    def with_wait(self, outcome: Outcome, row: OrderRow, one: HandlerRow, handler: Handler | None) -> Outcome:
        """Return *retrying* with its wait, or as *failed* if that was the last attempt; a test order has only one."""
        if outcome.state != "retrying":
            return outcome
        retries = handler.retries if handler and handler.retries is not None else len(self.schedule)
        if row.test or one.attempts > retries:
            return replace(outcome, state="failed", after=None)
        if outcome.after is not None and outcome.after > timedelta(0):
            return outcome
        wait = self.schedule[min(one.attempts, len(self.schedule)) - 1] if self.schedule else 60
        return replace(outcome, after=timedelta(seconds=wait))


def only_computes(handler: Handler | None) -> bool:
    """Return whether a handler can't hang. One that's gone only gets skipped."""
    return handler is None or handler.function in _PROMPT


def looks_at_rows(handler: Handler | None) -> bool:
    """Return whether a handler may look for rows that one before it has written."""
    return handler is not None and handler.function not in _INCURIOUS


def _committed(row: OrderRow, one: HandlerRow, work: UnitOfWork, outcome: Outcome, outcomes: Outcomes) -> Outcome:
    """Commit the handler's work, its emails and its *done* together; on a test order, roll its work back."""
    try:
        transaction = None if row.test else work.transaction()
        if transaction is None:
            work.close()
            outcomes.add(one, outcome, work)
        else:
            outcomes.write_within(transaction.connection, one, outcome, work)
            transaction.commit()
            outcomes.written()
    except (LeaseLost, Unavailable):
        raise
    except Exception as error:  # noqa: BLE001 - the handler may have left its session in any state
        return Outcome("retrying", f"its work could not be committed: {errors.describe(error)}")
    return outcome


def _run(handler: Handler, context: Context, ended: list[Outcome]) -> None:
    outcome = Outcome("retrying", "did not finish")
    try:
        outcome = _outcome_of(handler, context)
    except BaseException as error:  # noqa: BLE001 - a handler may fail in any way
        outcome = Outcome("retrying", errors.describe_with_location(error, handler.file))
        said = errors.describe_for_log(error, handler.file)
        log.warning("%s: handler %s failed: %s", context.receipt, handler.name, said)
    finally:
        ended.append(outcome)


def _outcome_of(handler: Handler, context: Context) -> Outcome:
    """Call the function and return how it ended. Raises what the function, or the texts it returns, raise."""
    try:
        returned = handler.function(context.order, context)
        if isinstance(returned, Coroutine | Generator):
            returned.close()
            raise TypeError(f"it returned a {type(returned).__name__}, whose work nobody does")
        return Outcome("done", None if returned is None else str(returned))
    except Skip as skip:
        return Outcome("skipped", skip.reason)
    except RetryLater as later:
        return Outcome("retrying", later.reason, later.after)


def _not_to_run(handler: Handler | None, row: OrderRow) -> str | None:
    if handler is None:
        return "no longer installed"
    if row.test and not handler.on_test:
        return "doesn't run on test orders"
    return None if row.event in handler.events else f"doesn't run on {row.event}"
