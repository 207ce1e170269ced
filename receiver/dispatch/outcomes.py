"""How the attempts of one run ended, written down together: with a handler's own work, or with the next write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection

from receiver.dispatch.handler_rows import LeaseLost, Outcome
from receiver.dispatch.outcome_rows import Ended, check_leases, ended, mark_begun, not_written, write_rows
from receiver.errors import Unavailable
from receiver.handlers.unit_of_work import UnitOfWork
from receiver.storage import jobs
from receiver.storage.database import Database
from receiver.storage.models import HandlerRow, OrderRow


class Outcomes:
    """What one run of an order has found out and not written down yet.

    If the process ends before the next write, those handlers run again: the ones that opened no session, of one order.
    """

    def __init__(self, database: Database, row: OrderRow) -> None:
        self._database = database
        self.row = row
        self.waiting: list[Ended] = []
        #: Whether a write of it was begun that isn't known to have failed: it may be on disk.
        self._may_be_written = False

    @property
    def have_rows(self) -> bool:
        """Return whether what waits has rows of a handler's that the next one may look for."""
        return not self.row.test and any(one.work is not None and one.work.later for one in self.waiting)

    def mark_begun(self, one: HandlerRow) -> None:
        """Write down that an attempt starts, so that it's known even if the process ends; raises LeaseLost."""

        def mark(connection: Connection) -> None:
            self._write(connection)
            mark_begun(connection, one)

        jobs.write_down(self._database, mark)
        self.written()

    def add(self, one: HandlerRow, outcome: Outcome, work: UnitOfWork | None = None) -> None:
        """Take an outcome, and what a *done* handler sends; the row of the handler has it at once."""
        self.waiting.append(ended(one, outcome, work))

    def write_within(self, connection: Connection, one: HandlerRow, outcome: Outcome, work: UnitOfWork) -> None:
        """Write an outcome, and those that wait, in the transaction of the handler's own work; raises LeaseLost."""
        check_leases(connection, [self.row])
        write_rows(connection, [*self.to_write(connection), (self.row, ended(one, outcome, work))])

    def to_write(self, connection: Connection) -> list[tuple[OrderRow, Ended]]:
        """Return what waits and isn't written; a database that went away may have kept an earlier try."""
        waiting = not_written(connection, self.waiting) if self._may_be_written else self.waiting
        self._may_be_written = True
        return [(self.row, one) for one in waiting]

    def written(self) -> None:
        """Forget what waited, once it's on disk."""
        self.waiting.clear()
        self._may_be_written = False

    def write_soon(self) -> None:
        """Write what waits if the database is free; else it waits on. Raises LeaseLost."""
        if self.waiting:
            with suppress(Unavailable):
                self._database.shared_writes.run(self._write, patience=0.1)
                self.written()

    def write(self, over: Mapping[str, Any] | None = None) -> None:
        """Write what waits, and the columns of the order if its run is over; raises LeaseLost and Unavailable."""
        write_together(self._database, [(self, over)])

    def write_each(self, instead: Callable[[HandlerRow, UnitOfWork, Exception], Outcome]) -> None:
        """Write what waits one by one, because together it can't be; ``instead`` is the outcome of what can't be.

        Without this the order would run for ever. Raises LeaseLost and Unavailable.
        """
        waiting, self.waiting = self.waiting, []
        for one in waiting:
            self.waiting.append(one)
            self._may_be_written = True
            try:
                self.write()
            except (LeaseLost, Unavailable):
                raise
            except Exception as error:
                if one.work is None:
                    raise
                self.waiting = [ended(one.one, instead(one.one, one.work, error), None)]

    def _write(self, connection: Connection) -> None:
        check_leases(connection, [self.row])
        write_rows(connection, self.to_write(connection))


def write_together(database: Database, runs: Sequence[tuple[Outcomes, Mapping[str, Any] | None]]) -> None:
    """Write what waits of several runs at once, and the columns of each order whose run is over.

    Raises LeaseLost if one of them has lost its lease, and Unavailable; then nothing is written.
    """
    if not runs:
        return
    rows = [outcomes.row for outcomes, _ in runs]
    over = [(outcomes.row, columns) for outcomes, columns in runs if columns is not None]

    def write(connection: Connection) -> None:
        check_leases(connection, rows)
        write_rows(connection, [attempt for outcomes, _ in runs for attempt in outcomes.to_write(connection)])
        jobs.settle_all(connection, over)

    jobs.write_down(database, write)
    for outcomes, _ in runs:
        outcomes.written()
