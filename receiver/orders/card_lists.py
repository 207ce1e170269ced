"""Find card numbers that are split over the values of a list, digit by digit or group by group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from receiver.orders.card_issuers import LONGEST, SHORTEST
from receiver.orders.card_numbers import digits_in, masked_number, with_plain_digits
from receiver.orders.card_search import MASK, Found, Holds, find
from receiver.orders.names import Fields, without_indexes

#: Fewer digits in a list aren't a card number, but two ids.
_FEWEST = SHORTEST + 1
# How many digits may be beside the number in its list: expiry, code, a year. A longer list holds ids.
_MOST_BESIDE, _MOST_AFTER_IDS = 16, 10
_LONGEST_GROUP, _AMEX = 4, [4, 6, 5]

#: Where a value begins in the text that joins its list, and the position of its field.
Piece = tuple[int, int]


def in_lists(fields: Fields) -> dict[int, tuple[str, str]]:
    """Return the fields of every list that a card number fills as they may be stored, by position."""
    masked = dict(enumerate(fields))
    for positions in _lists(fields):
        text, pieces = _joined(fields, positions)
        if len(digits_in(text)) > LONGEST + _MOST_BESIDE:
            continue
        # From the end, so that the places of the numbers before it stay right.
        for found in reversed(list(find(text, Holds.TEXT))):
            covered = [one for one in pieces if one[0] < found.end and one[0] + len(fields[one[1]][1]) > found.start]
            if _is_likely(text, found, covered, fields):
                masked |= _masked(found, covered, masked)
    return {position: field for position, field in masked.items() if field is not fields[position]}


def _lists(fields: Fields) -> Iterable[list[int]]:
    """Return the positions of each list's values, whatever stands between them."""
    lists: dict[str, list[int]] = defaultdict(list)
    for position, (name, value) in enumerate(fields):
        if value.strip():
            lists[without_indexes(name)].append(position)
    return [positions for positions in lists.values() if len(positions) > 1]


def _joined(fields: Fields, positions: list[int]) -> tuple[str, list[Piece]]:
    pieces, begin = [], 0
    for position in positions:
        pieces.append((begin, position))
        begin += len(fields[position][1]) + 1
    return with_plain_digits(" ".join([fields[position][1] for position in positions])), pieces


def _is_likely(text: str, found: Found, covered: list[Piece], fields: Fields) -> bool:
    """Return whether it's a number in pieces, rather than ids that look like one by chance."""
    if len(covered) < 2 or len(found.digits) < _FEWEST:
        return False
    groups = [len(digits_in(fields[position][1])) for _, position in covered]
    if max(groups) <= _LONGEST_GROUP or groups == _AMEX:
        return True
    return not digits_in(text[: found.start]) and len(digits_in(text[found.end :])) <= _MOST_AFTER_IDS


def _masked(found: Found, covered: list[Piece], fields: dict[int, tuple[str, str]]) -> dict[int, tuple[str, str]]:
    """Return the fields that hold the number in pieces, with the last four digits in the last of them."""
    masked = {}
    for begin, position in covered:
        name, value = fields[position]
        start, end = max(found.start - begin, 0), found.end - begin
        shown = masked_number(found.digits) if position == covered[-1][1] else MASK
        masked[position] = name, value[:start] + shown + value[end:]
    return masked
