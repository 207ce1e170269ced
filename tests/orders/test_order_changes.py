"""What changed between two bodies of one order, in words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from receiver.orders import Order
from receiver.orders.order_changes import said

NOW = datetime(2026, 11, 30, tzinfo=UTC)


def order(*items: dict[str, Any], **fields: Any) -> Order:
    return Order.model_validate({"order_id": "1", "order_date": NOW, "items": items, **fields})


MUG = {"name": "Mug", "quantity": 1, "unit_price": "5"}


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        (order(MUG), order(MUG), []),
        (order(total="5", currency="EUR"), order(total="6.5", currency="EUR"), ["Total: 5.00 EUR → 6.50 EUR"]),
        (order(total="500", currency="JPY"), order(total="600", currency="JPY"), ["Total: 500 JPY → 600 JPY"]),
        (order(), order(total="6.5"), ["Total: unknown → 6.5"]),
        (order(MUG), order({**MUG, "quantity": 2}), ["Mug: 1 at 5 → 2 at 5"]),
        (order(MUG), order(MUG, MUG), ["Mug: 1 at 5 → 1 at 5, 1 at 5"]),
        (order(MUG), order({"sku": "P-1"}), ["Mug: 1 at 5 taken away", "P-1: ? added"]),
        (order({}), order({"id": "7", "quantity": "0.5"}), ["An item: ? taken away", "7: 0.5 added"]),
        # The order of the lines says nothing.
        (order(MUG, {"name": "Cup"}), order({"name": "Cup"}, MUG), []),
    ],
)
def test_what_changed(before: Order, after: Order, lines: list[str]) -> None:
    assert said(before, after) == lines
