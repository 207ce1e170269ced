"""The JSON encoding."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from receiver.errors import TooLarge, Undecodable
from receiver.orders import Address, Item, Order, encode_json
from receiver.orders.json_decoding import decode_json

NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)


def test_leaves_have_paths_and_keep_their_text() -> None:
    body = b'{"a": 1.10, "b": {"c": [true, null, {"d": 12345678901234567890}]}, "e": "\\u0000", "f": [], "g": 1E5}'
    assert decode_json(body, 9) == [
        ("a", "1.10"),
        ("b.c[0]", "true"),
        ("b.c[1]", ""),
        ("b.c[2].d", "12345678901234567890"),
        ("e", "\ufffd"),
        ("g", "1E5"),
    ]


def test_a_byte_order_mark_is_tolerated() -> None:
    assert decode_json(b"\xef\xbb\xbf{}", 9) == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not one JSON document"),
        (b"{} {}", "not one JSON document"),
        (b"{'a': 1}", "not one JSON document"),
        (b"[]", "must be an object"),
        (b"null", "must be an object"),
        (b'"text"', "must be an object"),
        (b'{"a": NaN}', "not JSON"),
        (b'{"a": -Infinity}', "not JSON"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"\\udfff": 1}', "surrogate"),
        (b'{"a": "\xff"}', "not UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        (b'{"a":' * 64 + b"[1]" + b"}" * 64, "deeper than 64"),
        (b"[" * 100_000, "deeper than 64"),
        (b'{"customer": {"id": "1"}, "customer": {"phone": "2"}}', "customer is given twice"),
        (b'{"items": [{"options": {"a": "1"}, "options": {"b": "2"}}]}', "options is given twice"),
        (b'{"' + b"k" * 1001 + b'": 1}', "longer than 1000"),
    ],
)
def test_what_is_no_readable_object_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(Undecodable, match=reason):
        decode_json(body, 100)


def test_sixty_four_levels_are_read() -> None:
    assert decode_json(b'{"a":' * 64 + b"1" + b"}" * 64, 9) == [(".".join("a" * 64), "1")]


def test_an_unknown_name_given_twice_keeps_both() -> None:
    assert decode_json(b'{"x": {"y": 1}, "x": {"y": 2}}', 9) == [("x.y", "1"), ("x.y", "2")]


def test_too_many_leaves_are_refused() -> None:
    with pytest.raises(TooLarge, match="more than 9 values"):
        decode_json(json.dumps({"a": list(range(10))}).encode(), 9)


def test_an_unknown_field_never_takes_the_place_of_a_part_of_the_order() -> None:
    extra = {"items": "3", "customer": "retail", "shipping": "Standard", "custom": "x", "Ref": "7"}
    order = Order(order_id="A-1", order_date=NOW, items=(Item(name="a"),), extra=extra)

    written = json.loads(encode_json(order))
    assert (written["items"], written["Ref"]) == ([{"name": "a"}], "7")
    assert not written.keys() & {"customer", "shipping", "custom"}


def test_an_order_is_written_as_the_contract_says() -> None:
    order = Order(
        order_id="A-1",
        order_date=NOW,
        total=Decimal("67.30"),
        billing=Address(city="Łódź"),
        items=(Item(name="a", quantity=2),),
        custom={"gift": ["x", "y"]},
        extra={"Ref": "7", "customer_email": "from@beside.a.mapping"},
        notes=("not sent",),
    )
    assert json.loads(encode_json(order, [("shared_secret", "s")])) == {
        "format_version": "1",
        "event": "order.completed",
        "test": False,
        "order_id": "A-1",
        "order_date": "2026-11-23T14:05:00Z",
        "total": "67.30",
        "billing": {"city": "Łódź"},
        "items": [{"name": "a", "quantity": 2}],
        "custom": {"gift": ["x", "y"]},
        "Ref": "7",
        "shared_secret": "s",
    }
