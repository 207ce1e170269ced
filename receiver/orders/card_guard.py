"""Keep card data out of an order: drop card fields, mask card numbers, refuse a number with its code.

The rules are those of order-post, "No card data".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from receiver.errors import CardDataRefused
from receiver.orders.card_issuers import SHORTEST, is_card_number
from receiver.orders.card_lists import in_lists
from receiver.orders.card_names import LONGEST_NAME, Judged, Sort, judge
from receiver.orders.card_numbers import digits_alone, is_full_number, mask, may_hold_number
from receiver.orders.escapes import as_read
from receiver.orders.names import Fields


class Guarded(NamedTuple):
    """The fields without card fields: as they came, and as they may be stored."""

    #: For keys: nothing is masked yet, so that two numbers with the same end stay two.
    fields: Fields
    #: For storing, showing and parsing; the same list where nothing was masked.
    masked: Fields
    #: What was dropped or masked, by the fields' names.
    notes: tuple[str, ...]
    #: Whether any of that was card data; a password isn't.
    held_card_data: bool


#: No more than eight digits from its beginning may be kept of a card number.
FEWEST_DIGITS = 9
#: Fields as they may be stored, by position.
Changes = dict[int, tuple[str, str]]

#: The number of a row in a name. Those of one digit are left: there are few, and a cv_2_code has one.
_ROW = re.compile(r"(?<=[_\[])[0-9]{2,4}(?=[_\]])")
#: Names of one POST that are remembered, with how they were judged: a shop sends the same ones each time.
_MOST_REMEMBERED, _LONGEST_REMEMBERED = 200, 8_192
_CODE = re.compile(r"\s*\d{3,4}\s*")


def guard(fields: Fields) -> Guarded:
    """Drop card fields and mask card numbers; the notes name what was dropped or masked.

    Raises CardDataRefused when an object has a card field with a full number, and its security code too.
    """
    names = [name for name, _ in fields]
    # Nearly every POST has plain names and no long row of digits, so quick looks come before every search.
    notes: list[str] = []
    held_card_data = False
    are_plain, may_be_list = _judged(names)
    if not are_plain:
        fields, notes, held_card_data = _without_card_fields(fields)
        names = [name for name, _ in fields]
        may_be_list = _may_be_list(names)
    changes = in_lists(fields) if may_be_list else {}
    if may_hold_number([value for _, value in fields]):
        changes = _masked_values(fields) | changes
    if not are_plain:
        changes = _masked_names(fields, changes)
    if not changes:
        return Guarded(fields, fields, tuple(notes), held_card_data)
    notes += [f"{safe_name(names[position])} held a card number, which was masked" for position in sorted(changes)]
    masked = [changes.get(position, field) for position, field in enumerate(fields)]
    return Guarded(fields, masked, tuple(notes), held_card_data=True)


def _judged(names: list[str]) -> tuple[bool, bool]:
    """Return whether the names are plain, and whether some may be a list's."""
    if len(names) > _MOST_REMEMBERED or sum(map(len, names)) > _LONGEST_REMEMBERED:
        return _judge_all(tuple(names))
    return _judge_again(tuple(names))


def _judge_all(names: tuple[str, ...]) -> tuple[bool, bool]:
    are_plain = max(map(len, names), default=0) <= LONGEST_NAME and _are_plain_names(names)
    return are_plain, _may_be_list(names)


_judge_again = lru_cache(maxsize=128)(_judge_all)


def _may_be_list(names: Sequence[str]) -> bool:
    """Return whether one of the names is a list's, or given twice."""
    return len(set(names)) < len(names) or "]\n" in "\n".join([*names, ""])


def _are_plain_names(names: Sequence[str]) -> bool:
    """Return whether no name is a card field's or holds a number. Of a long list's names one row's are looked at."""
    joined = "\n".join(names)
    return not may_hold_number(names) and all(map(_is_plain_name, set(_ROW.sub("10", joined).split("\n"))))


@lru_cache(maxsize=4096)
def _is_plain_name(name: str) -> bool:
    return judge(name).sort is Sort.OTHER


def _masked_values(fields: Fields) -> Changes:
    """Return the fields that hold a card number as they may be stored, by position."""
    return {
        position: (name, safe)
        for position, (name, value) in enumerate(fields)
        if len(value) >= SHORTEST and (safe := mask(value, judge(name).holds)) != value
    }


def _masked_names(fields: Fields, changes: Changes) -> Changes:
    """Return the changes, and those of names that hold a card number too."""
    return changes | {
        position: (safe, changes.get(position, field)[1])
        for position, field in enumerate(fields)
        if (safe := mask(field[0])) != field[0]
    }


def _without_card_fields(fields: Fields) -> tuple[Fields, list[str], bool]:
    """Return the fields that are left, what was dropped, and whether any of that was more than a password."""
    judged = [judge(name) for name, _ in fields]
    plain = [(name, as_read(value)) for name, value in fields]
    dropped = _dropped(plain, judged)
    _refuse_number_with_code(plain, judged, dropped)
    notes = [
        f"{safe_name(fields[position][0])} was dropped: it is a {judged[position].sort.value}"
        for position in sorted(dropped)
    ]
    kept = [field for position, field in enumerate(fields) if position not in dropped]
    return kept, notes, any(judged[position].sort is not Sort.PASSWORD for position in dropped)


def _dropped(fields: Fields, judged: list[Judged]) -> set[int]:
    """Return the positions of the fields to drop, because of their own names or of those beside them."""
    named = [(one, value) for one, (_, value) in zip(judged, fields, strict=True)]
    by_digits = {one.place for one, value in named if one.sort is Sort.MAYBE_CARD and _has_many_digits(value)}
    sure = by_digits | {one.place for one, _ in named if one.sort in (Sort.CARD, Sort.CODE)}
    beside = by_digits | {
        one.place
        for one, value in named
        if one.sort in (Sort.CARD, Sort.MAYBE_EXPIRY)
        or (one.sort is Sort.MAYBE_NUMBER and is_card_number(digits_alone(value)))
    }

    def is_dropped(one: Judged, value: str) -> bool:
        if one.sort is Sort.MAYBE_EXPIRY:
            return one.is_of_card or one.place in sure
        if one.sort is Sort.MAYBE_CODE:
            return one.is_of_card or (one.place in beside and _CODE.fullmatch(value) is not None)
        if one.sort in (Sort.MAYBE_NUMBER, Sort.MAYBE_CARD):
            return one.is_of_card or one.place in beside
        return one.sort is not Sort.OTHER

    return {position for position, (one, value) in enumerate(named) if is_dropped(one, value)}


def _has_many_digits(value: str) -> bool:
    """Return whether a pan or track holds a card's number, even a mistyped one."""
    return sum(map(str.isdigit, value)) >= FEWEST_DIGITS


def _refuse_number_with_code(fields: Fields, judged: list[Judged], dropped: set[int]) -> None:
    numbers: dict[str, str] = {}
    codes: dict[str, str] = {}
    for position in sorted(dropped):
        one, (name, value) = judged[position], fields[position]
        if one.sort in (Sort.CODE, Sort.MAYBE_CODE) and _CODE.fullmatch(value):
            codes.setdefault(one.parent, name)
        elif is_full_number(value):
            numbers.setdefault(one.parent, name)
    refused = [safe_name(found[parent]) for parent in numbers for found in (numbers, codes) if parent in codes]
    if refused:
        raise CardDataRefused(refused)


def safe_name(name: str) -> str:
    """Return a field's name as a note may have it: masked and cut."""
    return mask(name)[:LONGEST_NAME]
