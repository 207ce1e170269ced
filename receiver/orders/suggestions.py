"""Suggest rules for a body: which parameter might feed which field, by the words of names and the look of values."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from receiver.errors import ConfigurationError
from receiver.orders.item_rows import ItemRows, find_rows, json_path, single_row
from receiver.orders.likeness import item_pattern
from receiver.orders.mapping import ROWS, Mapping, Reading
from receiver.orders.minor_units import minor_units
from receiver.orders.names import KINDS, Fields, place_of
from receiver.orders.suggested_facts import facts
from receiver.orders.suggested_items import items
from receiver.orders.suggested_people import people
from receiver.orders.suggested_sums import sums
from receiver.orders.suggestion import Body, Slot, Suggestion, single_of, suggestion
from receiver.orders.value_clues import all_read, conversion, decimal_point, plain_amount

_LONGEST_NAME = 200
_MOST_VALUES = 20
#: How many letters of a value are looked at: more than an email address, an amount or a date has.
_LONGEST_VALUE = 1_000
_REDACTED = "[secret "
_IN_BRACKETS = re.compile(r"\[([0-9]*)\]")
_CURRENCY = ("order", "currency")
_EVENT = re.compile(r"(?i)event|event_?type|event_?name|topic|notification_?type|type")
#: The ends of names whose amount the body also has as an integer.
_TWIN = re.compile(r"(?i)_?(?:str|string|float)(\]?)$")


def suggest(
    fields: Fields, readings: Sequence[Reading], rest: Fields, rows: str | None = None
) -> tuple[Suggestion, ...]:
    """Suggest rules for what came under foreign names, and for what came in a foreign form.

    ``readings`` is what fed fields of an order so far, ``rest`` the parameters that fed none, ``rows`` the JSONPath
    that selects the items already. Every suggestion passes the checks of a mapping.
    """
    fields = [(name, value[:_LONGEST_VALUE]) for name, value in fields]
    rest = [
        (name, value[:_LONGEST_VALUE]) for name, value in rest if len(name) <= _LONGEST_NAME and _REDACTED not in value
    ]
    readings = [one._replace(value=one.value[:_LONGEST_VALUE]) for one in readings]
    fields, rest = _without_twins(fields), _without_twins(rest)
    body = _body(fields, readings, rest, rows)
    found: dict[Slot, Suggestion] = {}
    found.update(facts(body))
    body = replace(body, minor_units=minor_units(fields, _currency(body, found)))
    for suggestor in (people, sums, items):
        found.update(suggestor(body))
    sent = {name for name, _ in fields}
    found.update(_in_foreign_form([one for one in readings if one.name in sent], body.point))
    ordered = [found[slot] for slot in KINDS if slot in found and _can_be_saved(found[slot])]
    if body.rows is not None and body.rows.selector and rows is None and any("@" in str(one.rule) for one in ordered):
        ordered.append(Suggestion(ROWS, body.rows.selector, "selects the items"))
    return tuple(ordered)


def _body(fields: Fields, readings: Sequence[Reading], rest: Fields, selector: str | None) -> Body:
    fed: dict[Slot, str] = {}
    for place, _, value in readings:
        fed.setdefault(place.slot, value.strip())
    if any(slot[0] == "options" for slot in fed):
        fed["items", "options"] = ""
    rows = _rows(fields, fed, selector)
    of_rows = {name for name, _ in rest if rows is not None and _is_of_row(rows, name)}
    texts = [value.strip() for _, value in fields]
    is_list = any(name.startswith("[1]") for name, _ in rest)
    singles = {
        name: single_of(name, value)
        for name, value in reversed(rest)
        if name not in of_rows and _is_single(name) and not (is_list and name[0] == "[")
    }
    return Body(
        tuple(reversed(singles.values())),
        rows,
        fed,
        decimal_point(texts),
        texts,
        any(_says_event(*field) for field in fields),
    )


def _currency(body: Body, found: dict[Slot, Suggestion]) -> str | None:
    """Return the currency that the body or a suggestion says."""
    if _CURRENCY in body.fed:
        return body.fed[_CURRENCY].upper()
    rule = found[_CURRENCY].rule if _CURRENCY in found else None
    if isinstance(rule, dict):
        return str(rule["value"]) if "value" in rule else next(iter(rule["words"].values()), None)
    return next((one.value.upper() for one in body.said if one.text == rule), None)


def _rows(fields: Fields, fed: dict[Slot, str], selector: str | None) -> ItemRows | None:
    """Return the list of the items; where something feeds items already, only the same list."""
    sent = [(name, value) for name, value in fields if len(name) <= _LONGEST_NAME and _REDACTED not in value]
    found = find_rows(sent)
    if selector is not None:
        rows = next((one for one in found if json_path("$", one.before) + "[*]" == selector), None)
        if rows is not None:
            rows.selector = selector
        return rows
    if any(slot[0] == "items" for slot in fed):
        own = [one for one in found if any(place_of(name) for name, _ in sent if _is_of_row(one, name))]
        found = own or [one for one in found if one.selector is None]
    elif not found and (one := single_row(sent)) is not None:
        return one
    return found[0] if found else None


def _says_event(name: str, value: str) -> bool:
    return bool(_EVENT.fullmatch(name)) and (name != "type" or "." in value)


def _is_of_row(rows: ItemRows, name: str) -> bool:
    if not rows.before:
        return (item_pattern(name) or name) in rows.columns
    return any(
        name.startswith(f"{written}[") or (written.endswith(".") and name.startswith(written))
        for written in rows.written
    )


def _is_single(name: str) -> bool:
    """Return whether a name is not of a later row of a list."""
    return all(number == "0" for number in _IN_BRACKETS.findall(name))


def _without_twins(fields: Fields) -> Fields:
    """Return the fields without amounts in minor units that the body also has in major ones."""
    sent = dict(fields)
    twins = {name: _TWIN.sub(r"\1", name) for name in sent if _TWIN.search(name)}
    minor = {
        plain
        for name, plain in twins.items()
        for plain in (plain, _TWIN.sub(r"_cents\1", name))
        if plain in sent and _is_hundredfold(sent[plain], sent[name])
    }
    return [(name, value) for name, value in fields if name not in minor]


def _is_hundredfold(whole: str, text: str) -> bool:
    major, minor = plain_amount(text, "."), plain_amount(whole, ".")
    return major is not None and minor is not None and bool(major) and minor == major * 100


def _in_foreign_form(readings: Sequence[Reading], point: str) -> Iterable[tuple[Slot, Suggestion]]:
    """Suggest how to read what came under a known name and is malformed."""
    texts: dict[tuple[Slot, str], list[str]] = defaultdict(list)
    for place, name, value in readings:
        if place.slot in KINDS and value.strip():
            pattern = item_pattern(name) if place.part == "items" else name
            texts[place.slot, pattern or name].append(value.strip())
    for (slot, name), found in texts.items():
        how = None if all_read(KINDS[slot], found) else conversion(KINDS[slot], found[:_MOST_VALUES], point)
        if how and how.keys:
            yield slot, suggestion(slot, name, how)


def _can_be_saved(one: Suggestion) -> bool:
    try:
        Mapping.from_table({one.field: one.rule})
    except ConfigurationError:
        return False
    return True
