"""A body that nobody has verified is refused before much memory is taken for it."""

from __future__ import annotations

import json
import tracemalloc
from random import Random
from urllib.parse import unquote_to_bytes

import pytest

from receiver.errors import TooLarge, Undecodable
from receiver.orders import decode, guard
from receiver.orders.charsets import unquoted, with_whole_escapes
from receiver.orders.rough_text import rough_fields
from tests.effort import assert_linear

MOST = 20_000
JSON, XML, FORM = "application/json", "application/xml", "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"[" + b"[]," * 600_000 + b"[]]", JSON),
        (b"[" + b"1," * 900_000 + b"1]", JSON),
        (b"<a>" + b"<b/>" * 500_000 + b"</a>", XML),
        (b"<a " + b" ".join(b'b%d=""' % number for number in range(100_000)) + b"/>", XML),
        (b"a&" * 1_000_000, FORM),
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


def test_texts_without_an_end_take_no_longer_than_others() -> None:
    """Each quote may be the end of one text and the begin of another, none of which ends."""
    commas = b"[" + b"," * (2 * MOST + 100)

    def refuse(size: int) -> None:
        with pytest.raises(TooLarge):
            decode(commas + b'\\"' * size, JSON, MOST)

    assert_linear(refuse, 100_000)


def test_a_name_of_indexes_takes_no_longer_than_others() -> None:
    """Each may be where those at the name's end begin."""
    assert_linear(lambda size: guard([("[0]" * size + f"![{row}]", "4111") for row in range(4)]), 32_000)


def test_an_escape_is_decoded_as_pythons_own_function_does_it() -> None:
    random = Random(1)
    pieces = [b"%", b"%4", b"%41", b"%e4", b"=", b"\r", b"\n", b" ", b"a", b"\xff", b"\0", b"%3D", b"%25", b"%0d", b"_"]
    for _ in range(20_000):
        raw = b"".join(random.choices(pieces, k=random.randrange(9)))
        assert unquoted(with_whole_escapes(raw)) == unquote_to_bytes(raw)


def test_more_stray_percent_signs_than_a_form_has_are_refused() -> None:
    assert decode(b"a=" + b"100% " * 20_000, FORM, MOST).fields == [("a", "100% " * 20_000)]
    for stray in (b"%z", b"%u01z"):
        with pytest.raises(Undecodable, match="percent signs"):
            decode(b"a=" + stray * 20_001, FORM, MOST)


@pytest.mark.parametrize(
    ("body", "content_type", "error"),
    [
        # All that a path repeats is in memory once for each value below it.
        (json.dumps({"\U0001d54f" * 900: [1] * 19_000}).encode(), JSON, TooLarge),
        (f"<{'ü' * 900}>{'<b/>' * 19_000}</{'ü' * 900}>".encode(), XML, TooLarge),
        (b"<a>" + b"<b/>" * 25_000 + b"</a>", XML, TooLarge),
        (json.dumps(f"[{'1,' * 900_000}1]").encode(), JSON, TooLarge),
        (b"[" + b",".join([b"[" * 62 + b"1" + b"]" * 62] * 15_000) + b"]", JSON, Undecodable),
        (b"[" + b"[]," * 600_000 + b"[]]", FORM, TooLarge),
        (b"&".join([b"a=[1]"] * 6_000), FORM, TooLarge),
        (b"&".join([b"a=[" + b"[]," * 30 + b"[]]"] * 4_000), FORM, TooLarge),
        (b"&".join([b"a=[" + b"1," * 1_000 + b"1]"] * 30), FORM, TooLarge),
        (b"&".join([b"a=[1]", b"b=[" + b"1," * 19_999 + b"1]"]), FORM, TooLarge),
        (b"&".join([b"b=[" + b"1," * 19_999 + b"1]", b"a=[1]"]), FORM, TooLarge),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else None,
)
def test_what_grows_while_it_is_read_is_refused(body: bytes, content_type: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        decode(body, content_type, MOST)


def test_a_few_documents_in_a_form_are_opened_whatever_the_limit_is() -> None:
    assert decode(b"&".join([b"a=[1]"] * 50), FORM, 60).fields == [("a[0]", "1")] * 50


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
