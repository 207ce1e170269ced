"""How the attempts of one run ended, written down together: with a handler's own work, or with the next write."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from receiver.dispatch.handler_rows import NOT_ENDED, LeaseLost, Outcome
from receiver.errors import Unavailable
from receiver.handlers.unit_of_work import UnitOfWork
from receiver.mail import outbox
from receiver.orders import Order
from receiver.relay import forwarding
from receiver.storage import jobs
from receiver.storage.columns import table_of
from receiver.storage.database import Database, session_on
from receiver.storage.models import AttemptRow, HandlerRow, OrderRow

_HANDLERS, _ATTEMPTS, _ORDERS = table_of(HandlerRow), table_of(AttemptRow), table_of(OrderRow)
_COLUMNS = ("state", "attempts", "detail", "milliseconds", "changed_at", "due_at")
# Made once: to make a statement costs ten times as much as to run it.
_HOLDS_LEASE = select(_ORDERS.c.id).where(
    _ORDERS.c.id == bindparam("job_id"), _ORDERS.c.lease_token == bindparam("job_token")
)
_OF_ONE = update(_HANDLERS).where(_HANDLERS.c.id == bindparam("handler_pk"))
_END = _OF_ONE.values({name: bindparam(name) for name in _COLUMNS})
_BEGIN = _OF_ONE.values(attempts=bindparam("attempts"))
_ADD_ATTEMPT = insert(_ATTEMPTS)
_DROP_MARK = delete(_ATTEMPTS).where(
    *(_ATTEMPTS.c[name] == bindparam(f"its_{name}") for name in ("handler_pk", "run", "number")),
    _ATTEMPTS.c.detail == NOT_ENDED,
)


class _Ended(NamedTuple):
    """One attempt that has ended, as its rows will have it."""

    one: HandlerRow
    handler: Mapping[str, Any]
    attempt: Mapping[str, Any]
    work: UnitOfWork | None


class Outcomes:
    """What one run of an order has found out and not written down yet.

    If the process ends before the next write, those handlers run again: the ones that opened no session, of one order.
    """

    def __init__(self, database: Database, row: OrderRow) -> None:
        self._database = database
        self._row = row
        self._waiting: list[_Ended] = []

    @property
    def leaves_marks(self) -> bool:
        """Return whether this run writes down when an attempt starts; an order's first run doesn't, to be quick.

        If the process ends during that, the order is claimed again, and marked from then on.
        """
        return self._row.attempts > 1

    def mark_begun(self, one: HandlerRow) -> None:
        """Write down that an attempt starts, so that it's known even if the process ends; raises LeaseLost."""
        begun = _attempt(one, Outcome("retrying", NOT_ENDED), datetime.now(UTC))

        def mark(connection: Connection) -> None:
            self._write(connection, self._waiting)
            connection.execute(_BEGIN, {"handler_pk": one.id, "attempts": one.attempts})
            connection.execute(_ADD_ATTEMPT, begun)

        jobs.write_down(self._database, mark)
        self._waiting.clear()

    def add(self, one: HandlerRow, outcome: Outcome, work: UnitOfWork | None = None) -> None:
        """Take an outcome, and what a *done* handler sends; the row of the handler has it at once."""
        self._waiting.append(_ended(one, outcome, work))

    def write_within(self, connection: Connection, one: HandlerRow, outcome: Outcome, work: UnitOfWork) -> None:
        """Write an outcome, and those that wait, in the transaction of the handler's own work; raises LeaseLost."""
        self._write(connection, [*self._waiting, _ended(one, outcome, work)])

    def write_now(self, one: HandlerRow, outcome: Outcome, work: UnitOfWork) -> None:
        """Write an outcome, and those that wait, because the next handler may look for its rows; raises LeaseLost."""
        ended = [*self._waiting, _ended(one, outcome, work)]
        jobs.write_down(self._database, lambda connection: self._write(connection, ended))
        self._waiting.clear()

    def written(self) -> None:
        """Forget what `write_within` wrote, once that's on disk."""
        self._waiting.clear()

    def write_soon(self) -> None:
        """Write what waits if the database is free; else it waits on. Raises LeaseLost."""
        if self._waiting:
            with suppress(Unavailable):
                waiting = list(self._waiting)
                self._database.shared_writes.run(lambda connection: self._write(connection, waiting), patience=0.1)
                self._waiting.clear()

    def settle(self, **columns: Any) -> None:
        """Write what waits, and the columns of the order, whose run is over; raises LeaseLost and Unavailable."""

        def settle(connection: Connection) -> None:
            if not jobs.settle(connection, self._row, **columns):
                raise LeaseLost
            self._write_rows(connection, self._waiting)

        jobs.write_down(self._database, settle)
        self._waiting.clear()

    def drop_work(self, error: Exception) -> None:
        """Take what handlers send for what can't be stored: those handlers have failed, and all others can be written.

        Their emails should have been checked when they were handed over. Without this the order would run for ever.
        """
        why = f"what it sends could not be stored: {type(error).__name__}"
        self._waiting = [
            ended if ended.work is None else _ended(ended.one, Outcome("failed", why), None) for ended in self._waiting
        ]

    def _write(self, connection: Connection, ended: list[_Ended]) -> None:
        lease = {"job_id": self._row.id, "job_token": self._row.lease_token}
        if connection.scalar(_HOLDS_LEASE, lease) is None:
            raise LeaseLost
        self._write_rows(connection, ended)

    def _write_rows(self, connection: Connection, ended: list[_Ended]) -> None:
        if not ended:
            return
        connection.execute(_END, [one.handler for one in ended])
        if self.leaves_marks:
            names = ("handler_pk", "run", "number")
            connection.execute(_DROP_MARK, [{f"its_{name}": one.attempt[name] for name in names} for one in ended])
        connection.execute(_ADD_ATTEMPT, [one.attempt for one in ended])
        mails: list[dict[str, Any]] = []
        for one in ended:
            if one.work and one.work.later and not self._row.test:
                with session_on(connection) as session:
                    for write in one.work.later:
                        write(session)
            now = one.attempt["at"]
            for draft in one.work.drafts if one.work else ():
                mails.append(
                    outbox.columns(draft, now=now, order_pk=self._row.id, handler=one.one.name, test=self._row.test)
                )
            for url in one.work.forwards if one.work else ():
                forwarding.record(
                    connection, order_of(self._row), url, source=self._row.source, key=self._row.key, now=now
                )
        if mails:
            connection.execute(outbox.ADD, mails)


def order_of(row: OrderRow) -> Order:
    """Return a new copy of the order as it was recorded, and as the event that it was decided to be."""
    order = Order.model_validate_json(row.order or "")
    return order if row.event in {None, order.event} else order.model_copy(update={"event": row.event})


def _ended(one: HandlerRow, outcome: Outcome, work: UnitOfWork | None) -> _Ended:
    now = datetime.now(UTC)
    columns = {
        "state": outcome.state,
        "attempts": one.attempts,
        "detail": outcome.detail,
        "milliseconds": outcome.milliseconds,
        "changed_at": now,
        "due_at": now + outcome.after if outcome.after is not None else None,
    }
    for name, value in columns.items():
        setattr(one, name, value)
    is_done = outcome.state == "done"
    ours = {**columns, "handler_pk": one.id}
    return _Ended(one, ours, _attempt(one, outcome, now), work if is_done else None)


def _attempt(one: HandlerRow, outcome: Outcome, now: datetime) -> dict[str, Any]:
    return {
        "handler_pk": one.id,
        "run": one.run,
        "number": one.attempts,
        "state": outcome.state,
        "detail": outcome.detail,
        "milliseconds": outcome.milliseconds,
        "at": now,
    }
