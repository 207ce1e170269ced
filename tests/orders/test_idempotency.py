"""What makes two POSTs copies of one event."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.orders import Order
from receiver.orders.idempotency import body_key, content_digest, cut_key, kept_key, order_key, own_key
from receiver.security.signing import is_webhook_id

MADE_UP = "evt_251555af4420d8f2a9b7a102bb3419a6800470f4d3cba32aa0833b04460ddd5d"


def an_order(**changes: Any) -> Order:
    return Order(order_id="A-1", order_date=datetime(2026, 11, 23, tzinfo=UTC), store_id="shop-1", **changes)


def key(decided: str = "completed", **changes: Any) -> str:
    return order_key(an_order(**changes), decided)


def test_the_event_id_is_the_key() -> None:
    assert key(event_id="evt_9") == "evt_9"


def test_without_one_it_is_made_of_store_order_decision_and_test() -> None:
    """SHA-256 of the JSON ["shop-1","A-1","completed","live"]."""
    assert key() == MADE_UP


def test_made_up_keys_stay_what_they_are_from_release_to_release() -> None:
    """SHA-256 of the JSON ["shop-1","A-1","completed","test"], and of ["shop-1","A-1","refunded","live","R-1"]."""
    assert key(test=True) == "evt_91171710fc4ec1617aec37724dd29e34c519825e7a4e0ba21d4c002414175d21"
    assert key("refunded", refund_id="R-1") == "evt_d105131f532d1fb3c908f58304099859bd710d3be1565413ae6563684c251070"


def test_only_a_refund_is_known_by_its_own_id_and_amount() -> None:
    assert key(refund_id="R-1") == key()
    refunds = [
        an_order(refund_id=one, refund_total=total) for one, total in ((None, None), ("R-1", None), ("R-2", None))
    ]
    refunds += [an_order(refund_id=one, refund_total="5.00") for one in (None, "R-1", "R-2")]
    refunds += [an_order(refund_id=one, refund_total="5.01") for one in (None, "R-1")]
    assert len({content_digest(one, "refunded") for one in refunds}) == len(refunds)
    assert len({content_digest(one, "completed") for one in refunds}) == 1
    assert len({order_key(one, "refunded") for one in refunds}) == 3


def test_a_made_up_key_tells_events_of_one_order_apart() -> None:
    """A test, another store's order or an unpaid notice never takes a real order's place."""
    others = {
        key("unpaid"),
        key(test=True),
        order_key(an_order().model_copy(update={"store_id": None}), "completed"),
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


ITEMS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "sku": st.sampled_from(["MUG", "PLATE"]),
            "name": st.sampled_from(["Mug", "Plate", "MUG"]),
            "quantity": st.integers(1, 3),
            "unit_price": st.sampled_from(["0.00", "12.5", "12.50", "100", "1000.000000"]),
        },
    ),
    max_size=3,
)
ORDERS = st.fixed_dictionaries(
    {"order_id": st.sampled_from(["A-1", "A-2"]), "items": ITEMS},
    optional={"total": st.sampled_from(["0.00", "-0.00", "12.5", "12.50", "100", "100.0"]), "test": st.booleans()},
)
NOISE = st.fixed_dictionaries(
    {},
    optional={
        "event_id": st.text("abc", min_size=1),
        "order_date": st.datetimes(timezones=st.just(UTC)),
        "customer_note": st.text(),
        "currency": st.sampled_from(["EUR", "GBP"]),
        "billing": st.fixed_dictionaries({"city": st.text()}),
        "custom": st.dictionaries(st.text(), st.text(), max_size=2),
        "extra": st.dictionaries(st.text(), st.text(), max_size=2),
        "notes": st.tuples(st.text()),
    },
)


def content(order: dict[str, Any], decided: str) -> str:
    return content_digest(Order.model_validate({"order_date": datetime(2026, 11, 23, tzinfo=UTC), **order}), decided)


def what_counts(order: dict[str, Any], decided: str) -> Any:
    """Say by other means than the code what two copies have in common."""
    lines = Counter(
        (item.get("sku", item.get("name")), item.get("quantity"), _number(item.get("unit_price")))
        for item in order["items"]
    )
    return order["order_id"], decided, order.get("test", False), lines, _number(order.get("total"))


def _number(text: str | None) -> Fraction | None:
    return None if text is None else Fraction(text)


DECIDED = st.sampled_from(["completed", "pending"])


@given(order=ORDERS, other=ORDERS, noise=NOISE, more=NOISE, decided=DECIDED, other_decided=DECIDED)
def test_two_orders_have_one_digest_when_what_counts_is_equal(
    order: dict[str, Any],
    other: dict[str, Any],
    noise: dict[str, Any],
    more: dict[str, Any],
    decided: str,
    other_decided: str,
) -> None:
    are_equal = what_counts(order, decided) == what_counts(other, other_decided)
    assert (content(noise | order, decided) == content(more | other, other_decided)) == are_equal
    assert content(noise | order, decided) == content(more | order, decided)
    assert content(noise | order, decided) == content({**more, **order, "items": order["items"][::-1]}, decided)


@given(order=ORDERS, decided=DECIDED, data=st.data())
def test_each_thing_that_counts_makes_another_digest(order: dict[str, Any], decided: str, data: st.DataObject) -> None:
    line: dict[str, Any] = {"name": "Mug", "quantity": 1, "unit_price": "1.00"}
    order["items"] = [*order["items"], line]
    changed: dict[str, Any] = data.draw(
        st.sampled_from(
            [
                {"order_id": "A-3"},
                {"test": not order.get("test", False)},
                {"total": "7.77"},
                {"items": order["items"][:-1]},
                {"items": [*order["items"], line]},
                {"items": [*order["items"][:-1], line | {"sku": "X"}]},
                {"items": [*order["items"][:-1], line | {"name": "X"}]},
                {"items": [*order["items"][:-1], line | {"quantity": 9}]},
                {"items": [*order["items"][:-1], line | {"unit_price": "7.77"}]},
            ]
        )
    )
    assert content(order | changed, decided) != content(order, decided)
    assert content(order, decided) != content(order, "refunded")


def test_a_key_of_its_own_is_none_that_a_sender_can_give() -> None:
    assert own_key("evt_9", "00ff") == "evt_9.00ff"
    with pytest.raises(ValueError, match="must not hold a"):
        an_order(event_id="evt_9.00ff")
    assert not is_webhook_id("evt_9.00ff")


def test_an_order_that_is_read_again_has_the_key_that_its_ids_make() -> None:
    assert kept_key(an_order(), "completed", key="evt_old") == MADE_UP


def test_a_form_that_may_be_cut_has_the_key_of_its_own_fields() -> None:
    assert cut_key([("a", "b")]) == cut_key([("a", "b")]) != cut_key([("a", "c")])


@pytest.mark.parametrize("cut", [False, True])
def test_where_a_number_in_its_ids_was_masked_it_keeps_the_key_that_it_came_under(cut: bool) -> None:
    """Two masked ids may be equal; the key of the row is what its own copies find, without what tells it apart."""
    masked = an_order(refund_id="****1111")
    key = cut_key([("a", "b")]) if cut else "hmac_1"
    assert kept_key(masked, "refunded", key=key) == key
    assert kept_key(masked, "refunded", key=own_key(key, "f" * 64)) == key
    assert kept_key(masked, "refunded", key=own_key(key, "f" * 64, after=7)) == key
