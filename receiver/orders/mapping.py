"""Map foreign names to our fields: apply a source's mapping to one body (order-post, "Names that are not ours")."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, Self

from receiver.errors import ConfigurationError
from receiver.orders.mapping_rules import Rule, make_rule
from receiver.orders.names import Fields, Place, by_own_names, place_of

#: Fields that say what a request is, not what was ordered. A constant for one is the merchant's own decision.
_DECIDING = {("order", name) for name in ("event", "format_version", "test", "order_status", "payment_status")}


class Reading(NamedTuple):
    """A placed value with names for its parts. A plain tuple is quicker, so orders without a mapping do without."""

    place: Place
    name: str
    value: str


@dataclass(frozen=True)
class Mapping:
    """The rules of one source."""

    rules: tuple[Rule, ...]

    @classmethod
    def from_table(cls, table: dict[str, Any]) -> Self:
        """Make a mapping from a ``[sources.<name>.fields]`` table.

        Raises ConfigurationError that names the key of the table and the fix.
        """
        if not isinstance(table, dict):
            raise ConfigurationError('fields must be a table with lines such as order_id = "OrderRef".')
        return cls(tuple(make_rule(target, spec) for target, spec in table.items()))

    def names_for(self, place: Place) -> tuple[str, ...]:
        """Return the parameters that the rules read for the place."""
        return tuple(name for rule in self.rules if rule.slot == place.slot for name in rule.names)

    def date_form(self, place: Place) -> str | None:
        """Return the form in which the rules read a date for the place."""
        return next((rule.date for rule in self.rules if rule.slot == place.slot), None)

    def apply(self, fields: Fields) -> tuple[list[Reading], Fields]:
        """Read the fields by the rules, by the contract's own names where those fed nothing, and then by constants.

        A name that a rule mentions is used up, whether it fed the field or not. A constant for event, format_version,
        test or a status holds whatever is sent under our own name. The second list holds what means nothing here.
        """
        of_items = [rule for rule in self.rules if rule.is_of_items]
        singles = [rule for rule in self.rules if not rule.is_of_items]
        readings, used = _read_items(of_items, fields)
        readings += _read_singles(singles, fields)
        used |= {name for rule in singles for name in rule.names}
        fed = {reading.place.slot for reading in readings}
        decided = {rule.slot for rule in self.rules if rule.constant is not None} & _DECIDING
        placed, rest = by_own_names([field for field in fields if field[0] not in used])
        for place, name, value in placed:
            if place.slot in fed or (place.slot in decided and value.strip()):
                rest.append((name, value))
            else:
                readings.append(Reading(place, name, value))
        return readings + _constants(self.rules, readings), rest


def _read_singles(rules: list[Rule], fields: Fields) -> list[Reading]:
    """Return what the rules read; different values of one name are a list, which no amount and no address can be."""
    readings = []
    given: dict[str, list[str]] = defaultdict(list)
    for name, value in fields:
        if value.strip():
            given[name].append(value)
    for rule in rules:
        found = next((name for name in rule.names if name in given), None)
        if found is not None:
            values = [rule.convert(value) for value in given[found]]
            read = values if rule.part == "custom" else [", ".join(dict.fromkeys(values))]
            readings += [Reading(Place(rule.part, 0, rule.field), found, value) for value in read]
    return readings


def _read_items(rules: list[Rule], fields: Fields) -> tuple[list[Reading], set[str]]:
    """Return what the rules read, rows counted from the first number seen, and the names that they match."""
    matches = [
        (rule, int(match[1]), name, value)
        for rule in rules
        for template in rule.names
        for name, value in fields
        if (match := _pattern(template).fullmatch(name))
    ]
    if not matches:
        return [], set()
    used = {name for _, _, name, _ in matches}
    first = min({number for _, number, _, _ in matches}.union(_our_numbers(fields, used)))
    readings: dict[Place, Reading] = {}
    for rule, number, name, value in matches:
        place = Place(rule.part, number - first, rule.field)
        if value.strip() and place not in readings:
            readings[place] = Reading(place, name, rule.convert(value))
    return list(readings.values()), used


def _our_numbers(fields: Fields, used: set[str]) -> Iterator[int]:
    """Yield the numbers of the items that come under the contract's names: 1 is a form's first, 0 a JSON list's."""
    for name, _ in fields:
        place = None if name in used else place_of(name)
        if place is not None and place.part in ("items", "options"):
            yield place.row + name.startswith("item_")


def _constants(rules: Sequence[Rule], readings: list[Reading]) -> list[Reading]:
    """Return what stands for the fields that were not sent, those of every item among them."""
    given = {reading.place for reading in readings if reading.value.strip()}
    rows = sorted({place.row for place in given if place.part in ("items", "options")})
    return [
        Reading(place, rule.target, rule.constant)
        for rule in rules
        if rule.constant is not None
        for place in (Place(rule.part, row, rule.field) for row in (rows if rule.is_of_items else [0]))
        if place not in given
    ]


@lru_cache
def _pattern(template: str) -> re.Pattern[str]:
    before, after = re.split(r"\{n\}|(?<=\[)(?=\])", template, maxsplit=1)
    return re.compile(rf"{re.escape(before)}([0-9]{{1,18}}){re.escape(after)}")
