"""A card number that a list holds digit by digit, or group by group: its values arrive as fields of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate, groupby

from receiver.orders.card_issuers import LONGEST, SHORTEST, is_card_number
from receiver.orders.card_numbers import digits_alone, masked_number
from receiver.orders.names import Fields

_INDEX = re.compile(r"\[[0-9]*\]$")
#: Fewer digits than that in a list are no card number, but two ids.
_FEWEST = SHORTEST + 1
# What may follow the number in its list: expiry and code.
_MOST_AFTER = 10


def may_be_list(names: list[str]) -> bool:
    """Say whether one of the names is a list's, or given twice."""
    return len(set(names)) < len(names) or "]\n" in "\n".join([*names, ""])


def in_lists(fields: Fields) -> dict[int, tuple[str, str]]:
    """Give the fields of every list that a card number fills as they may be stored, by position."""
    masked: dict[int, str] = {}
    for positions in _lists(fields):
        digits = [digits_alone(fields[position][1]) for position in positions]
        for first, last in _runs(digits):
            count = _count_of_number(digits[first:last])
            if count:
                number = "".join(digits[first : first + count])
                masked |= dict.fromkeys(positions[first : first + count - 1], "****")
                masked[positions[first + count - 1]] = masked_number(number)
    return {position: (fields[position][0], safe) for position, safe in masked.items()}


def _lists(fields: Fields) -> Iterator[list[int]]:
    """Give the positions of each list's values, which stand one after the other."""
    for _, positions in groupby(range(len(fields)), key=lambda position: _INDEX.sub("", fields[position][0])):
        if len(values := list(positions)) > 1:
            yield values


def _runs(digits: list[str]) -> Iterator[tuple[int, int]]:
    """Find where values of digits alone begin and end."""
    for is_run, positions in groupby(range(len(digits)), key=lambda position: 0 < len(digits[position]) <= LONGEST):
        if is_run:
            run = list(positions)
            yield run[0], run[-1] + 1


def _count_of_number(digits: list[str]) -> int:
    """Give how many values at the beginning are a card number, when nearly nothing comes after it; else 0."""
    lengths = list(accumulate(map(len, digits)))
    for count in range(2, len(digits) + 1):
        is_long_enough = _FEWEST <= lengths[count - 1] <= LONGEST
        is_nearly_all = lengths[-1] - lengths[count - 1] <= _MOST_AFTER
        if is_long_enough and is_nearly_all and is_card_number("".join(digits[:count])):
            return count
    return 0
