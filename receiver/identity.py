"""The key that makes an order one order: what two POSTs have in common when they are copies."""

from __future__ import annotations

import hashlib

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


def digest(content: bytes) -> str:
    """Give the SHA-256 of what two copies must have in common, in hex."""
    return hashlib.sha256(content).hexdigest()
