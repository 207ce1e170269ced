"""Rows of digits in a body that can't be decoded are masked as a plain reading of the rule masks them."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from receiver.orders import rough_text
from receiver.orders.card_issuers import FIRST_DIGITS, is_issued
from tests.card_spellings import passes_luhn
from tests.card_spellings import with_check_digit as checked

_SIGN = re.compile(
    r"(?P<digit>%3[0-9]|\\u003[0-9]|&#(?:4[89]|5[0-7]);|[0-9])|%2[0DdEe]|%0[0-9A-Fa-f]|&nbsp;|&#32;|.", re.DOTALL
)


def plainly(row: re.Match[str]) -> str:
    """Return the row masked: try every beginning from the left, and every end from the longest number on."""
    text = row[0]
    signs = [match for match in _SIGN.finditer(text) if match["digit"]]
    digits = "".join(chr(int(one[0][2:-1])) if one[0].startswith("&") else one[0][-1] for one in signs)
    borders = {0, len(signs)} | {n for n in range(1, len(signs)) if signs[n].start() > signs[n - 1].end()}
    masked, done, begin = "", 0, 0
    while begin < len(signs):
        ends = [end for end in range(begin + 19, begin + 12, -1) if {begin, end} <= borders]
        numbers = [end for end in ends if passes_luhn(digits[begin:end])]
        numbers = [e for e in numbers if borders.isdisjoint(range(begin + 1, e)) or is_issued(digits[begin:e])]
        if numbers:
            masked += text[done : signs[begin].start()] + "****" + digits[numbers[0] - 4 : numbers[0]]
            done, begin = signs[numbers[0] - 1].end(), numbers[0]
        else:
            begin += 1
    return masked + text[done:]


def test_a_row_is_masked_as_the_rule_says() -> None:
    random = Random(4)

    def digits(length: int) -> str:
        return "".join(random.choices("0123456789", k=length))

    def number() -> str:
        begin = random.choice(["4", "51", "34", "2221", "60", "62", "30", "1", "50", "0", "7", "81"])
        return checked(begin + digits(random.randrange(13, 20) - 1 - len(begin)))

    def grouped(text: str) -> str:
        signs = [" ", "-", ".", "  ", "%20", "%2d", "&nbsp;", "&#32;", "%0A", ", ", "_", "é"]
        return "".join(sign + (random.choice(signs) if random.random() < 0.2 else "") for sign in text)

    def escaped(text: str) -> str:
        ways = ["{}", "%3{}", "\\u003{}"]
        return "".join(
            random.choice([*ways, f"&#{ord(sign)};"]).format(sign) if sign.isdigit() and random.random() < 0.3 else sign
            for sign in text
        )

    pieces: list[Callable[[], str]] = [
        number,
        lambda: grouped(number()),
        lambda: escaped(grouped(number())),
        lambda: grouped(digits(random.randrange(1, 25))),
        lambda: random.choice([" ", "-", "a", "/", "&", "%", "\\", " x ", "000"]),
    ]
    masked = 0
    for _ in range(4_000):
        text = "".join(random.choice(pieces)() for _ in range(random.randrange(1, 9)))
        expected = rough_text._ROW.sub(plainly, text)
        assert rough_text._ROW.sub(rough_text._masked_row, text) == expected, text
        masked += expected != text
    assert masked > 1_000


def test_no_number_begins_with_another_digit() -> None:
    random = Random(5)
    for length in range(13, 20):
        for first in set("0123456789") - FIRST_DIGITS:
            assert not any(is_issued(first + "".join(random.choices("0123456789", k=length - 1))) for _ in range(2_000))
