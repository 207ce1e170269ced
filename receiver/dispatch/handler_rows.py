"""The handler rows of an order: how each ended, which one may run now, and the order's state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from receiver.errors import printable
from receiver.handlers.registry import Registry
from receiver.handlers.unit_of_work import UnitOfWork
from receiver.intake.authentication import IMPORTED
from receiver.mail import outbox
from receiver.orders import Order
from receiver.relay import forwarding
from receiver.storage import jobs
from receiver.storage.models import AttemptRow, HandlerRow, OrderRow

#: States in which a handler is finished with an order.
FINISHED = frozenset({"done", "skipped", "failed"})
#: How long a handler waits for the one it runs after, while that one is being retried.
LONGEST_WAIT = timedelta(minutes=15)
#: An attempt's detail from its start on; it stays if the process ends before the attempt does.
NOT_ENDED = "has not ended; unless it still runs, the process ended during it"
_LONGEST_DETAIL = 500
#: The longest accepted wait; more overflows a date.
_LONGEST_DELAY = timedelta(days=365)
#: After so many marked attempts in a row that have no end, a handler waits for its schedule like a failed one.
MOST_LOST = 2


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended: ``done``, ``skipped``, ``retrying`` or ``failed``, and why.

    It can always be written down: a text is cut and made storable, and a wait is a year at most.
    """

    state: str
    detail: str | None = None
    #: How long until the next attempt, while ``retrying``.
    after: timedelta | None = None
    milliseconds: int = 0

    def __post_init__(self) -> None:
        """Cut the detail and the wait to what can be stored."""
        if self.detail is not None:
            object.__setattr__(self, "detail", printable(self.detail[:_LONGEST_DETAIL]))
        if self.after is not None:
            object.__setattr__(self, "after", min(self.after, _LONGEST_DELAY))


class LeaseLost(Exception):
    """Raised when another run has taken the order over; nothing of this one may take effect."""


def order_of(row: OrderRow) -> Order:
    """Return a new copy of the order as it was recorded."""
    return Order.model_validate_json(row.order or "")


def of_order(session: Session, row: OrderRow, registry: Registry, now: datetime) -> list[HandlerRow]:
    """Return an order's handler rows; its first run makes one for each handler that runs on its event.

    If it was imported with the handlers off, they're skipped.
    """
    rows = list(row.handlers)
    if not rows:
        rows = [new_row(row, handler.name, position, now) for position, handler in enumerate(registry.on(row.event), 1)]
        for one in rows if row.proof == IMPORTED else ():
            one.state, one.detail = "skipped", "the order was imported with handlers off"
        session.add_all(rows)
    return rows


def new_row(row: OrderRow, name: str, position: int, now: datetime) -> HandlerRow:
    """Return the row of a handler that hasn't run on an order yet."""
    return HandlerRow(
        order_pk=row.id,
        name=name,
        position=position,
        run=1,
        attempts=0,
        state="pending",
        waiting_since=now,
        changed_at=now,
    )


def next_ready(rows: Sequence[HandlerRow], registry: Registry, now: datetime) -> HandlerRow | None:
    """Return the first handler that may run now: unfinished, due, and not waiting for another one."""
    unfinished = (one for one in rows if one.state not in FINISHED)
    return next((one for one in unfinished if _due_at(one, rows, registry, now) <= now), None)


def state_of(rows: Sequence[HandlerRow], registry: Registry, now: datetime) -> tuple[str, datetime | None]:
    """Return the order's state, and while that's *open*, when its next handler is due."""
    unfinished = [one for one in rows if one.state not in FINISHED]
    if unfinished:
        return "open", min(_due_at(one, rows, registry, now) for one in unfinished)
    return ("failed" if any(one.state == "failed" for one in rows) else "done"), None


def leaves_marks(row: OrderRow) -> bool:
    """Return whether this run writes down when an attempt starts; an order's first run doesn't, to be quick.

    If the process ends during that, the order is claimed again, and marked from then on.
    """
    return row.attempts > 1


def mark_begun(session: Session, row: OrderRow, one: HandlerRow) -> None:
    """Write down that an attempt starts, so that it's known even if the process ends; raises LeaseLost."""
    _write(session, row, one, {"attempts": one.attempts}, Outcome("retrying", NOT_ENDED))


def lost(session: Session, row: OrderRow, rows: Sequence[HandlerRow]) -> list[HandlerRow]:
    """Return the unfinished handlers whose last attempts have no end: they seem to end the process."""
    if not leaves_marks(row):
        return []
    last = select(AttemptRow.detail).order_by(AttemptRow.id.desc()).limit(MOST_LOST)
    return [
        one
        for one in rows
        if one.state not in FINISHED
        and session.scalars(last.where(AttemptRow.handler_pk == one.id)).all() == [NOT_ENDED] * MOST_LOST
    ]


def write_outcome(
    session: Session, row: OrderRow, one: HandlerRow, outcome: Outcome, work: UnitOfWork | None = None
) -> None:
    """Write down how an attempt ended and, if it's *done*, what it sends; raises LeaseLost if this run lost the order.

    The handler's row, which is usually of no session, has the outcome even if the session is rolled back: the caller
    then writes another one, or drops the row.
    """
    now = datetime.now(UTC)
    columns = {
        "state": outcome.state,
        "attempts": one.attempts,
        "detail": outcome.detail,
        "milliseconds": outcome.milliseconds,
        "changed_at": now,
        "due_at": now + outcome.after if outcome.after is not None else None,
    }
    _write(session, row, one, columns, outcome)
    for name, value in columns.items():
        setattr(one, name, value)
    if leaves_marks(row):
        current = AttemptRow.run == one.run, AttemptRow.number == one.attempts
        session.execute(
            delete(AttemptRow).where(AttemptRow.handler_pk == one.id, *current, AttemptRow.detail == NOT_ENDED)
        )
    if work is not None and outcome.state == "done":
        for draft in work.drafts:
            outbox.add(session, draft, now=now, order_pk=row.id, handler=one.name, test=row.test)
        for url in work.forwards:
            forwarding.record(session, order_of(row), url, source=row.source, key=row.key, now=now)


def _write(session: Session, row: OrderRow, one: HandlerRow, columns: dict[str, Any], outcome: Outcome) -> None:
    """Write columns of a handler's row, and a row for its attempt; raises LeaseLost if this run lost the order."""
    if session.scalar(select(OrderRow.id).where(jobs.holds_lease(OrderRow, row))) is None:
        raise LeaseLost
    of_one = update(HandlerRow).where(HandlerRow.id == one.id).execution_options(synchronize_session=False)
    session.execute(of_one.values(**columns))
    session.add(
        AttemptRow(
            handler_pk=one.id,
            run=one.run,
            number=one.attempts,
            state=outcome.state,
            detail=outcome.detail,
            milliseconds=outcome.milliseconds,
            at=datetime.now(UTC),
        )
    )


def _due_at(one: HandlerRow, rows: Sequence[HandlerRow], registry: Registry, now: datetime) -> datetime:
    """Return when an unfinished handler may run, unless the one that it waits for finishes earlier."""
    handler = registry.get(one.name)
    awaited = next((other for other in rows if handler and other.name == handler.after), None)
    waits = awaited is not None and awaited.state not in FINISHED
    return max(one.due_at or now, one.waiting_since + LONGEST_WAIT if waits else now)
