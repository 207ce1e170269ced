"""The beginning of a card number at the end of a form that may have been cut there."""

from __future__ import annotations

import re

from receiver.orders.card_issuers import LONGEST, may_begin
from receiver.orders.card_lookalikes import is_phone
from receiver.orders.card_names import judge
from receiver.orders.card_numbers import with_plain_digits
from receiver.orders.card_search import MASK, Holds
from receiver.orders.mapping import Mapping
from receiver.orders.names import KINDS, TEXT, Place, json_path, place_of

#: More than eight digits from its beginning must not be kept of a card number.
FEWEST_DIGITS = 9
# Read from the end, and no more of it than a number can have.
_ROW_FROM_END = re.compile(rf"[\W_]{{0,3}}(?:[0-9][\W_]{{0,3}}){{{FEWEST_DIGITS},{LONGEST}}}")
_AMOUNT = re.compile(r"[0-9]{1,15}[.,][0-9]{1,2}")
_GROUP = re.compile("[0-9]+")


def without_beginning(name: str, value: str, mapping: Mapping | None) -> tuple[str, str]:
    """Return the last field of a form without what may be more than eight digits of a card number at its end.

    One for ids, telephone numbers or amounts is left alone: its own numbers are as long.
    """
    if not value:
        return _without(name), value
    meant = (
        [json_path(Place(rule.slot[0], 0, rule.slot[1])) for rule in mapping.rules if name in rule.names]
        if mapping
        else []
    )
    is_text = _AMOUNT.fullmatch(value) is None and all(map(_is_for_text, (name, *meant)))
    return name, _without(value) if is_text else value


def _is_for_text(name: str) -> bool:
    place = place_of(name)
    return judge(name).holds is Holds.TEXT and (place is None or KINDS.get((place.part, place.field), TEXT) is TEXT)


def _without(text: str) -> str:
    plain = with_plain_digits(text)
    row = _ROW_FROM_END.match(plain[::-1])
    if row is None:
        return text
    begin = len(plain) - row.end()
    if (
        plain[begin - 1 : begin].isdigit() and plain[begin].isdigit()
    ):  # in the middle of a group, where no number begins
        begin += len(_GROUP.findall(plain, begin)[0])
    for group in _GROUP.finditer(plain, begin):
        digits = "".join(_GROUP.findall(plain, group.start()))
        is_long_enough = FEWEST_DIGITS <= len(digits) <= LONGEST
        if is_long_enough and may_begin(digits) and not is_phone(plain, group.start(), digits, in_text=True):
            return text[: group.start()] + MASK
    return text
