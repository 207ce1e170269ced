"""Forms that may have been cut short: what can be trusted, and a card number's first digits at their end."""

from __future__ import annotations

import re
from datetime import datetime

from receiver.orders.card_guard import FEWEST_DIGITS, Guarded, guard, safe_name
from receiver.orders.card_issuers import LONGEST, may_begin
from receiver.orders.card_lookalikes import is_phone
from receiver.orders.card_names import judge
from receiver.orders.card_numbers import with_plain_digits
from receiver.orders.card_search import MASK, Holds
from receiver.orders.escapes import readings
from receiver.orders.field_errors import FieldError
from receiver.orders.mapping import Mapping
from receiver.orders.names import TEXT, Fields, Place, json_path, kind_of, place_of
from receiver.orders.parsing import NotUnderstood, read

MAY_BE_INCOMPLETE = FieldError(
    "body",
    "may be incomplete: it arrived in chunks without a Content-Length, so we can't tell whether all of it "
    "arrived. Send it with a Content-Length, or sign it. It is kept, and runs once the merchant accepts it",
)
# Read from the end, and no more of it than a number can have.
_ROW_FROM_END = re.compile(rf"[\W_]{{0,3}}(?:[0-9][\W_]{{0,3}}){{{FEWEST_DIGITS},{LONGEST}}}")
_AMOUNT = re.compile(r"[0-9]{1,15}[.,][0-9]{1,2}")
_GROUP = re.compile("[0-9]+")
#: An escape or a tag that the text breaks off in.
_HALF_AN_ESCAPE = re.compile(r"(?:%[0-9A-Fa-f]?|\\{1,8}u?[0-9A-Fa-f]{0,3}|&[#0-9A-Za-z]{0,31}|<[^<>]*)\Z")


def read_held_back(fields: Fields, mapping: Mapping | None, received_at: datetime) -> NotUnderstood:
    """Return why a form that may have been cut is held back, with the ids and the decision that can't be cut."""
    reading = read(fields, mapping, received_at)
    errors = reading.errors if isinstance(reading, NotUnderstood) else ()
    sure = read(fields[:-1], mapping, received_at)  # the last field may have been longer
    ids = sure if isinstance(sure, NotUnderstood) else sure.order
    return NotUnderstood((MAY_BE_INCOMPLETE, *errors), order_id=ids.order_id, decided=sure.decided, test=ids.test)


def guard_cut(fields: Fields, mapping: Mapping | None) -> Guarded:
    """Guard a form that may have been cut, and may end with the start of a card number.

    A last field for ids, telephone numbers or amounts is left alone: its own numbers are as long.
    """
    guarded = guard(fields)
    if not guarded.masked:
        return guarded
    *rest, last = guarded.masked
    name, value = last
    safe = last
    if not value:
        safe = (_without_beginning(name), value)
    elif _AMOUNT.fullmatch(value) is None and all(map(_is_for_text, (name, *_meant_by(name, mapping)))):
        safe = (name, _without_beginning(value))
    if safe == last:
        return guarded
    note = f"{safe_name(safe[0])} may end in the beginning of a card number, which was masked"
    return guarded._replace(masked=[*rest, safe], notes=(*guarded.notes, note))


def _meant_by(name: str, mapping: Mapping | None) -> list[str]:
    """Return the paths of the fields that a mapping reads from the name."""
    rules = mapping.rules if mapping else ()
    return [json_path(Place(rule.part, 0, rule.field)) for rule in rules if name in rule.names]


def _is_for_text(name: str) -> bool:
    place = place_of(name)
    return judge(name).holds is Holds.TEXT and (place is None or kind_of(place.slot) is TEXT)


def _without_beginning(text: str) -> str:
    """Return the text without its last digits, if they may be nine or more of a card number, escaped or not."""
    wholes = {text, _HALF_AN_ESCAPE.sub("", text)}
    found = [(one, _beginning(with_plain_digits(one.text))) for whole in wholes for one in readings(whole)]
    places = [reading.begins[at] for reading, at in found if at is not None]
    return text[: min(places)] + MASK if places else text


def _beginning(plain: str) -> int | None:
    """Return where a card number may begin that goes on to the end of the text."""
    row = _ROW_FROM_END.match(plain[::-1])
    if row is None:
        return None
    begin = len(plain) - row.end()
    if plain[begin - 1 : begin].isdigit() and plain[begin].isdigit():
        # No number begins in the middle of a group.
        begin += len(_GROUP.findall(plain, begin)[0])
    for group in _GROUP.finditer(plain, begin):
        digits = "".join(_GROUP.findall(plain, group.start()))
        is_long_enough = FEWEST_DIGITS <= len(digits) <= LONGEST
        if is_long_enough and may_begin(digits) and not is_phone(plain, group.start(), digits, in_text=True):
            return group.start()
    return None
