"""The form encoding."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from receiver.errors import TooLarge, Undecodable
from receiver.orders import Customer, Item, Order, encode_form
from receiver.orders.decoding import decode_form
from receiver.orders.names import Fields

NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)


def test_fields_come_in_order_with_repeats_and_empties() -> None:
    body = b"b=1&a=&b=2&novalue&=noname&&c=a%3Db=c"
    assert decode_form(body, "utf-8", 9)[0] == [
        ("b", "1"),
        ("a", ""),
        ("b", "2"),
        ("novalue", ""),
        ("", "noname"),
        ("c", "a=b=c"),
    ]


@pytest.mark.parametrize(
    ("body", "charset", "expected"),
    [
        (b"n=Zo%C3%AB+M%2B", "utf-8", "Zoë M+"),
        (b"n=Zo\xc3\xab", "utf-8", "Zoë"),
        (b"n=Zo%EB", "cp1252", "Zoë"),
        (b"n=%93%FA%96%7B", "shift_jis", "日本"),
        (b"n=100%25%zz%4", "utf-8", "100%%zz%4"),
        (b"n=a%00b", "utf-8", "a\ufffdb"),
    ],
)
def test_escapes_are_read_in_the_charset(body: bytes, charset: str, expected: str) -> None:
    assert decode_form(body, charset, 9)[0] == [("n", expected)]


@pytest.mark.parametrize(
    ("body", "charset", "fields"),
    [
        (b"n=%FC&m=%C3%BC", "utf-8", [("n", "ü"), ("m", "ü")]),
        (b"%FC=1", None, [("ü", "1")]),
        (b"n=\x80", None, [("n", "€")]),
        (b"n=\x81", None, [("n", "\x81")]),
        (b"n=%ED%A0%80", "utf-8", [("n", "í\xa0€")]),
    ],
)
def test_bytes_that_the_charset_does_not_have_are_kept_and_noted(
    body: bytes, charset: str | None, fields: Fields
) -> None:
    read, notes = decode_form(body, charset, 9)
    assert read == fields
    assert ["not utf-8" in note for note in notes] == [True]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"charset=KOI8_R&n=%F4%C5%D3%D4", [("charset", "KOI8_R"), ("n", "Тест")]),
        (b"n=J%F6rg&charset=windows-1252", [("n", "Jörg"), ("charset", "windows-1252")]),
        (b"_charset_=iso-8859-15&n=%A4", [("_charset_", "iso-8859-15"), ("n", "€")]),
        (b"n=%u0165&m=%uD83D%uDE00&o=%u12", [("n", "ť"), ("m", "😀"), ("o", "%u12")]),
        (b"\xef\xbb\xbfn=1", [("n", "1")]),
        (
            b"a=+49 30 5550101&b=+1-800-5550101&c=+tea&d=+5",
            [("a", "+49 30 5550101"), ("b", "+1-800-5550101"), ("c", " tea"), ("d", " 5")],
        ),
    ],
)
def test_a_form_may_name_its_charset_and_escape_as_scripts_do(body: bytes, fields: Fields) -> None:
    assert decode_form(body, None, 9) == (fields, ())


def test_an_unknown_charset_needs_bytes_that_are_utf8() -> None:
    assert decode_form(b"n=%C3%BC", "utf-7", 9) == ([("n", "ü")], ())
    with pytest.raises(Undecodable, match="charset is not known"):
        decode_form(b"n=%FC", "utf-7", 9)


def test_too_many_fields_are_refused_before_any_is_read() -> None:
    assert len(decode_form(b"a&" * 8 + b"a", "utf-8", 9)[0]) == 9
    with pytest.raises(TooLarge, match="more than 9 fields"):
        decode_form(b"&" * 9, "utf-8", 9)[0]


def test_an_empty_body_has_no_fields() -> None:
    assert decode_form(b"", "utf-8", 9)[0] == []


def test_an_order_is_written_as_the_contract_says() -> None:
    order = Order(
        order_id="A-1",
        order_date=NOW,
        total=Decimal("1E+1"),
        customer=Customer(email="zoe@example.com", is_guest=False),
        items=(Item(name="a b", quantity=2, options={"Colour": "red", "Size": "M"}),),
        custom={"gift": ["x", "y"]},
        extra={"shipping": "Standard", "items": "3", "order_id": "from beside a mapping"},
    )
    assert encode_form(order, [("shared_secret", "a&b")]) == (
        b"format_version=1&event=order.completed&test=false&order_id=A-1&order_date=2026-11-23T14%3A05%3A00Z"
        b"&total=10&customer_email=zoe%40example.com&customer_is_guest=false&item_1_name=a+b&item_1_quantity=2"
        b"&item_1_options=Colour%3A+red%2C+Size%3A+M&custom_gift=x&custom_gift=y&shipping=Standard&items=3&shared_secret=a%26b"
    )


def test_what_javascript_escapes_is_read_beside_a_stray_byte_of_another_field() -> None:
    assert decode_form(b"n=%u0165&m=\xe4&o=\xe4%u0165", None, 9)[0] == [("n", "ť"), ("m", "ä"), ("o", "ä%u0165")]
