"""Card numbers of every brand, made up but for their check digit, and the ways that people write them."""

from __future__ import annotations

import re

from hypothesis import strategies as st

#: Brand -> beginnings and lengths of its numbers.
BRANDS = {
    "Visa": (("4",), (16, 19)),
    "Mastercard": (("51", "53", "55", "2221", "2300", "2699", "2720"), (16,)),
    "American Express": (("34", "37"), (15,)),
    "Diners Club": (("300", "305", "3095", "36", "38", "39"), (14, 16)),
    "Discover": (("6011", "644", "649", "65"), (16, 19)),
    "JCB": (("3528", "3589"), (16, 19)),
    "UnionPay": (("62", "81"), (16, 17, 18, 19)),
    "Maestro": (("5018", "5020", "5038", "56", "58", "6304", "6390", "6759", "6763"), (16, 18, 19)),
    "Mir": (("2200", "2204"), (16, 19)),
    "Elo": (("401178", "438935", "451416", "504175", "5067", "509", "627780", "636297", "636368", "650031"), (16,)),
    "Hipercard": (("606282", "637095", "637568", "637599", "637612", "384100"), (16,)),
    "RuPay": (("60", "65", "81", "82", "508"), (16,)),
    "Troy": (("9792",), (16,)),
    "UATP": (("1",), (15,)),
}
#: What may stand between two groups.
SEPARATORS = (
    *(" ", "  ", "   ", "\t", "\n", "\r\n", "-", "/", "_", ",", ":", ".", " - ", ", ", "*", "|"),
    *("\u00a0", "\u2009", "\u200a", "\u202f", "\u2007", "\u3000"),
    *("\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\u2212", "\uff0d"),
    *("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad"),
)
#: Lengths of groups; what is left over is the last one.
GROUPINGS = ((19,), (1,) * 18, (2,) * 9, (4, 4, 4, 4), (4, 6), (8, 8), (6, 10), (5, 5, 5), (3,) * 6)
#: Digits that are not ASCII, from nought.
DIGITS = ("０１２３４５６７８９", "⁰¹²³⁴⁵⁶⁷⁸⁹", "₀₁₂₃₄₅₆₇₈₉", "٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "⓪①②③④⑤⑥⑦⑧⑨", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗")


def passes_luhn(digits: str) -> bool:
    return sum(sum(divmod(int(digit) * (1 + place % 2), 10)) for place, digit in enumerate(reversed(digits))) % 10 == 0


def with_check_digit(digits: str) -> str:
    return next(f"{digits}{digit}" for digit in "0123456789" if passes_luhn(f"{digits}{digit}"))


def spelled(number: str, groups: tuple[int, ...], separator: str, script: str = "") -> str:
    pieces, done = [], 0
    for length in (*groups, len(number)):
        pieces.append(number[done : done + length])
        done += length
    text = separator.join(piece for piece in pieces if piece)
    return text.translate({ord("0") + value: sign for value, sign in enumerate(script)})


def digits_of(text: str) -> str:
    """Give the digits of any script as ASCII, for looking whether a number can still be read out of a text."""
    plain = text.translate({ord(sign): str(value) for script in DIGITS for value, sign in enumerate(script)})
    return re.sub("[^0-9]", "", plain)


@st.composite
def numbers(draw: st.DrawFn) -> str:
    begins, lengths = BRANDS[draw(st.sampled_from(sorted(BRANDS)))]
    begin, length = draw(st.sampled_from(begins)), draw(st.sampled_from(lengths))
    rest = draw(st.text("0123456789", min_size=length - len(begin) - 1, max_size=length - len(begin) - 1))
    return with_check_digit(begin + rest)


@st.composite
def spellings(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a number, and how it is written."""
    number = draw(numbers())
    groups, separator = draw(st.sampled_from(GROUPINGS)), draw(st.sampled_from(SEPARATORS))
    return number, spelled(number, groups, separator, draw(st.sampled_from(("", *DIGITS))))
