"""No card data gets past the guard."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.errors import CardDataRefused
from receiver.orders import guard, mask

VISA = "4111111111111111"


@pytest.mark.parametrize(
    "name",
    [
        "card_number",
        "CardNumber",
        "billing_card-number",
        "payment.card.number",
        "cards[0].number",
        "PAN",
        "x.pan",
        "cvv",
        "CVV2",
        "Card CVC",
        "card_expiry",
        "cc_exp_month",
        "customer_password",
        "passwordHash",
        "ｃｖｖ",
        "custom_card_number",
        "x" * 5000 + "_cvv",
    ],
)
def test_a_card_field_is_dropped_and_named(name: str) -> None:
    guarded = guard([("order_id", "1"), (name, "x")])
    assert guarded.fields == [("order_id", "1")]
    assert guarded.masked is guarded.fields
    assert len(guarded.notes) == 1
    assert guarded.notes[0].startswith(f"{name[:100]} was dropped")


@pytest.mark.parametrize(
    "name",
    [
        "japan",
        "company",
        "gift_card_number",
        "giftCardCvv",
        "discard",
        "card_last4",
        "cvv_result",
        "cid",
        "expiry",
        "cardnumbers",
    ],
)
def test_a_field_of_another_name_is_kept(name: str) -> None:
    guarded = guard([(name, "1234")])
    assert guarded.fields == [(name, "1234")]
    assert guarded.notes == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("card_number", VISA),
        ("PAN", "4111 1111 1111 1111"),
        ("cvv", "123"),
        ("CVC", " 1234 "),
        ("cvv", VISA),
        ("password", VISA),
    ],
)
def test_a_full_number_or_code_is_refused_by_name_alone(name: str, value: str) -> None:
    with pytest.raises(CardDataRefused) as caught:
        guard([("order_id", "1"), (name, value), ("cvv2", "999")])
    assert caught.value.fields == [name, "cvv2"]
    assert value.strip() not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("card_number", "4111111111111112"),
        ("card_number", "**** 1111"),
        ("card_number", "tok_" + VISA),
        ("cvv", "12"),
        ("card_expiry", "0728"),
    ],
)
def test_what_is_no_full_number_or_code_is_dropped_only(name: str, value: str) -> None:
    assert guard([(name, value)]).fields == []


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("my card is 4111111111111111, thanks", "my card is ****1111, thanks"),
        ("4111 1111 1111 1111 123", "****1111 123"),
        ("4000 4111-1111-1111-1111", "4000 ****1111"),
        ("3782 822463 10005", "****0005"),
        ("x378282246310005y", "x****0005y"),
        ("4111\u00a01111\u00a01111\u00a01111", "****1111"),
        ("4444 4444 4444 4444 442", "****4442"),
        ("4444333322221111 and 5555555555554444", "****1111 and ****4444"),
    ],
)
def test_a_card_number_in_text_is_cut_to_its_last_four(text: str, masked: str) -> None:
    assert mask(text) == masked
    assert guard([("order_id", "1"), ("customer_note", text)]).masked == [("order_id", "1"), ("customer_note", masked)]


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",
        "1234567890128",
        "9999999999999995",
        "41111111111111111111",
        "4111-11-1111111111",
        "short",
        "+49 151 12345678",
    ],
)
def test_what_is_no_card_number_stays(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize(
    "name",
    ["order_id", "item_1_sku", "payment_reference", "discount_code", "custom_ean", "OrderNumber", "Bestellnummer"],
)
def test_digits_alone_in_an_id_field_stay(name: str) -> None:
    fields = [(name, VISA), ("Telephone", "+4444333322221111")]
    assert guard(fields).masked == fields


def test_free_text_is_masked_beside_what_came() -> None:
    fields = [
        ("customer_note", f"use {VISA}"),
        ("custom_gift", VISA),
        ("payment_reference", f"Visa {VISA}"),
        (f"custom_{VISA}_x", "a"),
    ]
    guarded = guard(fields)
    assert guarded.fields == fields
    assert guarded.masked == [
        ("customer_note", "use ****1111"),
        ("custom_gift", "****1111"),
        ("payment_reference", "Visa ****1111"),
        ("custom_****1111_x", "a"),
    ]
    assert guarded.notes[0] == "customer_note held a card number, which was masked"
    assert VISA not in "".join(guarded.notes)


def luhn(digits: str) -> bool:
    return sum(sum(divmod(int(digit) * (1 + place % 2), 10)) for place, digit in enumerate(reversed(digits))) % 10 == 0


ISSUED = re.compile("4|5[1-5]|3[47]|62")


@given(
    st.text(alphabet="ab 4-", max_size=12),
    st.from_regex(ISSUED),
    st.text("0123456789", min_size=10, max_size=17),
    st.text("xy .,5-", max_size=12),
)
def test_masking_never_leaves_a_card_number_in_one_piece(before: str, first: str, rest: str, after: str) -> None:
    start = f"{ISSUED.findall(first)[0]}{rest}"
    number = next(f"{start}{digit}" for digit in "0123456789" if luhn(f"{start}{digit}"))
    left = mask(f"{before}{number}{after}")
    assert guard([("a", before), ("b", f"{before}{number}{after}")]).masked == [("a", before), ("b", left)]
    for run in re.findall(r"(?<!\d)\d{13,19}(?!\d)", left):
        assert not (luhn(run) and ISSUED.match(run))
    assert mask(left) == left
