"""Values that were read to an order: puts each in its place, and decides what the order is."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from receiver.orders.mapping import Reading
from receiver.orders.model import Order
from receiver.orders.names import Fields, Place

COMPLETED = "completed"
_COMPLETED_EVENT = "order.completed"
#: States of an order or a payment that make the order ignored.
_NOT_COMPLETED = frozenset({"cancelled", "voided", "refunded", "draft", "pending", "unpaid", "failed"})
_LIST_INDEX = re.compile(r"\[[0-9]+\]$")


def build_order(
    found: dict[Place, Any], *, custom: list[Reading], rest: Fields, notes: list[str], received_at: datetime
) -> Order:
    """Return the order that the values make; what has no place in it is kept as ``extra``, as it came."""
    parts: dict[str, dict[str, Any]] = defaultdict(dict)
    items: dict[int, dict[str, Any]] = defaultdict(lambda: {"options": {}})
    for (part, row, field), value in found.items():
        if part == "options":
            items[row]["options"][field] = value
        elif field == "options":
            items[row]["options"] |= value
        elif part == "items":
            items[row][field] = value
        else:
            parts[part][field] = value
    top = parts.pop("order")
    return Order.model_validate(
        {
            "order_date": received_at,
            **top,
            **parts,
            "items": [items[row] for row in sorted(items)],
            "custom": _collected((_custom_name(reading), reading.value) for reading in custom),
            "extra": _collected(rest),
            "notes": [*notes, *_totals_notes(top)],
        }
    )


def decide(order: Order) -> str:
    """Return ``completed``, or the word that makes the order ignored: event, status or payment status."""
    if order.event != _COMPLETED_EVENT:
        return order.event
    for status in (order.order_status, order.payment_status):
        if status is not None and status.lower() in _NOT_COMPLETED:
            return status.lower()
    return COMPLETED


def _collected(fields: Iterable[tuple[str, str]]) -> dict[str, str | list[str]]:
    """Return the values by name; a name given twice has a list."""
    kept: dict[str, str | list[str]] = {}
    for name, value in fields:
        before = kept.get(name)
        if isinstance(before, list):
            before.append(value)
        else:
            kept[name] = value if before is None else [before, value]
    return kept


def _custom_name(reading: Reading) -> str:
    """Return a custom field's name; the elements of a JSON list share one."""
    is_path = reading.name.startswith("custom.")
    return _LIST_INDEX.sub("", reading.place.field) if is_path else reading.place.field


def _totals_notes(top: dict[str, Any]) -> list[str]:
    """Return a note when the totals do not add up, whether the subtotal includes tax or not."""
    total, subtotal = top.get("total"), top.get("subtotal")
    if total is None or subtotal is None:
        return []
    zero = Decimal(0)
    before_tax = subtotal - top.get("discount_total", zero) + top.get("shipping_total", zero)
    if total in (before_tax, before_tax + top.get("tax_total", zero)):
        return []
    return ["total is not subtotal - discount_total + shipping_total + tax_total"]
