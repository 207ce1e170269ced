"""Card numbers in text: finds and masks them."""

from __future__ import annotations

import re
from collections.abc import Iterable

# In one piece, or in the groups that are printed on cards: 4-4-4-4, 4-6-5, 4-6-4. The longest come first, so
# that the end of a long number is not left behind.
_RUNS = tuple(
    re.compile(rf"(?<!\d)(?:{groups})(?!\d)".replace("_", r"[ \-.\u00a0]"))
    for groups in (
        r"\d{4}_\d{4}_\d{4}_\d{4}_\d{3}",
        r"\d{13,19}|\d{4}_\d{4}_\d{4}_\d{4}|\d{4}_\d{6}_\d{4,5}",
    )
)
# Every run has them, and most texts have not.
_FOUR_DIGITS = re.compile(r"\d{4}")
_SHORTEST, _LONGEST = 13, 19
# Every run begins with four digits in one piece and has nine more. A pattern that begins with one sign is found
# twice as quickly as one that begins with four.
_TRACE = re.compile(r"\d\d{3}(?:[ \-.\u00a0]?\d){9}")
_NUMBER_ALONE = re.compile(r"[\d\s.\-]*")

# The ranges in use of Visa, Mastercard, American Express, Diners Club, Discover, JCB, UnionPay, Maestro, Mir.
_ISSUERS = re.compile(
    "4|5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720|3[47]|3(?:0[0-59]|[689])|6011|64[4-9]|65|35(?:2[89]|[3-8])"
    "|62|81|50|5[6-8]|6304|6390|67|220[0-4]"
)


def mask(text: str) -> str:
    """Return the text with every card number in it cut to its last four digits."""
    if len(text) < _SHORTEST or _FOUR_DIGITS.search(text) is None:
        return text
    for runs in _RUNS:
        text = _masked(text, runs)
    return text


def may_hold_number(texts: Iterable[str]) -> bool:
    """Say whether a card number may be in one of the texts; a quick look, and its no is certain."""
    return _TRACE.search("\n".join([text for text in texts if len(text) >= _SHORTEST])) is not None


def is_full_number(text: str) -> bool:
    """Say whether the text is nothing but 13 to 19 digits, grouped or not, that pass Luhn."""
    digits = _digits(text)
    return _SHORTEST <= len(digits) <= _LONGEST and _NUMBER_ALONE.fullmatch(text) is not None and _passes_luhn(digits)


def _masked(text: str, runs: re.Pattern[str]) -> str:
    pieces = []
    done = position = 0
    while run := runs.search(text, position):
        digits = _digits(run[0])
        if _ISSUERS.match(digits) and _passes_luhn(digits):
            pieces += [text[done : run.start()], f"****{digits[-4:]}"]
            done = position = run.end()
        else:
            position = run.start() + 1
    return "".join([*pieces, text[done:]])


def _digits(text: str) -> str:
    """Return the decimal digits of any script as ASCII."""
    return "".join(str(int(sign)) for sign in text if sign.isdecimal())


def _passes_luhn(digits: str) -> bool:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(int(digit) for digit in digits[-1::-2]) + sum(doubled)) % 10 == 0
