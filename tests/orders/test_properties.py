"""What holds for every body and every order, whatever is in it."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.errors import CardDataRefused, TooLarge, Undecodable
from receiver.orders import (
    Address,
    Customer,
    Item,
    Mapping,
    Order,
    Understood,
    decode,
    encode_form,
    encode_json,
    guard,
    read,
    values,
)

NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
FORM = "application/x-www-form-urlencoded"

WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=12).filter(
    lambda text: text not in values.NOTHING and "&" not in text
)
NAMES = st.text("abcdefgh", min_size=1, max_size=6)
AMOUNTS = st.decimals(min_value=0, max_value=10**9, places=2)
MAYBE_WORDS = st.none() | WORDS
ADDRESSES = st.builds(Address, name=WORDS, city=MAYBE_WORDS, country=st.sampled_from(["DE", "JP", None]))
ITEMS = st.builds(
    Item,
    name=WORDS,
    sku=MAYBE_WORDS,
    quantity=st.integers(1, 10**6),
    unit_price=st.decimals(min_value=0, max_value=10**6, places=6),
    total=AMOUNTS,
    options=st.dictionaries(NAMES, NAMES, max_size=2),
)
ORDERS = st.builds(
    Order,
    order_id=WORDS,
    order_date=st.datetimes(datetime(1970, 1, 1), NOW.replace(tzinfo=None), timezones=st.just(UTC)),  # noqa: DTZ001
    event_id=st.none() | NAMES,
    test=st.booleans(),
    currency=st.sampled_from(["EUR", "KWD"]),
    total=st.none() | AMOUNTS,
    tax_total=st.none() | st.decimals(min_value=-(10**9), max_value=10**9, places=2),
    customer_note=MAYBE_WORDS,
    customer=st.builds(
        Customer,
        email=st.none() | NAMES.map(lambda name: f"{name}@example.com"),
        first_name=MAYBE_WORDS,
        is_guest=st.none() | st.booleans(),
    ),
    billing=st.none() | ADDRESSES,
    shipping=st.none() | ADDRESSES,
    items=st.lists(ITEMS, max_size=4).map(tuple),
    custom=st.dictionaries(NAMES, WORDS | st.lists(WORDS, min_size=2, max_size=3), max_size=3),
    extra=st.dictionaries(NAMES.map(str.upper), WORDS, max_size=2),
)


@pytest.mark.unmeasured
@settings(max_examples=150, deadline=None)
@given(ORDERS)
def test_an_order_comes_back_the_same_from_both_encodings(order: Order) -> None:
    expected = Understood(order, "completed")
    assert read(decode(encode_form(order), "application/x-www-form-urlencoded", 200).fields, None, NOW) == expected
    assert read(decode(encode_json(order), "application/json", 200).fields, None, NOW) == expected
    assert Order.model_validate_json(order.model_dump_json()) == order
    assert Order.model_validate_json(order.model_dump_json(exclude_none=True)) == order


VALUES = st.sampled_from(["", "1", "1.5", "x", "a@b.co", "UK", "2026-11-23T00:00:00Z", "-1", "JPY", "cancelled"])
FIELDS: Any = st.dictionaries(
    st.sampled_from(
        [
            "order_id",
            "total",
            "test",
            "currency",
            "customer_email",
            "item_1_quantity",
            "item_3_name",
            "item_2_tax",
            "event_id",
            "billing_country",
            "order_status",
            "Unknown",
            "custom_x",
        ]
    ),
    VALUES,
)


@settings(max_examples=200, deadline=None)
@given(FIELDS, st.randoms(use_true_random=False))
def test_the_order_of_the_fields_changes_nothing(fields: dict[str, str], random: Any) -> None:
    shuffled = list(fields.items())
    random.shuffle(shuffled)
    assert read(shuffled, None, NOW) == read(list(fields.items()), None, NOW)


CONTENT_TYPES = st.one_of(
    st.sampled_from(
        [FORM, "application/json", "multipart/form-data; boundary=B", f"{FORM}; charset=shift_jis", "application/json;"]
    ),
    st.text(max_size=60),
    st.text(max_size=20).map(lambda charset: f"{FORM}; charset={charset}"),
)
BODIES = st.one_of(
    st.binary(max_size=300),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["items", "order_id", "total", "a", "\ud800"]), inner, max_size=4)
        ),
        max_leaves=12,
    ).map(lambda value: repr(value).replace("'", '"').encode("utf-8", "surrogatepass")),
    st.lists(
        st.tuples(
            st.sampled_from(
                [b"order_id", b"total", b"item_1_quantity", b"item_3_name", b"test", b"cvv", b"%", b"custom_a"]
            ),
            st.binary(max_size=12),
        ),
        max_size=8,
    ).map(lambda pairs: b"&".join(name + b"=" + value for name, value in pairs)),
    st.binary(max_size=80).map(lambda tail: b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + tail),
)
MAPPING = Mapping.from_table(
    {"order_id": "a", "items[].name": "item_{n}_name", "total": {"from": "total", "decimal": ","}}
)


@settings(max_examples=400, deadline=None)
@given(BODIES, CONTENT_TYPES, st.sampled_from([None, MAPPING]))
def test_no_body_raises_anything_but_a_4xx(body: bytes, content_type: str, mapping: Mapping | None) -> None:
    with suppress(Undecodable, TooLarge, CardDataRefused):
        read(guard(decode(body, content_type, 20).fields).masked, mapping, NOW)
