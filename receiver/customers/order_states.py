"""What a customer reads of an order's state: whether it's in progress, and what went back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal

from receiver.orders.states import CANCELLED, REFUNDED
from receiver.storage.models import OrderRow

#: State of an order -> what its customer reads. A failed handler is the merchant's business, so it isn't shown.
WORDS = {"done": "Received", "open": "In progress", "failed": "In progress"}


def word(row: OrderRow, later: Sequence[OrderRow]) -> str:
    """Return the state of a completed order, given its later events."""
    if any(one.decided == CANCELLED for one in later):
        return "Cancelled"
    if not any(one.decided == REFUNDED for one in later):
        return WORDS[row.state]
    back = refunded(later)
    is_part = back is not None and row.total is not None and back < Decimal(row.total)
    return "Partly refunded" if is_part else "Refunded"


def refunded(later: Sequence[OrderRow]) -> Decimal | None:
    """Return how much of an order went back, as far as its shop says; None if it says nothing.

    A refund with an id of its own says what it gave back itself; one without says what all have so far. One that
    release 1.0.0 only kept has the order's total, and says nothing.
    """
    single: dict[str, Decimal] = {}
    so_far: list[Decimal] = []
    for one in later:
        if one.decided == REFUNDED and one.state != "ignored" and one.total is not None:
            refund_id = json.loads(one.order).get("refund_id") if one.order else None
            if refund_id:
                single[refund_id] = Decimal(one.total)
            else:
                so_far.append(Decimal(one.total))
    return max([*so_far, *([sum(single.values(), Decimal(0))] if single else [])], default=None)
