"""What a row is to a kept one under the same key: its correction, or its change."""

from __future__ import annotations

import json
from typing import Any

import pytest

from receiver.intake.copies import Kept, changes, corrects
from receiver.orders.states import COMPLETED, REFUNDED

ORDER: dict[str, Any] = {
    "state": "open",
    "decided": COMPLETED,
    "test": False,
    "order_id": "A-1",
    "total": "9.99",
    "fields": json.dumps([["order_id", "A-1"]]),
}
KEPT = Kept(
    id=1,
    state="done",
    test=False,
    decided=COMPLETED,
    order_id="A-1",
    total="9.99",
    content_digest="d",
    duplicate_of=None,
    fields="[]",
)


@pytest.mark.parametrize(
    ("kept", "is_corrected"),
    [
        ({"state": "parked", "decided": None}, True),
        ({"state": "parked", "decided": COMPLETED}, True),
        ({"state": "ignored", "decided": None}, True),
        ({"state": "parked", "decided": REFUNDED}, False),
        ({"state": "parked", "decided": None, "test": True}, False),
        ({"state": "ignored", "decided": "unpaid"}, False),
        ({"state": "done", "decided": None}, False),
        ({"state": "parked", "decided": None, "order_id": "A-2"}, False),
    ],
)
def test_an_order_corrects_what_was_parked_or_dismissed_alone(kept: dict[str, Any], is_corrected: bool) -> None:
    assert corrects(ORDER, KEPT._replace(**kept)) is is_corrected


@pytest.mark.parametrize(
    ("row", "kept", "is_change"),
    [
        ({}, {}, True),
        ({}, {"state": "failed"}, True),
        ({"test": True}, {}, False),
        ({}, {"test": True}, False),
        ({"state": "parked"}, {}, False),
        ({}, {"state": "parked"}, False),
        ({"decided": "unpaid"}, {}, False),
        ({}, {"decided": REFUNDED}, False),
        ({"order_id": "A-2"}, {}, False),
        ({"total": None}, {}, False),
        ({}, {"total": None}, False),
    ],
)
def test_only_a_paid_order_changes_a_paid_order(row: dict[str, Any], kept: dict[str, Any], is_change: bool) -> None:
    assert changes({**ORDER, **row}, KEPT._replace(**kept)) is is_change
