"""Queries of the recorded orders: a page of them, a search, one whole."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, defer

from receiver.errors import NotPossible, NotThere
from receiver.storage import pages, same_id
from receiver.storage.columns import receipt_of
from receiver.storage.models import IS_LATER, AttemptRow, HandlerRow, OrderRow

#: What an order can be.
STATES = ("open", "done", "failed", "parked", "ignored", "duplicate")
_LARGE = (OrderRow.fields, OrderRow.body, OrderRow.order, OrderRow.notes, OrderRow.errors)
_RECEIPT = re.compile(r"rcp_([0-9]{1,18})")


def page(
    session: Session,
    *,
    state: str | None = None,
    everything: bool = False,
    shares_id: bool = False,
    later: bool = False,
) -> list[dict[str, Any]]:
    """List the newest orders first: one page of real ones, or ``everything``, tests and ignored ones too.

    With ``shares_id`` only those whose id something else has too, tests and ignored ones among them. With ``later``
    only later events of orders.
    """
    # Large columns aren't read: those of hundreds of thousands of orders would fill the server's memory.
    found = pages.newest(OrderRow, state=state)
    if later:  # by their own index, since there are few among all orders
        found = found.where(OrderRow.id.in_(select(OrderRow.id).where(IS_LATER)))
    if shares_id:
        found = found.where(OrderRow.id.in_(same_id.shared()))
    statement = found.options(*map(defer, _LARGE)).execution_options(yield_per=1000)
    if not everything:
        statement = statement.limit(pages.SIZE)
        if not state and not shares_id:
            statement = statement.where(OrderRow.state != "ignored", OrderRow.test.is_(False))
    return [summary(row) for row in session.scalars(statement)]


def find(session: Session, receipt: str) -> OrderRow:
    """Return the order with this receipt. Raises NotThere."""
    match = _RECEIPT.fullmatch(receipt)
    row = session.get(OrderRow, int(match[1])) if match else None
    if row is None:
        raise NotThere(f"No order has the receipt {receipt[:64]}; see `flask orders list --all`.")
    return row


def find_by_either(session: Session, name: str) -> OrderRow:
    """Find an order by its receipt or its order id: of those the newest, real orders that ran before all others.

    Raises NotThere when there is none.
    """
    if _RECEIPT.fullmatch(name):
        return find(session, name)
    is_aside = or_(OrderRow.state.in_(("ignored", "duplicate", "parked")), OrderRow.test, IS_LATER)
    named = select(OrderRow).where(OrderRow.order_id == name)
    row = session.scalar(named.order_by(is_aside, OrderRow.id.desc()).limit(1))
    if row is None:
        raise NotThere(f"No order has the receipt or order id {name[:64]}; see `flask orders list --all`.")
    return row


def dismiss(session: Session, receipt: str) -> None:
    """Settle a parked POST as ignored, since it's no order; raises NotPossible unless it's parked."""
    row = find(session, receipt)
    if row.state != "parked":
        raise NotPossible(f"{receipt} is {row.state}; only what is parked can be dismissed.")
    row.state, row.decided = "ignored", None
    row.notes = json.dumps([*json.loads(row.notes), "dismissed by hand while it was parked"])


def duplicates(session: Session, row: OrderRow) -> Sequence[str]:
    """Return the receipts of parked orders that turned out to be this one when they were read again."""
    same = select(OrderRow.id).where(OrderRow.state == "duplicate", OrderRow.duplicate_of == row.receipt)
    return [receipt_of(pk) for pk in session.scalars(same.order_by(OrderRow.id))]


def first_received_at(session: Session) -> datetime | None:
    """Return when the first order that's no test came in; None before it."""
    return session.scalar(
        select(OrderRow.received_at).where(OrderRow.test.is_(False)).order_by(OrderRow.received_at).limit(1)
    )


def attempts(session: Session, row: OrderRow) -> dict[int, list[AttemptRow]]:
    """Return every attempt of an order's handlers, newest first, by the handler's key."""
    mine = select(AttemptRow).join(HandlerRow, HandlerRow.id == AttemptRow.handler_pk)
    found: dict[int, list[AttemptRow]] = {}
    for attempt in session.scalars(mine.where(HandlerRow.order_pk == row.id).order_by(AttemptRow.id.desc())):
        found.setdefault(attempt.handler_pk, []).append(attempt)
    return found


def handler_counts(session: Session, rows: Sequence[OrderRow]) -> dict[int, dict[str, int]]:
    """Count, for each of these orders, its handlers by their state."""
    counts: dict[int, dict[str, int]] = {row.id: {} for row in rows}
    of_these = HandlerRow.order_pk.in_(list(counts))
    counted = select(HandlerRow.order_pk, HandlerRow.state, func.count()).where(of_these)
    for pk, state, count in session.execute(counted.group_by(HandlerRow.order_pk, HandlerRow.state)):
        counts[pk][state] = count
    return counts


def summary(row: OrderRow) -> dict[str, Any]:
    """Describe an order in one line."""
    return {
        "receipt": row.receipt,
        "order_id": row.order_id,
        "source": row.source,
        "state": row.state,
        "test": row.test,
        "email": row.email,
        "total": row.total,
        "currency": row.currency,
        "received_at": row.received_at.isoformat(),
        "same_id_as": receipt_of(row.same_id_as) if row.same_id_as else None,
        "event": row.event,
    }


def whole(row: OrderRow) -> dict[str, Any]:
    """Describe an order with all that was received, read and done."""
    return {
        **summary(row),
        "proof": {"way": row.proof, "fingerprint": row.fingerprint, "webhook_id": row.webhook_id},
        "copies": row.copies,
        "differing_copies": row.differing_copies,
        "duplicate_of": row.duplicate_of,
        "notes": json.loads(row.notes) + (json.loads(row.order).get("notes", []) if row.order else []),
        "errors": json.loads(row.errors) if row.errors else [],
        "order": json.loads(row.order) if row.order else None,
        "fields": json.loads(row.fields),
        "handlers": [
            {"name": one.name, "state": one.state, "attempts": one.attempts, "detail": one.detail}
            for one in row.handlers
        ],
        "mails": [
            {"id": mail.id, "to": mail.recipient, "subject": mail.subject, "state": mail.state, "detail": mail.detail}
            for mail in row.mails
        ],
    }
