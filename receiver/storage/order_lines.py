"""One order in one line: its number, who bought, how many pieces, and the total."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from receiver.storage.models import OrderRow

_NOT_SHOWN = (OrderRow.fields, OrderRow.body, OrderRow.notes, OrderRow.errors)


class OrderLine(NamedTuple):
    """What a list shows of an order; empty where it isn't known."""

    row: OrderRow
    #: What the customer was shown.
    number: str
    customer: str
    #: Pieces; what's sold by length or weight counts one.
    items: int | None


def read(session: Session, pks: Sequence[int]) -> list[OrderLine]:
    """Read these orders, newest first."""
    rows = select(OrderRow).where(OrderRow.id.in_(pks)).order_by(OrderRow.id.desc())
    return [line(row) for row in session.scalars(rows.options(*map(defer, _NOT_SHOWN)))] if pks else []


def line(row: OrderRow) -> OrderLine:
    """Describe an order in a line."""
    order: dict[str, Any] = json.loads(row.order or "{}")
    name = " ".join(_names(order))
    items = sum(map(_pieces, order.get("items", ()))) if row.order else None
    return OrderLine(row, order.get("order_number") or row.order_id or "", name or row.email or "", items)


def _names(order: dict[str, Any]) -> Iterator[str]:
    """Give the parts of the customer's name, or else of the name on an address."""
    customer = order.get("customer", {})
    parts = [part for part in (customer.get("first_name"), customer.get("last_name")) if part]
    yield from parts
    if not parts:
        names = ((order.get(kind) or {}).get("name") for kind in ("billing", "shipping"))
        yield from [name for name in (*names, customer.get("company")) if name][:1]


def _pieces(item: dict[str, Any]) -> int:
    quantity = item.get("quantity")
    return quantity if isinstance(quantity, int) else 1
