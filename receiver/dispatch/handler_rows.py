"""The handler rows of an order: how each ended, which one may run now, and the order's state."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from receiver.errors import printable
from receiver.handlers.registry import Registry
from receiver.intake.authentication import IMPORTED
from receiver.storage.models import AttemptRow, HandlerRow, OrderRow

#: An attempt's detail from its start on; it stays if the process ends before the attempt does.
NOT_ENDED = "has not ended; unless it still runs, the process ended during it"
_LONGEST_DETAIL = 500
#: The longest accepted wait; more overflows a date.
_LONGEST_DELAY = timedelta(days=365)
#: States in which a handler is finished with an order.
FINISHED = frozenset({"done", "skipped", "failed"})
#: How long a handler waits for the one it runs after, while that one is being retried.
LONGEST_WAIT = timedelta(minutes=15)
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


def of_orders(session: Session, orders: Sequence[OrderRow], registry: Registry, now: datetime) -> None:
    """Give several orders their handler rows, as `of_order` does, and read those that there are at once."""
    there = select(HandlerRow).where(HandlerRow.order_pk.in_([row.id for row in orders])).order_by(HandlerRow.position)
    rows = defaultdict(list)
    for one in session.scalars(there):
        rows[one.order_pk].append(one)
    for row in orders:
        set_committed_value(row, "handlers", rows[row.id])
        set_committed_value(row, "handlers", of_order(session, row, registry, now))
    session.flush()


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


def lost(session: Session, row: OrderRow, rows: Sequence[HandlerRow]) -> list[HandlerRow]:
    """Return the unfinished handlers whose last attempts have no end: they seem to end the process."""
    if row.attempts < MOST_LOST:
        return []
    last = select(AttemptRow.detail).order_by(AttemptRow.id.desc()).limit(MOST_LOST)
    return [
        one
        for one in rows
        if one.state not in FINISHED
        and session.scalars(last.where(AttemptRow.handler_pk == one.id)).all() == [NOT_ENDED] * MOST_LOST
    ]


def _due_at(one: HandlerRow, rows: Sequence[HandlerRow], registry: Registry, now: datetime) -> datetime:
    """Return when an unfinished handler may run, unless the one that it waits for finishes earlier."""
    handler = registry.get(one.name)
    awaited = next((other for other in rows if handler and other.name == handler.after), None)
    waits = awaited is not None and awaited.state not in FINISHED
    return max(one.due_at or now, one.waiting_since + LONGEST_WAIT if waits else now)
