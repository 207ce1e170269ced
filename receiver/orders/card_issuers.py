"""Card brands: where the numbers of each begin, how long they are, and the check digit."""

from __future__ import annotations

import re
from array import array
from itertools import accumulate

#: No shorter number is looked for: Maestro may have 12 digits, but so have most telephone numbers.
SHORTEST, LONGEST = 13, 19
#: ASCII digits to their values, and those to what Luhn's check adds for every other one.
_VALUES = bytes(code - ord("0") if chr(code) in "0123456789" else 0 for code in range(256))
_DOUBLED = bytes(sum(divmod(2 * value, 10)) if value < 10 else 0 for value in range(256))

# Brand -> the beginnings of its numbers as a pattern, and their lengths.
_BRANDS = {
    "Visa": ("4", (13, 16, 19)),
    "Mastercard": ("5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", (16,)),
    "American Express": ("3[47]", (15,)),
    "Diners Club": ("30[0-5]|3095|3[689]", (14, 16, 17, 18, 19)),
    "Discover": ("6011|64[4-9]|65", (16, 17, 18, 19)),
    "JCB": ("35(?:2[89]|[3-8])", (16, 17, 18, 19)),
    "JCB of old": ("2131|1800", (15,)),
    "UnionPay": ("62|81", (16, 17, 18, 19)),
    "Maestro": ("50|5[6-8]|6304|6390|67", (13, 14, 15, 16, 17, 18, 19)),
    "Mir": ("220[0-4]", (16, 17, 18, 19)),
    "RuPay": ("60|65|8[12]|508", (16,)),
    "Elo": ("50|627780|636297|636368|65", (16,)),
    "Hipercard": ("38|606282|637(?:095|568|599|6)", (16, 19)),
    "Hipercard of old": ("606282", (13,)),
    "Troy": ("9792", (16,)),
    "UATP": ("1", (15,)),
}
_BEGINNINGS = {
    length: re.compile("|".join(begin for begin, lengths in _BRANDS.values() if length in lengths))
    for length in range(SHORTEST, LONGEST + 1)
}

#: What a number of any brand begins with.
FIRST_DIGITS = frozenset("12345689")


def is_issued(digits: str) -> bool:
    """Return whether a brand issues numbers with this length and beginning; the check digit isn't checked."""
    beginnings = _BEGINNINGS.get(len(digits))
    return beginnings is not None and beginnings.match(digits) is not None


def may_begin(digits: str) -> bool:
    """Return whether a brand's number may begin with these digits."""
    return any(length > len(digits) and begin.match(digits) for length, begin in _BEGINNINGS.items())


def is_card_number(digits: str) -> bool:
    """Return whether the digits are a number that a brand may have issued."""
    return is_issued(digits) and passes_luhn(digits)


def passes_luhn(digits: str) -> bool:
    """Return whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    plain = digits.encode().translate(_VALUES)
    return (sum(plain[-1::-2]) + sum(plain[-2::-2].translate(_DOUBLED))) % 10 == 0


def running_sums(digits: str) -> tuple[array[int], array[int]]:
    """Return the running sums of Luhn's check, so that any stretch is checked by one subtraction.

    The first has the digits at even places doubled, the second those at odd ones.
    """
    plain = digits.encode().translate(_VALUES)
    doubled = plain.translate(_DOUBLED)
    even, odd = bytearray(plain), bytearray(plain)
    even[::2], odd[1::2] = doubled[::2], doubled[1::2]
    return array("I", accumulate(even, initial=0)), array("I", accumulate(odd, initial=0))
