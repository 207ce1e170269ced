"""Refunds, cancellations and changes beside the order that they're about, whichever of them came first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from receiver.orders.states import COMPLETED, LATER, UPDATED
from receiver.storage.models import OrderRow

#: States of what isn't an event of its own, or not yet.
_NO_EVENT = ("parked", "duplicate")
#: Of one customer's orders, how many are compared by their payments.
_MOST_COMPARED = 100


def of_orders(session: Session, rows: Sequence[OrderRow]) -> dict[int, list[OrderRow]]:
    """Return what became of each of these orders, oldest first, by its id.

    That's the later events with its order id or, as Stripe sends them, with the reference of its payment; those of
    tests are beside tests only.
    """
    ids = {row.id: {row.order_id, _payment(row)} - {None} for row in rows}
    wanted = OrderRow.order_id.in_(set().union(*ids.values())), OrderRow.decided.in_(LATER), *_IS_EVENT
    found = session.scalars(select(OrderRow).where(*wanted).order_by(OrderRow.id)).all() if rows else []
    return {
        row.id: [one for one in found if one.order_id in ids[row.id] and _is_beside(one, row) and one.id != row.id]
        for row in rows
    }


def order_of(session: Session, row: OrderRow) -> OrderRow | None:
    """Return the completed order that a later event is about; None while it hasn't come, or can't be told."""
    if row.order_id is None:
        return None
    found = next(_completed(session, row, OrderRow.order_id == row.order_id), None)
    if found is not None or not row.email:
        return found
    return next(
        (one for one in _completed(session, row, OrderRow.email == row.email) if _payment(one) == row.order_id), None
    )


def before(session: Session, change: OrderRow) -> OrderRow | None:
    """Return what's kept of an order from before a change: the change before it, or else the order itself."""
    earlier = OrderRow.order_id == change.order_id, OrderRow.decided == UPDATED, OrderRow.id < change.id
    beside = OrderRow.source == change.source, OrderRow.test == change.test
    last = select(OrderRow).where(*earlier, *beside, *_IS_EVENT).order_by(OrderRow.id.desc()).limit(1)
    return session.scalar(last) or order_of(session, change)


def _completed(session: Session, row: OrderRow, condition: Any) -> Any:
    orders: Select[OrderRow] = select(OrderRow).where(condition, OrderRow.decided == COMPLETED, *_IS_EVENT)
    for one in session.scalars(orders.order_by(OrderRow.id).limit(_MOST_COMPARED)):
        if _is_beside(one, row):
            yield one


_IS_EVENT = (OrderRow.state.not_in(_NO_EVENT),)


def _is_beside(one: OrderRow, other: OrderRow) -> bool:
    return (one.source, one.test) == (other.source, other.test)


def _payment(row: OrderRow) -> Any:
    return json.loads(row.order).get("payment_reference") if row.order else None
