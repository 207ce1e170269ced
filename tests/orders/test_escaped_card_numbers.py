"""A card number is found however its digits are escaped, and nothing else is taken for one because of that."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.errors import CardDataRefused
from receiver.orders import guard, guard_cut, mask
from receiver.orders.escapes import as_read
from tests.card_spellings import ESCAPED, escapings, numbers
from tests.effort import assert_linear
from tests.orders.test_card_numbers import ORDINARY

CARD = "4242424242424242"


@pytest.mark.parametrize("form", ESCAPED)
def test_an_escaped_number_is_masked_in_values_and_names(form: str) -> None:
    text = ESCAPED[form](CARD)
    for value in (text, f"my card: {text}, thanks", f"{text} <b>12</b>/29"):
        (field,) = guard([("customer_note", value)]).masked
        left = field[1]
        assert "****4242" in left
        assert left.startswith(value.partition(text)[0])
        assert left.endswith(value.partition(text)[2])
        assert not any("4242424" in one.replace(" ", "") for one in readings(left)), left
        assert mask(left) == left
    guarded = guard([("order_id", "1"), (f"custom_{text}", "x")])
    assert "****4242" in guarded.masked[1][0]
    assert len(guarded.notes) == 1


def readings(text: str) -> list[str]:
    return [text, *escapings(text)]


@given(number=numbers(), form=st.sampled_from(sorted(ESCAPED)))
def test_every_brand_is_found_escaped(number: str, form: str) -> None:
    assert f"****{number[-4:]}" in mask(f"pay with {ESCAPED[form](number)}!")


@pytest.mark.parametrize("form", ESCAPED)
def test_an_escaped_number_with_its_code_is_refused(form: str) -> None:
    for name, code in (("card_number", "123"), ("card&#95;number", "&#49;23"), ("c%61rd_number", "%3123")):
        with pytest.raises(CardDataRefused):
            guard([("order_id", "1"), (name, ESCAPED[form](CARD)), ("c&#118;v", code)])


@pytest.mark.parametrize(
    "name", ["c&#97;rd_number", "card%5Fnumber", "&#99;vv", "payment&#91;cvv&#93;", "p&#97;ssword"]
)
def test_a_card_field_with_an_escaped_name_is_dropped(name: str) -> None:
    assert guard([("order_id", "1"), (name, "x")]).masked == [("order_id", "1")]


def test_a_number_in_a_tag_is_masked_too() -> None:
    assert mask("<b title='4242&nbsp;4242&nbsp;4242&nbsp;4242'>") == "<b title='****4242'>"
    assert mask("4242&#52;24242424242 or <i>5555</i>555555554444") == "****4242 or <i>****4444"


def test_what_is_found_twice_is_masked_once() -> None:
    assert mask("4242<b>4242</b>%34242&#52;242") == "****4242"
    assert mask("4242&#52;24242424242 4242424242424242<b>1</b>") == "****4242 ****4242<b>1</b>"


@pytest.mark.parametrize("between", [("<", "<b"), ("&#5", "2;"), ("%3", "4"), ("\\u00", "34")])
def test_no_tag_and_no_escape_reaches_from_one_value_into_the_next(between: tuple[str, str]) -> None:
    before, after = between
    fields = [("a", f"{before:>20}"), ("b", f"{after:<20}"), ("c", "<b " + "x" * 20), ("d", "&#52;" + CARD[1:])]
    fields += [("e", "y" * 20 + ">")]
    assert guard(fields).masked == [*fields[:3], ("d", "****4242"), fields[4]]


@pytest.mark.parametrize("form", ESCAPED)
def test_an_escaped_number_that_a_form_breaks_off_in_is_masked(form: str) -> None:
    text = ESCAPED[form](CARD)
    cut = next(text[:at] for at in range(len(text)) if sum(map(str.isdigit, as_read(text[:at]))) == 12)
    for name, value in (("customer_note", f"my card is {cut}"), (f"x_{cut}", "")):
        masked = guard_cut([("order_id", "1"), (name, value)], None).masked[1]
        assert "".join(masked).replace("<b>", "") in ("customer_notemy card is ****", "x_****")


@pytest.mark.parametrize(
    "text",
    [
        "Ship Your Idea &#8211; Color: Black, 100 % cotton &amp; 20%20off",
        "<p>Size 42</p><p>EAN 4006381333931</p>",
        "https://shop.example/t?id=1Z999AA10123456784&amp;at=2026-11-23T14%3A05%3A00Z",
        "&#52;&#50; pieces of &#x34;242",
        "refund to DE40&nbsp;4306&nbsp;0967&nbsp;4111&nbsp;1111&nbsp;11",
        "4242 < 4243 &  42 > 17, 42424242",
    ],
)
def test_what_is_no_card_number_stays(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize("kind", ORDINARY)
def test_ordinary_numbers_are_masked_no_oftener_for_tags_and_escapes_beside_them(kind: str) -> None:
    name, made, _ = ORDINARY[kind]
    chance = random.Random(18)
    for _ in range(2000):
        value = made(chance)
        is_masked = guard([("order_id", "A-1"), (name, value)]).masked[1][1] != value
        for written in (f"<b>{value}</b>", f"&bdquo;{value}&ldquo;", f"{value}%C2%A0pcs", f"{value}<br>A &amp; B"):
            assert is_masked or guard([("order_id", "A-1"), (name, written)]).masked[1][1] == written


@pytest.mark.parametrize(
    "text",
    [
        *("%34" * 87_381, "&#52;" * 52_428, "&#x34; " * 37_449, "%EF%BC%94" * 29_127, "\\u0034" * 43_690),
        *("<" * 262_144, "<b" * 131_072, "<b " + " " * 262_000, "<b>4" * 65_536, "        <b>" * 23_831),
        *("\\" * 262_144, "&" * 262_144, "&#" * 131_072, "&#1" * 87_381, "%" * 262_144, "&amp;" * 52_428),
        *("&#52;242424242424242 " * 12_483, "<b>4242</b>" * 23_831, " " * 262_144 + "<"),
    ],
    ids=lambda text: text[:14].strip() or "spaces",
)
def test_a_hostile_value_of_four_times_the_length_takes_four_times_as_long(text: str) -> None:
    def look(most: int) -> None:
        guard([("customer_note", text[-most:])])
        guard_cut([("customer_note", text[-most:])], None)

    assert_linear(look, len(text))
