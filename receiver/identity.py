"""The key and the content that make two POSTs copies of one event."""

from __future__ import annotations

import hashlib
from decimal import Decimal

from pydantic_core import to_json

from receiver.orders import Fields, Order


def order_key(order: Order, decided: str, *, webhook_id: str | None) -> str:
    """Give the idempotency key of an understood order (order-post "Copies"), unique within its source.

    ``webhook_id`` is that of a verified signature. What was decided and whether it is a test are part of a
    made-up key, so that an unpaid notice or a test never takes a real order's place.
    """
    if order.event_id or webhook_id:
        return order.event_id or webhook_id or ""
    parts = [order.store_id or "", order.order_id, decided, "test" if order.test else "live"]
    return "evt_" + digest(to_json(parts))


def body_key(fields: Fields, *, event_id: str | None, webhook_id: str | None) -> str:
    """Give the idempotency key of a POST that is not understood yet, of its cleaned fields (order-post "Copies").

    ``event_id`` is the one that was read, None for a malformed one, which counts as missing.
    """
    return event_id or webhook_id or "body_" + digest(to_json(fields))


def cut_key(fields: Fields) -> str:
    """Return the idempotency key of a form that may have been cut, of its cleaned fields: never that of a whole POST.

    Only the very same form is a copy of it; no id that is sent holds a dot.
    """
    return "cut." + digest(to_json(fields))


def content_digest(order: Order, decided: str) -> str:
    """Return the digest of what makes an order this order, whatever its key is (order-post "Copies").

    A retry may differ in anything else: its timestamp, attempt number, notes, addresses, the order of the items.
    """
    items = sorted(
        [item.sku or item.name or item.id or "", str(item.quantity or ""), _plain(item.unit_price)]
        for item in order.items
    )
    return digest(to_json([order.order_id, decided, order.test, items, _plain(order.total)]))


def own_key(key: str, content: str) -> str:
    """Return the key of what came under a known ``key`` with other ``content``; no id that is sent holds a dot."""
    return f"{key}.{content}"


def _plain(amount: Decimal | None) -> str:
    """Write an amount so that equal ones are the same text, "" for none; it has fewer digits than are rounded to."""
    return "" if amount is None else format(amount.normalize() + 0, "f")


def digest(content: bytes) -> str:
    """Give the SHA-256 of what two copies must have in common, in hex."""
    return hashlib.sha256(content).hexdigest()
