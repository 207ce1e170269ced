"""The rows of attempts that have ended, of one order or of several, in few statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from receiver.dispatch.handler_rows import NOT_ENDED, LeaseLost, Outcome
from receiver.handlers.unit_of_work import UnitOfWork
from receiver.mail import outbox
from receiver.orders import Order
from receiver.relay import forwarding
from receiver.storage.columns import table_of
from receiver.storage.database import session_on
from receiver.storage.models import AttemptRow, HandlerRow, OrderRow

_HANDLERS, _ATTEMPTS, _ORDERS = table_of(HandlerRow), table_of(AttemptRow), table_of(OrderRow)
_COLUMNS = ("state", "attempts", "detail", "milliseconds", "changed_at", "due_at")
# Made once: to make a statement costs ten times as much as to run it.
_LEASES = (
    select(_ORDERS.c.id, _ORDERS.c.lease_token)
    .where(_ORDERS.c.id.in_(bindparam("its_ids", expanding=True)))
    .order_by(_ORDERS.c.id)
    .with_for_update()
)
_OF_ONE = update(_HANDLERS).where(_HANDLERS.c.id == bindparam("handler_pk"))
_END = _OF_ONE.values({name: bindparam(name) for name in _COLUMNS})
_BEGIN = _OF_ONE.values(attempts=bindparam("attempts"))
_ADD_ATTEMPT = insert(_ATTEMPTS)
_WRITTEN = select(_ATTEMPTS.c.handler_pk, _ATTEMPTS.c.run, _ATTEMPTS.c.number).where(
    _ATTEMPTS.c.handler_pk.in_(bindparam("its_handlers", expanding=True)),
    _ATTEMPTS.c.detail.is_distinct_from(NOT_ENDED),
)
_DROP_MARK = delete(_ATTEMPTS).where(
    *(_ATTEMPTS.c[name] == bindparam(f"its_{name}") for name in ("handler_pk", "run", "number")),
    _ATTEMPTS.c.detail == NOT_ENDED,
)


class Ended(NamedTuple):
    """One attempt that has ended, as its rows will have it."""

    one: HandlerRow
    handler: Mapping[str, Any]
    attempt: Mapping[str, Any]
    work: UnitOfWork | None


def check_leases(connection: Connection, rows: Sequence[OrderRow]) -> None:
    """Raise LeaseLost unless all of these orders are still ours; nobody else takes one until the transaction ends."""
    held = dict(connection.execute(_LEASES, {"its_ids": [row.id for row in rows]}).all())
    if any(held.get(row.id) != row.lease_token for row in rows):
        raise LeaseLost


def write_rows(connection: Connection, attempts: Sequence[tuple[OrderRow, Ended]]) -> None:
    """Write how attempts ended, and what their handlers send."""
    if not attempts:
        return
    connection.execute(_END, [one.handler for _, one in attempts])
    if marked := [one.attempt for row, one in attempts if leaves_marks(row)]:
        connection.execute(_DROP_MARK, [_mark(attempt) for attempt in marked])
    connection.execute(_ADD_ATTEMPT, [one.attempt for _, one in attempts])
    mails: list[dict[str, Any]] = []
    with session_on(connection) as session:
        for row, one in attempts:
            now = one.attempt["at"]
            for write in one.work.later if one.work and not row.test else ():
                write(session)
            for draft in one.work.drafts if one.work else ():
                mails.append(outbox.columns(draft, now=now, order_pk=row.id, handler=one.one.name, test=row.test))
            for url in one.work.forwards if one.work else ():
                forwarding.record(connection, order_of(row), url, source=row.source, key=row.key, now=now)
    if mails:
        connection.execute(outbox.ADD, mails)


def not_written(connection: Connection, attempts: Sequence[Ended]) -> list[Ended]:
    """Return the attempts whose end isn't in the database; a commit whose answer was lost may have put it there."""
    handlers = {"its_handlers": [one.one.id for one in attempts]}
    written = {tuple(found) for found in connection.execute(_WRITTEN, handlers)}
    return [one for one in attempts if (one.one.id, one.attempt["run"], one.attempt["number"]) not in written]


def leaves_marks(row: OrderRow) -> bool:
    """Return whether this run of an order writes down when an attempt starts; the first one doesn't, to be quick.

    If the process ends during that, the order is claimed again, and marked from then on.
    """
    return row.attempts > 1


def mark_begun(connection: Connection, one: HandlerRow) -> None:
    """Write that an attempt starts: it stays if the process ends before the attempt does."""
    attempt = _attempt(one, Outcome("retrying", NOT_ENDED), datetime.now(UTC))
    connection.execute(_BEGIN, {"handler_pk": one.id, "attempts": one.attempts})
    connection.execute(_DROP_MARK, _mark(attempt))  # of an earlier try, whose commit's answer was lost
    connection.execute(_ADD_ATTEMPT, attempt)


def order_of(row: OrderRow) -> Order:
    """Return a new copy of the order as it was recorded, and as the event that it was decided to be."""
    order = Order.model_validate_json(row.order or "")
    return order if row.event in {None, order.event} else order.model_copy(update={"event": row.event})


def ended(one: HandlerRow, outcome: Outcome, work: UnitOfWork | None) -> Ended:
    """Return an attempt that ended, and a *done* one's work; the row of the handler has the outcome at once."""
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
    return Ended(one, ours, _attempt(one, outcome, now), work if is_done else None)


def _mark(attempt: Mapping[str, Any]) -> dict[str, Any]:
    """Return by what an attempt's mark is found."""
    return {f"its_{name}": attempt[name] for name in ("handler_pk", "run", "number")}


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
