"""Find card numbers in text: digits near each other, by length, beginning and check digit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from itertools import accumulate
from typing import NamedTuple

from receiver.orders.card_issuers import DOUBLED, LONGEST, SHORTEST, is_card_number, is_issued
from receiver.orders.card_lookalikes import is_article_number, is_phone

#: What a number is masked with, and how many of its digits are left.
MASK, LAST = "****", 4


class Holds(Enum):
    """What a field is for, which decides what else a number in it can be."""

    TEXT = "anything"
    NUMBER = "an id, a reference or a telephone number"
    ARTICLE = "the number of an article"


class Found(NamedTuple):
    """One card number: its place and its digits."""

    start: int
    end: int
    digits: str


_FLOAT = re.compile(r"(?<![0-9.])([0-9])\.([0-9]{8,18})[eE]\+?(1[2-8])(?![0-9])")
_GROUP = re.compile("[0-9]+")
# Groups of digits that stand near each other; possessive, so that no text takes long.
_CHAIN = re.compile(r"[0-9]++(?:[\W_]{1,3}[0-9]++)*+")
# What may be glued to a number: its expiry, in either order, and then its code.
_MONTH, _YEAR = "(?:0[1-9]|1[0-2])", "[2-4][0-9]"
_GLUED = re.compile(
    rf"(?:{_MONTH}(?:20)?{_YEAR}|(?:20)?{_YEAR}{_MONTH})(?:[0-9]{{3,4}})?(?![0-9])|{_MONTH}[\W_]{{1,3}}{_YEAR}"
)
_SHORTEST_GLUED = 2
# A time in nanoseconds begins with it, and its 19 digits are often an airline's 15 and a date.
_OF_TIMES = "1"
# The rest of a magnetic track follows its number.
_REST_OF_TRACK = re.compile("=[0-9]+")


def find_floats(text: str) -> Iterator[Found]:
    """Find what a float made of a card number."""
    for match in _FLOAT.finditer(text):
        length = int(match[3]) + 1
        digits = (match[1] + match[2]).ljust(length, "0")[:length]
        if is_card_number(digits):
            yield Found(match.start(), match.end(), digits)


def find(text: str, holds: Holds) -> Iterator[Found]:
    """Find every card number, none of them within another: from the left, the longest first."""
    fewest = SHORTEST if holds is Holds.TEXT else SHORTEST + 1
    for chain in _CHAIN.finditer(text):
        groups = [group.span() for group in _GROUP.finditer(text, *chain.span())]
        if sum(end - start for start, end in groups) >= fewest:
            yield from _Chain(text, groups).numbers(holds)


class _Chain:
    """A row of digit groups; a card number in it begins and ends with a group."""

    def __init__(self, text: str, groups: list[tuple[int, int]]) -> None:
        self._text = text
        self._groups = groups
        self._digits = "".join([text[start:end] for start, end in groups])
        numbers = [ord(digit) - ord("0") for digit in self._digits]
        #: The Luhn sum up to each digit, where every other digit is doubled: those at even places, or at odd ones.
        self._sums = tuple(
            [0, *accumulate(DOUBLED[n] if place % 2 == parity else n for place, n in enumerate(numbers))]
            for parity in (0, 1)
        )
        #: Where in the text a group ends, by the number of digits up to there.
        lengths = accumulate(end - start for start, end in groups)
        self._ends = dict(zip(lengths, [end for _, end in groups], strict=True))

    def numbers(self, holds: Holds) -> Iterator[Found]:
        """Find the card numbers in it."""
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
        """Find a card number that begins at this digit, in a group that ends there."""
        return None if start == end else self._at(first, start, holds) or self._glued(first, start, end, holds)

    def _at(self, first: int, start: int, holds: Holds) -> Found | None:
        """Find the longest card number of whole groups that begins at this digit."""
        for length in range(LONGEST, SHORTEST - 1, -1):
            end = self._ends.get(first + length)
            if end is not None and self._passes(first, length):
                digits = self._digits[first : first + length]
                if is_issued(digits) and not _is_lookalike(self._text, start, digits, holds):
                    rest = _REST_OF_TRACK.match(self._text, end)
                    return Found(start, rest.end() if rest else end, digits)
        return None

    def _glued(self, first: int, start: int, end: int, holds: Holds) -> Found | None:
        """Find a card number at the beginning of a group that its expiry or another number is glued to.

        In a text it may be its code alone: a number of an order's that is as long stands in a field for numbers.
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
