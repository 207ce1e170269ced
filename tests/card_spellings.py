"""Card numbers of every brand, made up but for their check digit, and the ways that people write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape
from urllib.parse import quote, unquote

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
    return re.sub("[^0-9]", "", with_plain_digits(text))


def with_plain_digits(text: str) -> str:
    """Give the text with the digits of any script as ASCII."""
    return text.translate({ord(sign): str(value) for script in DIGITS for value, sign in enumerate(script)})


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


def _between(separator: str) -> Callable[[str], str]:
    return lambda number: spelled(number, (4,) * 4, separator)


#: How a number may be written so that it's read as one only when it's unescaped, or its tags are dropped.
ESCAPED: dict[str, Callable[[str], str]] = {
    "an entity": lambda number: f"&#{ord(number[0])};{number[1:]}",
    "a hexadecimal entity": lambda number: f"&#x{ord(number[0]):X};{number[1:]}",
    "entities": lambda number: "".join(f"&#{ord(digit)};" for digit in number),
    "entities with zeros": lambda number: "".join(f"&#000{ord(digit)};" for digit in number),
    "hexadecimal entities": lambda number: "".join(f"&#x{ord(digit):x};" for digit in number),
    "entities of entities": lambda number: "".join(f"&amp;#{ord(digit)};" for digit in number),
    "percent": lambda number: "".join(f"%{ord(digit):02x}" for digit in number),
    "percent of percent": lambda number: "".join(f"%25{ord(digit):02x}" for digit in number),
    "percent, full width": lambda number: quote(spelled(number, (19,), "", DIGITS[0])),
    "full width, entities": lambda number: "".join(f"&#{0xFF10 + int(digit)};" for digit in number),
    "JSON": lambda number: "".join(f"\\u{ord(digit):04x}" for digit in number),
    "spaces by entities": _between("&nbsp;"),
    "spaces by entities without semicolons": _between("&nbsp"),
    "hyphens by entities": _between("&#45;"),
    "soft hyphens": _between("&shy;"),
    "nothing by entities": _between("&#8203;&ZeroWidthSpace;"),
    "spaces by percent": _between("%20"),
    "spaces of Latin-1 by percent": _between("%A0"),
    "line breaks": _between("<br />\n"),
    "tags": lambda number: f"<b>{number[:4]}</b>{number[4:8]}<i>{number[8:]}</i>",
    "tags in a row": _between("</b></span> <span class='x 1'>\n  <b>"),
    "tags by entities": _between("&lt;wbr&gt;"),
}


def escapings(text: str) -> Iterator[str]:
    """Yield what a text reads as, its escapes decoded again and again, and then without its tags."""
    for _ in range(3):
        text = re.sub(r"\\u([0-9a-f]{4})", lambda escape: chr(int(escape[1], 16)), unquote(unescape(text)))
        yield with_plain_digits(text)
    yield with_plain_digits(re.sub("<[^<>]*>", "", text))
