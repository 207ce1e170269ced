"""What orders and customers can be found by: numbers, people, items, totals, a line each, in their simplest letters."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from receiver.orders.folding import folded
from receiver.storage.models import OrderRow

_COLUMNS = (OrderRow.id, OrderRow.order_id, OrderRow.email, OrderRow.total, OrderRow.order)
#: Letters kept of one order; what stands behind them isn't found.
_MOST_LETTERS = 20_000


def read(session: Session, pks: Sequence[int]) -> dict[int, str]:
    """Return the texts of these orders; one of which nothing is known has an empty one."""
    rows = session.execute(select(*_COLUMNS).where(OrderRow.id.in_(pks))) if pks else ()
    return {pk: _text(order_id, email, total, json.loads(order or "{}")) for pk, order_id, email, total, order in rows}


def of_customer(*about: str | None) -> str:
    """Return the text of a customer: what's said of them in a line each."""
    return _lines(about)


def _text(*about: Any) -> str:
    return _lines(_values(*about))


def _lines(values: Iterable[Any]) -> str:
    lines = dict.fromkeys(folded(str(value)) for value in values if value)
    lines.pop("", None)
    return "\n{}\n".format("\n".join(lines))[:_MOST_LETTERS] if lines else ""


def _values(order_id: str | None, email: str | None, total: str | None, order: dict[str, Any]) -> Iterator[Any]:
    customer = order.get("customer", {})
    yield from (order_id, order.get("order_number"), email, total, _name(customer))
    yield from (customer.get("company"), customer.get("phone"))
    for address in (order.get("billing") or {}, order.get("shipping") or {}):
        postcode = address.get("postcode") or ""
        yield from (address.get("name"), address.get("company"), postcode, postcode.replace(" ", ""))
    for item in order.get("items", ()):
        yield from (item.get("sku"), item.get("name"))


def _name(customer: dict[str, Any]) -> str:
    return " ".join(filter(None, (customer.get("first_name"), customer.get("last_name"))))
