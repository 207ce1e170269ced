"""The JSON encoding."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from receiver.errors import BrokenOff, TooLarge, Undecodable
from receiver.orders import Address, Item, Order, decode, encode_json
from receiver.orders.names import Fields

NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)


def decoded(body: bytes, most: int) -> Fields:
    return decode(body, "application/json", most).fields


def test_leaves_have_paths_and_keep_their_text() -> None:
    body = b'{"a": 1.10, "b": {"c": [true, null, {"d": 12345678901234567890}]}, "e": "\\u0000", "f": [], "g": 1E5}'
    assert decoded(body, 9) == [
        ("a", "1.10"),
        ("b.c[0]", "true"),
        ("b.c[1]", ""),
        ("b.c[2].d", "12345678901234567890"),
        ("e", "\ufffd"),
        ("g", "1E5"),
    ]


def test_a_byte_order_mark_is_tolerated() -> None:
    assert decoded(b"\xef\xbb\xbf{}", 9) == []


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b'[{"id": 1}, {"id": 2}]', [("[0].id", "1"), ("[1].id", "2")]),
        (b'"{\\"a\\": 1}"', [("a", "1")]),
        (b'{"a": NaN, "b": -Infinity}', [("a", "NaN"), ("b", "-Infinity")]),
        (b'{"a": "x\ny\tz"}', [("a", "x\ny\tz")]),
        (b'{"a": "\\ud800", "b": "\\ud83d\\ude00"}', [("a", "\ufffd"), ("b", "😀")]),
        (b'{"\\udfff": 1}', [("\ufffd", "1")]),
        (b'{"a": "\xff"}', [("a", "ÿ")]),
        ('{"a": "ü"}'.encode("utf-16"), [("a", "ü")]),
        (b'{"customer": {"id": "1"}, "customer": {"phone": "2"}}', [("customer.id", "1"), ("customer.phone", "2")]),
    ],
)
def test_json_is_read_leniently(body: bytes, fields: Fields) -> None:
    assert decoded(body, 9) == fields


@pytest.mark.parametrize(
    ("body", "note"),
    [
        (b'"{\\"a\\": 1}"', "a text that holds JSON"),
        (b'{"a": "x\ny"}', "raw control characters"),
        (b'{"a": 1}', None),
    ],
)
def test_what_was_read_leniently_is_noted(body: bytes, note: str | None) -> None:
    notes = decode(body, "application/json", 9).notes
    assert [note in one for one in notes if note] == ([True] if note else [])


@pytest.mark.parametrize("body", [b"{", b'{"a": "x', b'{"a": 1', b'{"a": [1, 2', b'"{\\"a\\": '])
def test_what_broke_off_says_so(body: bytes) -> None:
    with pytest.raises(BrokenOff, match="send it again"):
        decoded(body, 9)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{} {}", "line 1, column 4"),
        (b"{'a': 1}", "line 1, column 2"),
        (b'{"a": 1,\n}', "line 2, column 1"),
        (b"null", "must be an object or a list"),
        (b'"text"', "not one JSON document"),
        (b'{"a":' * 64 + b"[1]" + b"}" * 64, "deeper than 64"),
        (b"[" * 100_000, "deeper than 64"),
        (b'{"' + b"k" * 1001 + b'": 1}', "longer than 1000"),
    ],
)
def test_what_is_no_readable_document_says_why(body: bytes, reason: str) -> None:
    with pytest.raises(Undecodable, match=reason):
        decoded(body, 100)


def test_sixty_four_levels_are_read() -> None:
    assert decoded(b'{"a":' * 64 + b"1" + b"}" * 64, 9) == [(".".join("a" * 64), "1")]


def test_an_unknown_name_given_twice_keeps_both() -> None:
    assert decoded(b'{"x": {"y": 1}, "x": {"y": 2}}', 9) == [("x.y", "1"), ("x.y", "2")]


def test_too_many_leaves_are_refused() -> None:
    with pytest.raises(TooLarge, match="more than 9 values"):
        decoded(json.dumps({"a": list(range(10))}).encode(), 9)


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
