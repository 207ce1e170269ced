"""The key and the content digest that show whether two POSTs are copies of one event."""

from __future__ import annotations

import hashlib
import hmac
from decimal import Decimal
from functools import lru_cache

from pydantic_core import to_json

from receiver.orders.card_numbers import holds_masked_number
from receiver.orders.model import Order
from receiver.orders.names import Fields
from receiver.orders.states import REFUNDED

_CUT = "cut"


def order_key(order: Order, decided: str) -> str:
    """Return the idempotency key of an understood order, unique within its source: its event_id, else a made-up one.

    What was decided and whether it is a test are part of a made-up key, so that an unpaid notice, a refund or a test
    never takes a real order's place; and of two refunds with ids each has its own. A webhook-id isn't part of it: a
    sender may sign each attempt under another.
    """
    if order.event_id:
        return order.event_id
    parts = [order.store_id or "", order.order_id, decided, "test" if order.test else "live"]
    if decided == REFUNDED and order.refund_id:
        parts.append(order.refund_id)
    return "evt_" + digest(to_json(parts))


def body_key(fields: Fields, *, event_id: str | None, webhook_id: str | None) -> str:
    """Return the idempotency key of a POST that is not understood yet, of its cleaned fields (order-post "Copies").

    ``event_id`` is the one that was read, None for a malformed one, which counts as missing.
    """
    return event_id or webhook_id or "body_" + digest(to_json(fields))


def cut_key(fields: Fields) -> str:
    """Return the idempotency key of a form that may have been cut, of its cleaned fields: never that of a whole POST.

    Only the very same form is a copy of it; no id that is sent holds a dot.
    """
    return f"{_CUT}.{digest(to_json(fields))}"


def blinded_key(key: str, secret_key: str) -> str:
    """Return the replacement for a key that holds a card number or was made of one; it's the same for each copy.

    A plain digest wouldn't hide it: there are so few card numbers that all can be tried.
    """
    return "hmac_" + hmac.new(secret_key.encode(), b"order key:" + key.encode(), "sha256").hexdigest()


def kept_key(order: Order, decided: str, *, key: str) -> str:
    """Return the key of an order that's read again out of the fields that were kept.

    Where card numbers in its ids were masked, it stays the ``key`` that the order came under: masked ids may be equal.
    """
    if any(holds_masked_number(one) for one in _ids(order) if one):
        parts = key.split(".")
        return ".".join(parts[: 2 if parts[0] == _CUT else 1])
    return order_key(order, decided)


def content_digest(order: Order, decided: str) -> str:
    """Return the digest of what identifies an order, whatever its key is (order-post "Copies").

    A retry may differ in anything else: its timestamp, attempt number, notes, addresses, the order of the items.
    """
    items = sorted(
        [item.sku or item.name or item.id or "", str(item.quantity or ""), _plain(item.unit_price)]
        for item in order.items
    )
    said = [order.order_id, decided, order.test, items, _plain(order.total)]
    if decided == REFUNDED and (order.refund_id or order.refund_total is not None):
        said += [order.refund_id or "", _plain(order.refund_total)]
    return digest(to_json(said))


def own_key(key: str, content: str, *, after: int | None = None) -> str:
    """Return a key for other ``content`` under a known ``key``. No sent id can equal it, because none has a dot.

    ``after`` is the id of the row that it follows, where an older one has that content too.
    """
    return f"{key}.{content}" if after is None else f"{key}.{content}.{after}"


def _ids(order: Order) -> tuple[str | None, ...]:
    """Return all of which a key is made."""
    return order.event_id, order.order_id, order.store_id, order.refund_id


@lru_cache(maxsize=1024)
def _plain(amount: Decimal | None) -> str:
    """Write an amount so that equal ones are the same text, "" for None; amounts are too short to be rounded here."""
    return "" if amount is None else format(amount.normalize() + 0, "f")


def digest(content: bytes | str) -> str:
    """Return the SHA-256 of bytes, or of a text in UTF-8, in hex."""
    return hashlib.sha256(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content).hexdigest()
