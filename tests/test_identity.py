"""What makes two POSTs copies of one event."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from receiver.identity import body_key, order_key
from receiver.orders import Order

MADE_UP = "evt_251555af4420d8f2a9b7a102bb3419a6800470f4d3cba32aa0833b04460ddd5d"


def an_order(**changes: Any) -> Order:
    return Order(order_id="A-1", order_date=datetime(2026, 11, 23, tzinfo=UTC), store_id="shop-1", **changes)


def key(decided: str = "completed", webhook_id: str | None = None, **changes: Any) -> str:
    return order_key(an_order(**changes), decided, webhook_id=webhook_id)


def test_the_event_id_is_the_key() -> None:
    assert key(event_id="evt_9", webhook_id="msg_1") == "evt_9"


def test_without_one_the_verified_webhook_id_is() -> None:
    assert key(webhook_id="msg_1") == "msg_1"


def test_without_both_it_is_made_of_store_order_decision_and_test() -> None:
    """SHA-256 of the JSON ["shop-1","A-1","completed","live"]."""
    assert key() == MADE_UP


def test_a_made_up_key_tells_events_of_one_order_apart() -> None:
    """A test, another store's order or an unpaid notice never takes a real order's place."""
    others = {
        key("unpaid"),
        key(test=True),
        order_key(an_order().model_copy(update={"store_id": None}), "completed", webhook_id=None),
    }
    assert len(others | {key()}) == 4


def test_what_an_order_costs_is_no_part_of_its_key() -> None:
    assert key(total="19.99", currency="GBP") == key()


def test_a_body_that_is_not_understood_is_keyed_by_its_event_id() -> None:
    assert body_key([("Ref", "1")], event_id="evt_9", webhook_id="msg_1") == "evt_9"


def test_without_one_such_a_body_is_keyed_by_its_webhook_id() -> None:
    assert body_key([("Ref", "1")], event_id=None, webhook_id="msg_1") == "msg_1"


def test_without_both_such_a_body_is_keyed_by_its_fields() -> None:
    """SHA-256 of the JSON [["Ref","1"]]."""
    assert body_key([("Ref", "1")], event_id=None, webhook_id=None) == (
        "body_95bef4481852110eb292cb5fd978e07fcb22382fc1e8976f0fc5f1c2f5e378b5"
    )


def test_fields_in_other_words_or_order_are_another_body() -> None:
    bodies = [[("a", "1"), ("b", "2")], [("b", "2"), ("a", "1")], [("a", "12"), ("b", "")]]
    assert len({body_key(fields, event_id=None, webhook_id=None) for fields in bodies}) == 3
