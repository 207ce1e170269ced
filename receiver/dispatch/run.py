"""One run of a claimed order: its handlers in turn, then its settling. Several runs share what they write."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from receiver import errors
from receiver.dispatch import handler_rows
from receiver.dispatch.attempt import Attempts, looks_at_rows, only_computes
from receiver.dispatch.handler_rows import LeaseLost, Outcome
from receiver.dispatch.outcomes import Outcomes, write_together
from receiver.errors import Unavailable
from receiver.handlers.registry import Registry
from receiver.handlers.unit_of_work import UnitOfWork
from receiver.storage.database import Database
from receiver.storage.models import HandlerRow, OrderRow

_LOST = Outcome("retrying", "the process ended during this attempt")
_INTERRUPTED_TEST = Outcome("failed", "the server stopped during the test; send it again")

log = logging.getLogger(__name__)


class Run:
    """One run of an order under its lease, which the caller keeps."""

    def __init__(self, database: Database, row: OrderRow, registry: Registry, attempts: Attempts) -> None:
        self.row = row
        self.outcomes = Outcomes(database, row)
        self._database = database
        self._registry = registry
        self._attempts = attempts

    @property
    def only_computes(self) -> bool:
        """Return whether nothing of it can hang, so that other orders may wait for it."""
        handlers = (self._registry.get(one.name) for one in self.row.handlers)
        return self.row.attempts == 1 and not self.row.test and all(map(only_computes, handlers))

    def attempt(self, one: HandlerRow) -> None:
        """Make one attempt of one handler; raises LeaseLost and Unavailable."""
        self._attempts.make(self.row, one, self._registry.get(one.name), self.outcomes)

    def end_lost(self) -> None:
        """Write down the attempts that ended their process, again and again, as failed ones."""
        with self._database.read() as session:
            lost = handler_rows.lost(session, self.row, self.row.handlers)
        for one in lost:
            log.error("%s: handler %s: %s", self.row.receipt, one.name, _LOST.detail)
            self.outcomes.add(one, self._with_wait(one, _LOST))

    def interrupt_test(self) -> None:
        """End a test whose process has ended; its sender is gone."""
        for one in self.row.handlers:
            if one.state not in handler_rows.FINISHED:
                self.outcomes.add(one, _INTERRUPTED_TEST)

    def steps(self) -> Iterator[None]:
        """Run the unfinished handlers, and stop where what waits must be on disk before the next one.

        Raises LeaseLost and Unavailable.
        """
        while one := handler_rows.next_ready(self.row.handlers, self._registry, datetime.now(UTC)):
            if self.outcomes.have_rows and looks_at_rows(self._registry.get(one.name)):
                yield
            else:
                self.attempt(one)

    def write(self) -> None:
        """Write what waits; what can't be stored is a failed attempt. Raises LeaseLost and Unavailable."""
        try:
            self.outcomes.write()
        except (LeaseLost, Unavailable):
            raise
        except Exception as error:  # noqa: BLE001 - or the order would stay open, and run for ever
            log.error("%s: what its handlers send: %s", self.row.receipt, errors.describe_for_log(error))
            self.outcomes.write_each(self._not_stored)

    def settle(self) -> None:
        """Write what waits, and then how the order is, whose run is over; raises LeaseLost and Unavailable."""
        self.write()
        self.outcomes.write(self.state())

    def state(self) -> dict[str, Any]:
        """Return the columns of the order as its handlers are now."""
        state, due_at = handler_rows.state_of(self.row.handlers, self._registry, datetime.now(UTC))
        return {"state": state, "due_at": due_at}

    def _not_stored(self, one: HandlerRow, work: UnitOfWork, error: Exception) -> Outcome:
        """Return the outcome of a handler whose work can't be stored; its emails should have been checked before."""
        if work.later:
            return self._with_wait(
                one, Outcome("retrying", f"its work could not be committed: {errors.describe(error)}")
            )
        return Outcome("failed", f"what it sends could not be stored: {type(error).__name__}")

    def _with_wait(self, one: HandlerRow, outcome: Outcome) -> Outcome:
        return self._attempts.with_wait(outcome, self.row, one, self._registry.get(one.name))


#: A run, and the rest of its steps.
_Going = tuple[Run, Iterator[None]]


def carry_out(database: Database, runs: Sequence[Run]) -> None:
    """Carry out one run, or several step by step, which then share their writes."""
    going = [(run, run.steps()) for run in runs]
    while going:
        stopped: list[_Going] = []
        over: list[_Going] = []
        for run, steps in going:
            with _ending_early(run):
                is_over = next(steps, run) is run
                (over if is_over else stopped).append((run, steps))
        writes = [*((run.outcomes, None) for run, _ in stopped), *((run.outcomes, run.state()) for run, _ in over)]
        try:
            write_together(database, writes)
            going = stopped
        except Unavailable as error:
            for run, _ in (*stopped, *over):
                _ended_early(run, error)
            return
        except Exception:  # noqa: BLE001 - one of them can't be written, and the others aren't to suffer for it
            going = []
            for run, steps in stopped:
                with _ending_early(run):
                    run.write()
                    going.append((run, steps))
            for run, _ in over:
                with _ending_early(run):
                    run.settle()


@contextmanager
def _ending_early(run: Run) -> Iterator[None]:
    """Log that a run can't go on."""
    try:
        yield
    except (LeaseLost, Unavailable) as error:
        _ended_early(run, error)


def _ended_early(run: Run, error: Exception) -> None:
    log.warning("the run of %s ended early: %s", run.row.receipt, type(error).__name__)
