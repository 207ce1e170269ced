"""The handler rows of an order: how each ended, which may run now, what state the order is in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from receiver.dispatch.outcome import Outcome
from receiver.handlers.registry import Registry
from receiver.handlers.unit_of_work import UnitOfWork
from receiver.mail import outbox
from receiver.orders import Order
from receiver.relay import forwarding
from receiver.storage import jobs
from receiver.storage.models import AttemptRow, HandlerRow, OrderRow

#: States in which a handler is finished with an order.
FINISHED = frozenset({"done", "skipped", "failed"})
#: How long a handler waits for the one it runs after, while that one is being retried.
LONGEST_WAIT = timedelta(minutes=15)
#: Stands as an attempt's detail from its begin on, and stays there when no end is written.
NOT_ENDED = "has not ended; unless it still runs, the process ended during it"
#: Marked attempts in a row without an end, after which a handler is not called at once again.
MOST_LOST = 2


class LeaseLost(Exception):
    """Another run has taken the order over; nothing of this one may take effect."""


def order_of(row: OrderRow) -> Order:
    """Read an order as it was recorded; what is done to one copy, no other has."""
    return Order.model_validate_json(row.order or "")


def of_order(session: Session, row: OrderRow, registry: Registry, now: datetime) -> list[HandlerRow]:
    """Read an order's handler rows; at its first run, make them of the handlers of this moment."""
    mine = select(HandlerRow).where(HandlerRow.order_pk == row.id).order_by(HandlerRow.position)
    rows = list(session.scalars(mine))
    if not rows:
        rows = [new_row(row, handler.name, position, now) for position, handler in enumerate(registry.handlers, 1)]
        session.add_all(rows)
    return rows


def new_row(row: OrderRow, name: str, position: int, now: datetime) -> HandlerRow:
    """Make the row of a handler that has not run on an order yet."""
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
    """Return the first handler that may run now: unfinished, due, and not waiting for the one it runs after."""
    unfinished = (one for one in rows if one.state not in FINISHED)
    return next((one for one in unfinished if _due_at(one, rows, registry, now) <= now), None)


def state_of(rows: Sequence[HandlerRow], registry: Registry, now: datetime) -> tuple[str, datetime | None]:
    """Return the order's state, and when its next handler is due while it is *open*."""
    unfinished = [one for one in rows if one.state not in FINISHED]
    if unfinished:
        return "open", min(_due_at(one, rows, registry, now) for one in unfinished)
    return ("failed" if any(one.state == "failed" for one in rows) else "done"), None


def leaves_marks(row: OrderRow) -> bool:
    """Return whether this run records the start of attempts: not for an order's first run, to be quick.

    An order whose run ended with its process is claimed again, and so leaves marks from then on.
    """
    return row.attempts > 1


def mark_begun(session: Session, row: OrderRow, one: HandlerRow, now: datetime) -> None:
    """Write that an attempt begins, so that it is known even if the process ends during it; may raise LeaseLost."""
    _check_lease(session, row)
    _update(session, one, {"attempts": one.attempts})
    _add_attempt(session, one, Outcome("retrying", NOT_ENDED), now)


def lost(session: Session, row: OrderRow, rows: Sequence[HandlerRow]) -> list[HandlerRow]:
    """Return the unfinished handlers whose last attempts have no end: they seem to end the process."""
    unfinished = [one for one in rows if one.state not in FINISHED] if leaves_marks(row) else []
    return [one for one in unfinished if _last_details(session, one) == [NOT_ENDED] * MOST_LOST]


def write_outcome(
    session: Session, row: OrderRow, one: HandlerRow, outcome: Outcome, work: UnitOfWork | None, now: datetime
) -> dict[str, Any]:
    """Write how an attempt ended, and what it sends when it is *done*; raises LeaseLost when this run lost the order.

    Gives the handler's columns as written. Its row itself is no part of the session, which may yet be rolled
    back: the caller takes them over into it by ``take_over`` once they are committed.
    """
    _check_lease(session, row)
    columns = {
        "state": outcome.state,
        "attempts": one.attempts,
        "detail": outcome.detail,
        "milliseconds": outcome.milliseconds,
        "changed_at": now,
        "due_at": now + outcome.after if outcome.after is not None else None,
    }
    _update(session, one, columns)
    if leaves_marks(row):
        session.execute(delete(AttemptRow).where(*_mark_of(one)))
    _add_attempt(session, one, outcome, now)
    if work is not None and outcome.state == "done":
        for draft in work.drafts:
            outbox.add(session, draft, now=now, order_pk=row.id, handler=one.name, test=row.test)
        for url in work.forwards:
            forwarding.record(session, order_of(row), url, source=row.source, key=row.key, now=now)
    return columns


def take_over(one: HandlerRow, columns: dict[str, Any]) -> None:
    """Apply what was committed to a handler's row that was read before."""
    for name, value in columns.items():
        setattr(one, name, value)


def _check_lease(session: Session, row: OrderRow) -> None:
    if session.scalar(select(OrderRow.id).where(jobs.holds_lease(OrderRow, row))) is None:
        raise LeaseLost


def _add_attempt(session: Session, one: HandlerRow, outcome: Outcome, now: datetime) -> None:
    session.add(
        AttemptRow(
            handler_pk=one.id,
            run=one.run,
            number=one.attempts,
            state=outcome.state,
            detail=outcome.detail,
            milliseconds=outcome.milliseconds,
            at=now,
        )
    )


def _mark_of(one: HandlerRow) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of the mark that the current attempt began with."""
    current = AttemptRow.run == one.run, AttemptRow.number == one.attempts
    return AttemptRow.handler_pk == one.id, *current, AttemptRow.detail == NOT_ENDED


def _last_details(session: Session, one: HandlerRow) -> list[str | None]:
    mine = select(AttemptRow.detail).where(AttemptRow.handler_pk == one.id).order_by(AttemptRow.id.desc())
    return list(session.scalars(mine.limit(MOST_LOST)))


def _update(session: Session, one: HandlerRow, columns: dict[str, Any]) -> None:
    of_one = update(HandlerRow).where(HandlerRow.id == one.id).execution_options(synchronize_session=False)
    session.execute(of_one.values(**columns))


def _due_at(one: HandlerRow, rows: Sequence[HandlerRow], registry: Registry, now: datetime) -> datetime:
    """Return when an unfinished handler may run, unless the one it runs after is finished before."""
    handler = registry.get(one.name)
    awaited = next((other for other in rows if handler and other.name == handler.after), None)
    waits = awaited is not None and awaited.state not in FINISHED
    return max(one.due_at or now, one.waiting_since + LONGEST_WAIT if waits else now)
