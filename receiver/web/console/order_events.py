"""The part of an order's page about its later events: refunds, cancellations and changes, and the order of one."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from receiver.intake import changed_orders
from receiver.orders.states import CANCELLED, COMPLETED_EVENT, LATER, REFUNDED, UPDATED
from receiver.storage import later_events
from receiver.storage.models import OrderRow

#: What a later event is called, and what its order reads of it.
_NAMES = {REFUNDED: ("Refund", "Refunded"), CANCELLED: ("Cancellation", "Cancelled"), UPDATED: ("Change", "Changed")}


class LaterEvent(NamedTuple):
    """One later event of an order."""

    row: OrderRow
    #: Refunded, Cancelled or Changed; of a refund without an id, Refunded so far.
    word: str
    #: What a change changed.
    changes: list[str]
    #: Whether it came before its order.
    came_first: bool


def values(session: Session, row: OrderRow) -> dict[str, Any]:
    """Return the values of the templates for an order, or for a later event of one."""
    if row.decided in LATER:
        return {
            "named": _NAMES[row.decided][0],
            "about": later_events.order_of(session, row),
            "changes": changed_orders.changes(session, row) if row.decided == UPDATED else [],
            "can_be_paid": not (row.test or row.handlers)
            and row.order is not None
            and row.state in {"done", "ignored"},
        }
    found = later_events.of_orders(session, [row])[row.id] if row.event == COMPLETED_EVENT else []
    return {"later_events": [_of(session, one, row) for one in found]}


def _of(session: Session, one: OrderRow, order: OrderRow) -> LaterEvent:
    changes = changed_orders.changes(session, one) if one.decided == UPDATED else []
    return LaterEvent(one, _word(one), changes, one.id < order.id)


def _word(row: OrderRow) -> str:
    is_sum = row.decided == REFUNDED and row.total is not None and row.state != "ignored"
    is_so_far = is_sum and row.order is not None and not json.loads(row.order).get("refund_id")
    return "Refunded so far:" if is_so_far else _NAMES[row.decided or ""][1]
