"""What an alert calls an order: by its number and, where only the merchant reads it, by buyer and total."""

from __future__ import annotations

from receiver.mail import formatting
from receiver.mail.quoting import quoted, unlinked
from receiver.mail.text_layout import plain_line
from receiver.orders import Order
from receiver.storage.models import OrderRow

#: In characters, of a number or a buyer.
_LONGEST = 80


def number(row: OrderRow) -> str:
    """Return the number that shop and customer know an order by, or else its id or its receipt."""
    order = _order(row)
    known = (order and (order.order_number or order.order_id)) or row.order_id or row.receipt
    return plain_line(unlinked(known), _LONGEST)


def named(row: OrderRow) -> str:
    """Return an order's number with its buyer and its total, as its notice to the merchant has them in its subject."""
    order = _order(row)
    if order is None:
        return unnamed(row)
    customer = quoted(order).customer
    buyer = " ".join(filter(None, (customer.first_name, customer.last_name))) or customer.company
    return _called(row, plain_line(buyer or "", _LONGEST), _total(order))


def unnamed(row: OrderRow) -> str:
    """Return an order's number with its total alone, where others may read it."""
    order = _order(row)
    return _called(row, _total(order) if order else "")


def _called(row: OrderRow, *known: str) -> str:
    said = ", ".join(filter(None, known))
    return f"Order {number(row)} ({said})" if said else f"Order {number(row)}"


def _total(order: Order) -> str:
    return formatting.money(order.total, order.currency, formatting.ENGLISH)


def _order(row: OrderRow) -> Order | None:
    return Order.model_validate_json(row.order) if row.order else None
