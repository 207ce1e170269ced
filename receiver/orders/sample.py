"""The test order: made up, complete, with totals that add up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from receiver.orders.model import Address, Customer, Item, Order
from receiver.orders.states import COMPLETED_EVENT, EVENTS, REFUNDED

#: The lines of the order, in the order of the model's fields.
_ITEMS = (
    ("P-77", "MUG-RED-L", "Enamel mug “Łódź”", "2", "18.50", "6.32", "37.00", {"Colour": "red", "Size": "L"}),
    ("P-12", "STK-JP", "日本 sticker", "5", "1.25", "1.07", "6.25", {"Finish": "matt"}),
    ("P-31", "TEE-NAVY-M", "Crème T-shirt", "1", "14.20", "2.43", "14.20", {"Colour": "navy", "Size": "M"}),
)
_SHIPPING = {
    "name": "Jan Łukasz",
    "line1": "ul. Świętego Jana 7/3",
    "city": "Kraków",
    "region": "MA",
    "postcode": "31-017",
    "country": "PL",
}


def dummy_order(*, now: datetime, nonce: str, event: str = COMPLETED_EVENT) -> Order:
    """Return a complete order marked ``test``, placed ``now`` (aware), with ids made from the nonce.

    Everything else is the models' examples, a refund only where that's the event. A new nonce makes a new order and
    event, so each press of the button walks the whole path again. The nonce is 1 to 50 characters that an id may have:
    no full stop, no control character.
    """
    made = {
        "event_id": f"evt_{nonce}",
        "order_id": f"TEST-{nonce}",
        "order_date": now,
        "customer": _examples(Customer),
        "billing": _examples(Address),
        "shipping": _SHIPPING,
        "items": [dict(zip(Item.model_fields, item, strict=True)) for item in _ITEMS],
        "custom": {"gift": "yes", "gift_message": "すべての人に幸あれ"},
        "extra": {},
        "notes": (),
        "event": event,
    }
    if event != EVENTS[REFUNDED]:
        made |= {"refund_id": None, "refund_total": None}
    return Order.model_validate(_examples(Order) | made)


def order_of_the_guide() -> Order:
    """Return the test order with the fixed time and ids that the order guide shows."""
    return dummy_order(now=datetime(2026, 11, 23, 14, 5, tzinfo=UTC), nonce="8F14E45F")


def _examples(model: type[BaseModel]) -> dict[str, Any]:
    return {name: info.examples[0] for name, info in model.model_fields.items() if info.examples}
