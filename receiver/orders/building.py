"""Texts to an order: puts each in its place, has the model read them, and decides what the order is."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from receiver.orders import values
from receiver.orders.model import Order
from receiver.orders.names import Fields, Placed

COMPLETED = "completed"
_COMPLETED_EVENT = "order.completed"
#: States of an order or a payment that make the order ignored.
_NOT_COMPLETED = frozenset({"cancelled", "canceled", "voided", "refunded", "draft", "pending", "unpaid", "failed"})
_LIST_INDEX = re.compile(r"\[[0-9]+\]$")
_DOES_NOT_ADD_UP = "total is not subtotal - discount_total + shipping_total + tax_total"
_FROM_THE_FUTURE = "order_date is more than a day after the order came in: it counts as missing"
#: Clocks and time zones may differ by so much.
_CLOCKS_DIFFER = timedelta(days=1)


def build_order(placed: Iterable[Placed], *, rest: Fields, notes: tuple[str, ...], received_at: datetime) -> Order:
    """Return the order that the values make; ``rest`` is kept as ``extra``, as it came.

    Raises ValueError when they make none; it tells neither all the reasons nor the names that were sent.
    """
    nested = {"order_date": received_at, **_nested(placed), "extra": _collected(rest), "notes": notes}
    order = Order.model_validate(nested)
    if not _adds_up(order):
        order = order.model_copy(update={"notes": (*order.notes, _DOES_NOT_ADD_UP)})
    if order.order_date - received_at > _CLOCKS_DIFFER:
        order = order.model_copy(update={"order_date": received_at, "notes": (*order.notes, _FROM_THE_FUTURE)})
    return order


def decide(event: str | None, *statuses: str | None) -> str:
    """Return ``completed``, or the word that makes the order ignored: event, status or payment status."""
    if event not in {None, _COMPLETED_EVENT}:
        return f"event {COMPLETED}" if event == COMPLETED else str(event)
    for status in statuses:
        if status is not None and status.lower() in _NOT_COMPLETED:
            return status.lower()
    return COMPLETED


def _nested(placed: Iterable[Placed]) -> dict[str, Any]:
    """Return the texts as the model nests them; raises ValueError for a gap in the items."""
    parts: dict[str, dict[str, Any]] = defaultdict(dict)
    items: dict[int, dict[str, Any]] = defaultdict(lambda: {"options": {}})
    custom: Fields = []
    for (part, row, field), name, value in placed:
        text = value.strip()
        if part == "custom":
            custom.append((_custom_name(name, field), value))
        elif not text:
            continue
        elif part == "options":
            items[row]["options"][field] = text
        elif part != "items":
            parts[part][field] = text
        elif field == "options":
            items[row]["options"] |= values.options(text)
        else:
            items[row][field] = text
    if items.keys() != set(range(len(items))):
        raise ValueError("the items have a gap")
    top = parts.pop("order", {})
    return {**top, **parts, "items": [items[row] for row in sorted(items)], "custom": _collected(custom)}


def _collected(fields: Fields) -> dict[str, str | list[str]]:
    """Return the values by name; a name given twice has a list."""
    kept: dict[str, str | list[str]] = {}
    for name, value in fields:
        before = kept.get(name)
        if isinstance(before, list):
            before.append(value)
        else:
            kept[name] = value if before is None else [before, value]
    return kept


def _custom_name(name: str, field: str) -> str:
    """Return a custom field's name; the elements of a JSON list share one."""
    return _LIST_INDEX.sub("", field) if name.startswith("custom.") else field


def _adds_up(order: Order) -> bool:
    """Return whether the totals add up, the subtotal with tax or without; where one is missing, they do."""
    if order.total is None or order.subtotal is None:
        return True
    zero = Decimal(0)
    before_tax = order.subtotal - (order.discount_total or zero) + (order.shipping_total or zero)
    return order.total in (before_tax, before_tax + (order.tax_total or zero))
