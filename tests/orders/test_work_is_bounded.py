"""A body that nobody has verified is refused before much memory is taken for it."""

from __future__ import annotations

import tracemalloc

import pytest

from receiver.errors import TooLarge
from receiver.orders import decode, guard
from receiver.orders.charsets import unquoted
from receiver.orders.rough_text import rough_fields

MOST = 20_000
JSON, XML = "application/json", "application/xml"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"[" + b"[]," * 600_000 + b"[]]", JSON),
        (b"[" + b"1," * 900_000 + b"1]", JSON),
        (b"<a>" + b"<b/>" * 500_000 + b"</a>", XML),
        (b"<a " + b" ".join(b'b%d=""' % number for number in range(100_000)) + b"/>", XML),
        (b"a&" * 1_000_000, "application/x-www-form-urlencoded"),
    ],
)
def test_too_many_values_are_refused_in_little_memory(body: bytes, content_type: str) -> None:
    tracemalloc.start()
    with pytest.raises(TooLarge):
        decode(body, content_type, MOST)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000


def test_commas_in_texts_are_no_values() -> None:
    assert decode(b'{"a": "' + b'x,\\",' * 50_000 + b'"}', JSON, MOST).fields[0][0] == "a"


@pytest.mark.parametrize("before", range(4))
def test_a_long_row_of_escapes_is_decoded_whole(before: int) -> None:
    text = "y" * before + "é=&" * 60_000
    assert unquoted("".join(f"%{byte:02x}" for byte in text.encode()).encode()) == text.encode()
    assert unquoted(b"y" * before + b"%41" * 40_000 + b"%") == b"y" * before + b"A" * 40_000 + b"%"
    assert unquoted(b"x" * 200_000) == b"x" * 200_000


def test_of_a_long_body_that_cannot_be_decoded_both_ends_are_looked_at() -> None:
    values = [value for _, value in rough_fields(b'{"a": "first", ' + b"x " * 100_000 + b'"b": "last"', None)]
    assert {"first", "last"} <= set(values)
    assert len(values) < 70_000


def test_a_card_field_in_any_row_of_a_long_list_is_dropped() -> None:
    fields = [(f"items[{row}].name", "x") for row in range(3000)]
    for name in ("items[2999].cvv", "item_2999_card_number", "payments[12].card[34].cvc"):
        assert guard([*fields, (name, "123")]).fields == fields
    number = "items[4111][1111][1111][1111].x"
    assert "4111" not in guard([*fields, (number, "1")]).masked[-1][0]
