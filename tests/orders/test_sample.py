"""The dummy order of a test transmission."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from receiver.orders import Order, Understood, decode, encode_form, encode_json, guard, read
from receiver.orders.sample import dummy_order

NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
DUMMY = dummy_order(now=NOW, nonce="8F14E45F")


def test_each_nonce_makes_an_order_of_its_own() -> None:
    other = dummy_order(now=NOW, nonce="other")
    assert (DUMMY.order_id, DUMMY.event_id) == ("TEST-8F14E45F", "evt_8F14E45F")
    assert (other.order_id, other.event_id) == ("TEST-other", "evt_other")
    assert other.model_copy(update={"order_id": DUMMY.order_id, "event_id": DUMMY.event_id}) == DUMMY


def test_it_is_marked_as_a_test_of_nobody_real() -> None:
    assert DUMMY.test
    assert DUMMY.order_date == NOW
    assert DUMMY.customer.email
    assert DUMMY.customer.email.endswith("@example.com")


def test_its_totals_add_up() -> None:
    lines = [(item.quantity or 0) * (item.unit_price or 0) for item in DUMMY.items]
    assert lines == [item.total for item in DUMMY.items]
    assert sum(lines) == DUMMY.subtotal == Decimal("57.45")
    assert DUMMY.total == Decimal("57.45") - Decimal("5.75") + Decimal("4.90") + Decimal("10.75")


def test_it_shows_what_real_orders_have() -> None:
    assert len(DUMMY.items) == 3
    assert all(item.options for item in DUMMY.items)
    assert DUMMY.billing != DUMMY.shipping
    assert DUMMY.items[1].name == "日本 sticker"


def test_it_comes_back_the_same_from_both_encodings() -> None:
    for body, content_type in (
        (encode_form(DUMMY), "application/x-www-form-urlencoded"),
        (encode_json(DUMMY), "application/json"),
    ):
        guarded = guard(decode(body, content_type, 100).fields)
        assert guarded.masked is guarded.fields
        assert read(guarded.masked, None, NOW) == Understood(DUMMY, "completed")
    assert Order.model_validate_json(DUMMY.model_dump_json()) == DUMMY
