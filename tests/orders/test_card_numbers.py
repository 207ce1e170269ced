"""A card number is found in every spelling, and what is none is left alone."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic_core import to_json

from receiver.orders import guard, guard_cut, mask
from tests.card_spellings import BRANDS, DIGITS, GROUPINGS, SEPARATORS, digits_of, passes_luhn, spelled, spellings
from tests.card_spellings import with_check_digit as checked
from tests.effort import assert_linear

VISA = "4111111111111111"
#: Fields that an order may hold a number in, of every kind.
FIELDS = (
    *("customer_note", "custom_gift", "item_1_name", "item_1_options", "items[0].options.Text", "remark", "store_name"),
    *("payment_reference", "order_number", "order_id", "event_id", "customer_phone", "customer_id", "item_1_sku"),
    *("item_1_id", "discount_code", "gateway_ref", "shop.transaction_id", "gift_card_number", "ean", "imei"),
)


def iban(account: str) -> str:
    return f"DE{98 - int(account + '131400') % 97:02}{account}"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("my card is 4111111111111111, thanks", "my card is ****1111, thanks"),
        ("4111 1111 1111 1111 123", "****1111 123"),
        ("4000 4111-1111-1111-1111", "4000 ****1111"),
        ("3782 822463 10005", "****0005"),
        ("x378282246310005y", "x****0005y"),
        ("4111-11-1111111111", "****1111"),
        ("4444 4444 4444 4444 442", "****4442"),
        ("4444333322221111 and 5555555555554444", "****1111 and ****4444"),
        ("4444333322221111 5555555555554444", "****1111 ****4444"),
        ("41111111111111111229", "****1111"),
        ("4111111111111111122029", "****1111"),
        ("41111111111111112912123", "****1111"),
        ("411111111111111112/29", "****1111"),
        ("4111111111111111 12/29 123", "****1111 12/29 123"),
        ("%B4111111111111111^DOE/JOHN^2912101", "%B****1111^DOE/JOHN^2912101"),
        (";4111111111111111=29121010000012345678?", ";****1111?"),
        ("4.111111111111111e15", "****1111"),
        ("4.111111111111111E+15", "****1111"),
        ("4.24242424242424e15", "****2420" if passes_luhn("4242424242424240") else "4.24242424242424e15"),
        ("4111111111111111.0", "****1111.0"),
        ("4️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣", "****1111️⃣"),
        ("4222222222222", "****2222"),
        ("4111111111111111123", "****1111"),
        ("41111111111111111234", "****1111"),
        ("0004111111111111111", "000****1111"),
        ("0004111111111111111123", "000****1111"),
        ("41111111111111115555555555554444", "****1111"),
        ("card:+378282246310005", "card:+****0005"),
        # Its first 20 signs would be an IBAN of Bosnia's.
        ("ba6445411035292062510", "ba****2510"),
        ("****4111 1111 1111 1111", "********1111"),
        (checked("501800000000"), "****" + checked("501800000000")[-4:]),
    ],
)
def test_a_card_number_in_text_is_cut_to_its_last_four(text: str, masked: str) -> None:
    assert mask(text) == masked
    assert guard([("order_id", "1"), ("customer_note", text)]).masked == [("order_id", "1"), ("customer_note", masked)]


@pytest.mark.parametrize("brand", BRANDS)
def test_every_brand_is_known(brand: str) -> None:
    for begin in BRANDS[brand][0]:
        for length in BRANDS[brand][1]:
            number = checked(begin.ljust(length - 1, "2"))
            assert mask(f"({number})") == f"(****{number[-4:]})"


@pytest.mark.parametrize("separator", SEPARATORS)
@pytest.mark.parametrize("groups", GROUPINGS)
def test_every_spelling_is_known(groups: tuple[int, ...], separator: str) -> None:
    for number in (VISA, "378282246310005", "6304000000000000000"):
        assert passes_luhn(number)
        assert digits_of(mask(f"my card {spelled(number, groups, separator)}")) == number[-4:]


@pytest.mark.parametrize("script", DIGITS)
def test_digits_of_every_script_are_known(script: str) -> None:
    assert mask(spelled(VISA, (4, 4, 4, 4), " ", script)) == "****1111"


@settings(max_examples=300)
@given(
    spelling=spellings(),
    name=st.sampled_from(FIELDS),
    before=st.text(alphabet="ab é.,", max_size=12),
    after=st.text(alphabet="xy é.,", max_size=12),
)
def test_no_card_number_is_kept_in_any_field(spelling: tuple[str, str], name: str, before: str, after: str) -> None:
    number, text = spelling
    assume(len(number) != 14 or number != gtin(number[:-1]))  # one in ten: an article's number, where one is due
    guarded = guard([("order_date", "2026-11-23T14:05:00Z"), (name, f"{before}{text}{after}"), ("total", "19.90")])
    stored = to_json(guarded.masked).decode()
    assert text not in stored
    assert number not in digits_of(stored)
    assert number not in "".join(guarded.notes)
    (_, left), *_ = [field for field in guarded.masked if field[0] == name]
    assert mask(left) == left


@given(spelling=spellings())
def test_no_card_number_is_kept_in_a_fields_name(spelling: tuple[str, str]) -> None:
    number, text = spelling
    guarded = guard([("order_id", "1"), (f"custom_{text}", "x")])
    assert number not in digits_of(to_json(guarded.masked).decode() + "".join(guarded.notes))


@pytest.mark.parametrize("groups", [(1,) * 18, (4, 4, 4, 4), (2,) * 9, (6, 10), (8, 8)])
@pytest.mark.parametrize("names", ["custom.c[{}]", "custom_c[]", "custom_c", "lines[0].ref[{}]"])
def test_a_number_that_a_list_holds_in_pieces_is_masked(names: str, groups: tuple[int, ...]) -> None:
    pieces = spelled(VISA, groups, " ").split()
    fields = [(names.format(row), piece) for row, piece in enumerate(pieces)]
    guarded = guard([("order_id", "1"), *fields, ("total", "12.50")])
    assert [value for _, value in guarded.masked] == ["1", *["****"] * (len(pieces) - 1), "****1111", "12.50"]
    assert guarded.fields[1:-1] == fields
    assert len(guarded.notes) == len(pieces)


@pytest.mark.parametrize(
    ("before", "pieces", "after"),
    [
        (["2026"], ["4111", "1111", "1111", "1111"], []),
        ([], ["card 4111", "1111", "1111", "1111 thanks"], []),
        ([], ["4111", "1111", "1111", "1111"], ["12", "2028", "99887766"]),
        (["visa"], ["4111", "", "1111", " ", "1111", "1111"], ["12/28"]),
        (["7", "12"], [*VISA], ["3"]),
        (["A-1", "no"], ["４１１１", "1111-", "1111", "1111"], ["", "x"]),
    ],
)
@pytest.mark.parametrize("names", ["c[{}]", "c[]", "c[{}][0]", "c", "lines[0].ref[{}]"])
def test_one_is_found_wherever_it_begins_in_its_list(
    names: str, before: list[str], pieces: list[str], after: list[str]
) -> None:
    fields = [(names.format(row), piece) for row, piece in enumerate([*before, *pieces, *after])]
    masked = [value for _, value in guard([("order_id", "1"), *fields]).masked][1:]
    assert masked[: len(before)] == before
    assert masked[len(masked) - len(after) :] == after
    assert digits_of("".join(masked[len(before) : len(masked) - len(after)])) == "1111"


def test_a_list_may_be_nested_or_come_in_parts() -> None:
    nested = [("c[0][0]", "4111"), ("c[0][1]", "1111"), ("c[1][0]", "1111"), ("c[1][1]", "1111")]
    in_parts = [("c[]", "4111"), ("c[]", "1111"), ("y", "1"), ("c[]", "1111"), ("total", "5"), ("c[]", "1111")]
    for fields in (nested, in_parts):
        masked = guard(fields).masked
        assert [value for name, value in masked if name[0] == "c"] == ["****", "****", "****", "****1111"]
        assert [field for field in masked if field[0][0] != "c"] == [field for field in fields if field[0][0] != "c"]


def test_a_list_of_ids_is_left_alone() -> None:
    fields = [(f"variant_ids[{row}]", str(41111110 + row)) for row in range(40)]
    assert guard(fields).masked == fields


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",
        "9999999999999995",
        "41111111111111111111",
        "short",
        "+49 151 12345678",
        "4111111111111111 is ok"[5:],
        "2026-11-23 14:05:00",
        "4006381333931",
        "DE40430609674111111111",
        "GB29 NWBK 6016 1331 9268 19",
        "1Z999AA10123456784",
        "4️⃣ pieces",
        "4.5e15",
        "****1111",
        "****1111 1234 5678 9012",
    ],
)
def test_what_is_no_card_number_stays(text: str) -> None:
    assert mask(text) == text


def test_no_iban_is_masked_though_a_card_number_stands_in_it() -> None:
    written = iban("41111111" + "1111111125")
    spaced = " ".join(written[at : at + 4] for at in range(0, len(written), 4))
    wrong = spaced.replace("DE", "DE1")
    assert mask(f"refund to {spaced} please") == f"refund to {spaced} please"
    assert mask(wrong) != wrong or "4111" not in wrong


def test_a_phone_number_with_a_plus_stays() -> None:
    """One German mobile number in ten passes as an old Visa of 13 digits."""
    number = next(f"+4915112345{rest:03}" for rest in range(1000) if passes_luhn(f"4915112345{rest:03}"))
    assert mask(f"call {number}") == f"call {number}"
    assert guard([("customer_phone", number[1:])]).masked == [("customer_phone", number[1:])]


def gtin(digits: str) -> str:
    weighted = sum(int(digit) * (1 if place % 2 else 3) for place, digit in enumerate(reversed(digits)))
    return digits + str(-weighted % 10)


def of_digits(length: int) -> Callable[[random.Random], str]:
    return lambda chance: str(chance.randrange(10 ** (length - 1), 10**length))


#: Name -> a number of this kind by chance, and how many of a thousand may be masked at most.
ORDINARY: dict[str, tuple[str, Callable[[random.Random], str], int]] = {
    "EAN-13 in text": ("customer_note", lambda chance: gtin(of_digits(12)(chance)), 0),
    "EAN-13": ("item_1_sku", lambda chance: gtin(of_digits(12)(chance)), 0),
    "EAN-8": ("ean", lambda chance: gtin(of_digits(7)(chance)), 0),
    "UPC": ("upc", lambda chance: gtin(of_digits(11)(chance)), 0),
    "GTIN-14": ("gtin", lambda chance: gtin(of_digits(13)(chance)), 0),
    "article number of 13 digits": ("item_1_sku", of_digits(13), 0),
    "IMEI": ("imei", lambda chance: checked("35" + of_digits(12)(chance)), 0),
    "IMEI in text": ("customer_note", lambda chance: checked("86" + of_digits(12)(chance)), 0),
    "order number of 13 digits": ("order_number", of_digits(13), 0),
    "order number of 14 digits": ("order_number", of_digits(14), 15),
    "order number of 16 digits": ("order_number", of_digits(16), 50),
    "order number of 19 digits": ("order_number", of_digits(19), 40),
    "time in milliseconds": ("created", lambda chance: str(chance.randrange(10**12, 2 * 10**12)), 0),
    "time in microseconds": ("created", lambda chance: str(chance.randrange(10**15, 2 * 10**15)), 0),
    "time in nanoseconds": ("created", lambda chance: str(chance.randrange(10**18, 2 * 10**18)), 0),
    "phone": ("customer_phone", lambda chance: f"49{of_digits(11)(chance)}", 0),
    "phone in text": ("customer_note", lambda chance: f"+{chance.randrange(20, 99)} {of_digits(11)(chance)}", 0),
    "FedEx of 12 digits": ("tracking_number", of_digits(12), 0),
    "FedEx of 15 digits": ("tracking_number", of_digits(15), 40),
    "DHL of 20 digits": ("tracking_number", lambda chance: f"00340434{of_digits(12)(chance)}", 0),
    "digits of 20": ("tracking_number", of_digits(20), 10),
}


@pytest.mark.parametrize("kind", ORDINARY)
def test_ordinary_numbers_are_masked_rarely_or_never(kind: str) -> None:
    """Three in a hundred random numbers of 16 digits cannot be told from cards; most other kinds can always."""
    name, made, most = ORDINARY[kind]
    chance = random.Random(18)
    values = [made(chance) for _ in range(2000)]
    masked = [value for value in values if guard([("order_id", "A-1"), (name, value)]).masked[1][1] != value]
    assert len(masked) <= most * 2, masked[:5]


@pytest.mark.parametrize(
    "text",
    [
        "1" * 262_144,
        "4" * 262_144,
        "5 0" * 87_381,
        "4 " * 131_072,
        "4   " * 65_536,
        "1 1" * 87_381,
        "4    " * 52_428,
        "411111111111 a" * 18_724,
        VISA * 16_384,
        f"{VISA} " * 15_420,
        "4.1" * 87_381,
        f"DE12 {VISA} " * 11_915,
        "DE12" * 65_536 + VISA,
        f"{iban('411111111111111125')} " * 11_397,
        "４" * 87_381,
        "*" * 262_144,
        "." + "1" * 262_000,
        ".1" * 131_072,
    ],
    ids=lambda text: text[:14],
)
def test_a_hostile_value_of_four_times_the_length_takes_four_times_as_long(text: str) -> None:
    """Each is as large as a body may be; what grew with the square of that would take minutes."""

    def look(most: int) -> None:
        guard([("customer_note", text[-most:])])
        guard_cut([("customer_note", text[-most:])], None)

    assert_linear(look, len(text))
