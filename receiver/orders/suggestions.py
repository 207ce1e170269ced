"""Suggest rules for a body: which parameter might feed which field, by how alike names and values are."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter
from typing import Any

from receiver.errors import ConfigurationError
from receiver.orders.conversions import decimal_text
from receiver.orders.likeness import item_pattern, likeness
from receiver.orders.mapping import Reading
from receiver.orders.mapping_table import make_rule
from receiver.orders.names import KINDS, Fields, target_of
from receiver.orders.toml_lines import toml_line
from receiver.orders.value_clues import Conversion, all_read, conversion, currency_of, decimal_point, is_money

#: A field as part and name.
Slot = tuple[str, str]

_LEAST_LIKENESS = 0.7
#: The score of a value by itself, when it's the only one of its kind in the body.
_BY_VALUE: dict[Slot, float] = {
    ("customer", "email"): 0.8,
    ("order", "currency"): 0.8,
    ("order", "order_date"): 0.75,
    ("billing", "country"): 0.72,
    ("order", "locale"): 0.7,
}
#: A value that can't be read lowers the score. A field that doesn't park the order may still be meant.
_UNREADABLE = 0.9
#: How many names are compared with every field, so that a flood of them doesn't take minutes.
_MOST_NAMES = 200
_LONGEST_NAME = 200
_MOST_VALUES = 20
#: How many letters of a value are looked at: more than an email address, an amount or a date has.
_LONGEST_VALUE = 1_000
_REDACTED = "[secret "
_OF_THE_SHOP = re.compile(r"(?i)shop|store|merchant|seller|vendor|admin|sender|support")
_CURRENCY, _TOTAL = ("order", "currency"), ("order", "total")


@dataclass(frozen=True)
class Suggestion:
    """One rule that might be meant."""

    #: The path that a mapping table names, such as ``items[].name``.
    field: str
    #: Of a form that config.toml takes.
    rule: str | dict[str, Any]
    #: What to check about it.
    note: str | None = None

    def as_toml(self) -> str:
        """Return the line for config.toml."""
        return toml_line(self.field, self.rule) + (f"  # {self.note}" if self.note else "")


@dataclass(frozen=True)
class _Candidate:
    """One parameter that feeds nothing: its name, or the pattern of an item's, and its values."""

    name: str
    of_items: bool
    texts: list[str]


def suggest(fields: Fields, readings: Sequence[Reading], rest: Fields) -> tuple[Suggestion, ...]:
    """Suggest rules for what came under foreign names, and for what came in a foreign form.

    ``readings`` is what fed fields of an order so far, ``rest`` the parameters that fed none. Every suggestion
    passes the checks of a mapping.
    """
    fields = [(name, value[:_LONGEST_VALUE]) for name, value in fields]
    rest = [(name, value[:_LONGEST_VALUE]) for name, value in rest]
    readings = [one._replace(value=one.value[:_LONGEST_VALUE]) for one in readings]
    texts = [value.strip() for _, value in fields]
    point = decimal_point(texts)
    fed = {one.place.slot for one in readings}
    candidates = _candidates(rest)
    found = dict(_paired([slot for slot in KINDS if slot not in fed], candidates, point))
    sent = {name for name, _ in fields}
    found.update(_in_foreign_form([one for one in readings if one.name in sent], point))
    if _TOTAL not in fed | found.keys() and (total := _largest(candidates, point)):
        found[_TOTAL] = total
    if _CURRENCY not in fed | found.keys() and (how := currency_of(texts)):
        found[_CURRENCY] = Suggestion(target_of(_CURRENCY), how.keys, how.note)
    return tuple(found[slot] for slot in KINDS if slot in found and _can_be_saved(found[slot]))


def _candidates(rest: Fields) -> list[_Candidate]:
    texts: dict[tuple[str, bool], list[str]] = defaultdict(list)
    for name, value in rest:
        pattern = item_pattern(name)
        kept = texts[pattern or name, pattern is not None]
        if value.strip() and len(kept) < _MOST_VALUES:
            kept.append(value.strip())
    return [
        _Candidate(name, of_items, found if of_items else found[:1])
        for (name, of_items), found in texts.items()
        if len(name) <= _LONGEST_NAME and not any(_REDACTED in text for text in found)
    ][:_MOST_NAMES]


def _paired(slots: list[Slot], candidates: list[_Candidate], point: str) -> Iterable[tuple[Slot, Suggestion]]:
    """Pair fields and parameters, the likest first, each at most once."""
    pairs = [pair for slot in slots for pair in _scored(slot, candidates, point)]
    taken: set[Slot | str] = set()
    for _, slot, name, how in sorted(pairs, key=lambda pair: -pair[0]):
        if taken.isdisjoint((slot, name)):
            taken |= {slot, name}
            yield slot, _suggestion(slot, name, how)


def _scored(
    slot: Slot, candidates: list[_Candidate], point: str
) -> Iterable[tuple[float, Slot, str, Conversion | None]]:
    """Yield the parameters that are like enough to a field, each with its likeness and how it is read."""
    kind = KINDS[slot]
    mine = [one for one in candidates if one.of_items == (slot[0] == "items")]
    showing = [one.name for one in mine if _may_show(slot, one) and conversion(kind, one.texts, point) is not None]
    for one in mine:
        score = likeness(slot, one.name)
        if showing == [one.name]:
            score = max(score, _BY_VALUE[slot])
        if score >= _LEAST_LIKENESS:
            how = conversion(kind, one.texts, point)
            if how is None:
                score *= 0 if kind.parks else _UNREADABLE
            if score >= _LEAST_LIKENESS:
                yield score, slot, one.name, how


def _may_show(slot: Slot, one: _Candidate) -> bool:
    """Return whether a value may show its field by itself; two letters may be a state, a word a name."""
    if slot not in _BY_VALUE or not one.texts or _OF_THE_SHOP.search(one.name):
        return False
    shortest = {"country": 4, "currency": 3, "locale": 5}.get(slot[1], 0)
    return len(one.texts[0]) >= shortest


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
            yield slot, _suggestion(slot, name, how)


def _largest(candidates: list[_Candidate], point: str) -> Suggestion | None:
    """Suggest the largest amount outside the items for the total, whatever its name."""
    amounts = [
        (Decimal(decimal_text(one.texts[0], how.keys.get("decimal", "."))), one.name, how.keys)
        for one in candidates
        if not one.of_items and one.texts and is_money(one.texts[0])
        if (how := conversion(KINDS[_TOTAL], one.texts, point))
    ]
    if not amounts:
        return None
    _, name, keys = max(amounts, key=itemgetter(0))
    return _suggestion(_TOTAL, name, Conversion(keys, "the largest amount sent"))


def _suggestion(slot: Slot, name: str, how: Conversion | None) -> Suggestion:
    keys, note = how or Conversion({}, "its value isn't understood")
    return Suggestion(target_of(slot), {"from": name, **keys} if keys else name, note)


def _can_be_saved(suggestion: Suggestion) -> bool:
    try:
        make_rule(suggestion.field, suggestion.rule)
    except ConfigurationError:
        return False
    return True
