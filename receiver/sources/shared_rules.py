"""What the rules of several kinds of shop have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: The event of what a shop sends that's no order, such as a changed product; a kind's ``states`` hold NO_ORDER for it.
OTHER = "order.other"
NO_ORDER = {"other": False}
_PARTS = ("name", "company", "line1", "line2", "city", "region", "postcode", "country")


def order_events(name: str, orders: str, others: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the rule of ``event``: these words of a parameter are about an order, whose state decides; others aren't.

    ``others`` are events that say what became of the order.
    """
    words = dict.fromkeys(orders.split(), "order.completed")
    return {"from": name, "words": {**words, **(others or {})}, "other": OTHER}


def address(part: str, path: str, keys: str) -> dict[str, Any]:
    """Return the rules of an address below ``path``, whose keys are in the order of ours; ``-`` is one it hasn't.

    Two with a plus between are joined.
    """
    rules: dict[str, Any] = {}
    for ours, key in zip(_PARTS, keys.split(), strict=True):
        names = [f"{path}.{one}" for one in key.split("+")]
        if key != "-":
            rules[f"{part}.{ours}"] = {"from": names, "join": " "} if len(names) > 1 else names[0]
    return rules
