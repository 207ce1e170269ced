"""Find card numbers in text, by their length, first digits and check digit, even if they're written in groups."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from itertools import accumulate
from typing import NamedTuple

from receiver.orders.card_issuers import FIRST_DIGITS, LONGEST, SHORTEST, is_card_number, is_issued, running_sums
from receiver.orders.card_lookalikes import is_article_number, is_phone

#: What replaces a number's digits, and how many of the last ones stay.
MASK, LAST = "****", 4


class Holds(Enum):
    """What a field is for, and so what a number in it may be besides a card number."""

    TEXT = "anything"
    NUMBER = "an id, a reference or a telephone number"
    ARTICLE = "the number of an article"


class Found(NamedTuple):
    """One card number: its place in the text, and its digits."""

    start: int
    end: int
    digits: str


_FLOAT = re.compile(r"(?<![0-9.])([0-9])\.([0-9]{8,18})[eE]\+?(1[2-8])(?![0-9])")
_GROUP = re.compile("[0-9]+")
# Groups of digits close to each other. Possessive quantifiers don't backtrack, so no text takes long.
_CHAIN = re.compile(r"[0-9]++(?:[\W_]{1,3}[0-9]++)*+")
# What may follow a number without a gap: its expiry, month or year first, and then its code.
_MONTH, _YEAR = "(?:0[1-9]|1[0-2])", "[2-4][0-9]"
_GLUED = re.compile(
    rf"(?:{_MONTH}(?:20)?{_YEAR}|(?:20)?{_YEAR}{_MONTH})(?:[0-9]{{3,4}})?(?![0-9])|{_MONTH}[\W_]{{1,3}}{_YEAR}"
)
_SHORTEST_GLUED = 2
# A Unix time in nanoseconds begins with 1. Its 19 digits often look like a UATP (airline) card's 15 and an expiry.
_OF_TIMES = "1"
# The rest of a magnetic track follows its number.
_REST_OF_TRACK = re.compile("=[0-9]+")


def find_floats(text: str) -> Iterator[Found]:
    """Find card numbers that a spreadsheet or a program wrote as a float, such as 4.111111111111111e+15."""
    for match in _FLOAT.finditer(text):
        length = int(match[3]) + 1
        digits = (match[1] + match[2]).ljust(length, "0")[:length]
        if is_card_number(digits):
            yield Found(match.start(), match.end(), digits)


def find(text: str, holds: Holds) -> Iterator[Found]:
    """Find every card number, from the left and without overlaps; the longest possible one counts."""
    fewest = SHORTEST if holds is Holds.TEXT else SHORTEST + 1
    for chain in _CHAIN.finditer(text):
        groups = [group.span() for group in _GROUP.finditer(text, *chain.span())]
        if sum(end - start for start, end in groups) >= fewest:
            yield from _Chain(text, groups).numbers(holds)


class _Chain:
    """A row of digit groups. A card number in it begins where a group begins, and mostly ends where one ends."""

    def __init__(self, text: str, groups: list[tuple[int, int]]) -> None:
        self._text = text
        self._groups = groups
        self._digits = "".join([text[start:end] for start, end in groups])
        self._sums = running_sums(self._digits)
        #: Number of digits up to the end of a group -> where in the text that is.
        lengths = accumulate(end - start for start, end in groups)
        self._ends = dict(zip(lengths, [end for _, end in groups], strict=True))

    def numbers(self, holds: Holds) -> Iterator[Found]:
        """Yield the card numbers in these groups."""
        first = done = 0
        for start, end in self._groups:
            if start >= done:
                found = self._begun(first, start, end, holds)
                if found is None and holds is Holds.TEXT and self._digits[first] == "0":
                    zeros = end - start - len(self._text[start:end].lstrip("0"))
                    found = self._begun(first + zeros, start + zeros, end, holds)
                if found is not None:
                    done = found.end
                    yield found
            first += end - start

    def _begun(self, first: int, start: int, end: int, holds: Holds) -> Found | None:
        """Return the card number that begins at this digit of a group, or None."""
        return None if start == end else self._at(first, start, holds) or self._glued(first, start, end, holds)

    def _at(self, first: int, start: int, holds: Holds) -> Found | None:
        """Return the longest card number that begins at this digit and ends with a group, or None."""
        last = len(self._digits) if self._digits[first] in FIRST_DIGITS else 0
        for length in range(LONGEST, SHORTEST - 1, -1):
            after = first + length
            if after > last:
                continue
            sums = self._sums[after % 2]
            if (sums[after] - sums[first]) % 10 == 0 and (end := self._ends.get(after)) is not None:
                digits = self._digits[first:after]
                if is_issued(digits) and not _is_lookalike(self._text, start, digits, holds):
                    rest = _REST_OF_TRACK.match(self._text, end)
                    return Found(start, rest.end() if rest else end, digits)
        return None

    def _glued(self, first: int, start: int, end: int, holds: Holds) -> Found | None:
        """Return a card number at the start of a group that goes on with its expiry or another card number, or None.

        In a text, its code alone may follow too. In a field for numbers that would be an order's own long number.
        """
        for length in range(min(LONGEST, end - start - _SHORTEST_GLUED), SHORTEST, -1):
            digits = self._text[start : start + length]
            if digits[0] == _OF_TIMES or not self._passes(first, length) or not is_issued(digits):
                continue
            if rest := _GLUED.match(self._text, start + length):
                return Found(start, max(rest.end(), end), digits)
            rest_of_group = self._text[start + length : end]
            # American Express has codes of four digits.
            code_length = 4 if digits.startswith(("34", "37")) else 3
            if is_card_number(rest_of_group) or (holds is Holds.TEXT and len(rest_of_group) == code_length):
                return Found(start, end, digits)
        return None

    def _passes(self, first: int, length: int) -> bool:
        sums = self._sums[(first + length) % 2]
        return first + length < len(sums) and (sums[first + length] - sums[first]) % 10 == 0


def _is_lookalike(text: str, start: int, digits: str, holds: Holds) -> bool:
    if len(digits) == SHORTEST:
        return holds is not Holds.TEXT or is_phone(text, start, digits, in_text=True) or is_article_number(digits)
    if len(digits) == SHORTEST + 1 and holds is Holds.ARTICLE:
        return is_article_number(digits)
    return is_phone(text, start, digits, in_text=holds is Holds.TEXT)
