"""What changed between two bodies of one order, in words: its lines, its total, where it goes, and whose it is."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from receiver.orders.model import Address, Item, Order
from receiver.orders.values import decimals


def said(before: Order, after: Order) -> list[str]:
    """Return a line for each item that was added, taken away or differs in its number or price, and for the rest.

    That's the total, the shipping address and the email; of these two only what's sent now is said.
    """
    was, now = _lines(before), _lines(after)
    lines = [_of_item(name, was.get(name, []), now.get(name, [])) for name in dict.fromkeys((*was, *now))]
    if before.total != after.total:
        lines.append(f"Total: {_amount(before.total, before)} → {_amount(after.total, after)}")
    if after.shipping and before.shipping != after.shipping:
        lines.append(f"Shipping address: {_address(before.shipping)} → {_address(after.shipping)}")
    was_email, email = before.customer.email, after.customer.email
    if email and (was_email or "").casefold() != email.casefold():
        lines.append(f"Email: {was_email or 'unknown'} → {email}")
    return [line for line in lines if line]


def _address(address: Address | None) -> str:
    values = address.model_dump().values() if address else ()
    return ", ".join(value for value in values if value) or "unknown"


def _lines(order: Order) -> dict[str, list[str]]:
    """Return each line's number and price by the item's name."""
    lines: dict[str, list[str]] = {}
    for item in order.items:
        lines.setdefault(item.name or item.sku or item.id or "An item", []).append(_line(item, order))
    return lines


def _line(item: Item, order: Order) -> str:
    price = "" if item.unit_price is None else f" at {_amount(item.unit_price, order)}"
    return f"{item.quantity if item.quantity is not None else '?'}{price}"


def _of_item(name: str, was: list[str], now: list[str]) -> str:
    if Counter(was) == Counter(now):
        return ""
    if not was or not now:
        return f"{name}: {', '.join(now)} added" if now else f"{name}: {', '.join(was)} taken away"
    return f"{name}: {', '.join(was)} → {', '.join(now)}"


def _amount(amount: Decimal | None, order: Order) -> str:
    if amount is None:
        return "unknown"
    places = max(decimals(order.currency) if order.currency else 0, -int(amount.as_tuple().exponent))
    return f"{amount:.{places}f} {order.currency or ''}".strip()
