"""Map a shop's names to an order's fields, by a source's mapping (order-post, "Names that are not ours")."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Table
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, Self
from zoneinfo import ZoneInfo

from receiver.errors import ConfigurationError
from receiver.orders.documents import steps_of
from receiver.orders.lookup import Lookup, Row, is_template, matches
from receiver.orders.mapping_rules import Rule
from receiver.orders.mapping_table import check_rows, make_rule
from receiver.orders.names import Fields, Place, by_own_names, place_of
from receiver.orders.states import Words

#: The key of the table that selects the rows of the items.
ROWS = "items"
#: Fields that say what a request is, not what was ordered. A constant for one is the merchant's own decision.
_DECIDING = {("order", name) for name in ("event", "format_version", "test", "order_status", "payment_status")}
_CURRENCY = ("order", "currency")
#: Fields whose values are never joined: two different ones under the same name park the order.
_IDS = frozenset({"order_id", "event_id", "refund_id"})


class Reading(NamedTuple):
    """A placed value with names for its parts. A plain tuple is quicker, so orders without a mapping do without."""

    place: Place
    name: str
    value: str


class Shape(NamedTuple):
    """What a body holds for a word of a header, which no signature covers: names with a value, and names without."""

    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mapping:
    """The rules of one source."""

    rules: tuple[Rule, ...]
    #: A JSONPath that selects the rows of the items; None where their names hold numbers.
    rows: str | None = None
    #: The state words that the source has of its own.
    words: Words = field(default_factory=Words)
    #: What dates without a zone are read in; UTC where there is none.
    zone: ZoneInfo | None = None
    #: Whether an order is parked that says no state, or neither a total nor an item.
    always_says_what_is_paid: bool = False
    always_says_what_was_bought: bool = False
    #: What the body holds for a word of a header.
    shapes: Table[str, Shape] = field(default_factory=dict)

    @classmethod
    def from_table(cls, table: dict[str, Any]) -> Self:
        """Make a mapping from a ``[sources.<name>.fields]`` table.

        Raises ConfigurationError that names the key of the table and the fix.
        """
        if not isinstance(table, dict):
            raise ConfigurationError('fields must be a table with lines such as order_id = "OrderRef".')
        rules = tuple(make_rule(target, spec) for target, spec in table.items() if target != ROWS)
        return cls(rules, check_rows(table.get(ROWS)))

    def names_for(self, place: Place) -> tuple[str, ...]:
        """Return the parameters that the rules read for the place."""
        return tuple(name for rule in self.rules if rule.slot == place.slot for name in rule.names)

    def reads_of_items(self, name: str) -> bool:
        """Return whether a parameter is a part of what a simple path reads in the rows, such as ``lines[3].sku``."""
        steps = steps_of(name)
        return any(
            _leads_to(path, steps) and (lists_options or len(steps) == len(path)) for path, lists_options in self._paths
        )

    @cached_property
    def _paths(self) -> list[tuple[tuple[str | int, ...], bool]]:
        """The steps to what the rules read in the rows, and whether that's a list of options."""
        rules = [rule for rule in self.rules if rule.is_of_items and self.rows is not None]
        found = [(name, rule.pair is not None) for rule in rules for name in rule.looks_at if name[0] == "@"]
        return [(steps_of(f"{self.rows}{name[1:]}".removeprefix("$.")), is_list) for name, is_list in found]

    def date_form(self, place: Place) -> str | None:
        """Return the form in which the rules read a date for the place."""
        return next((rule.dates[0] for rule in self.rules if rule.slot == place.slot and rule.dates), None)

    def apply(self, fields: Fields) -> tuple[list[Reading], Fields]:
        """Read the fields by the rules, where those find nothing by the contract's own names, and then add constants.

        A name that a rule mentions is used up, whether it fed the field or not. A constant for event, format_version,
        test or a status holds whatever is sent under our own name. The second list holds what means nothing here.
        """
        look = Lookup(fields)
        used = _used(self.rules, fields)
        others = [field for field in fields if field[0] not in used]
        currency = self._currency(look, fields)
        readings = [reading for rule in self.rules if not rule.is_of_items for reading in _read(rule, look, currency)]
        readings += self._read_items(look, currency, others)
        fed = {reading.place.slot for reading in readings}
        decided = {rule.slot for rule in self.rules if rule.constant is not None} & _DECIDING
        placed, rest = by_own_names(others)
        for place, name, value in placed:
            if place.slot in fed or (place.slot in decided and value.strip()):
                rest.append((name, value))
            else:
                readings.append(Reading(place, name, value))
        return readings + _constants(self.rules, readings), rest

    def _currency(self, look: Lookup, fields: Fields) -> str | None:
        """Return the currency that minor units are of: by a rule, under our own name, or as a constant."""
        rules = [rule for rule in self.rules if rule.slot == _CURRENCY]
        read = [reading.value for rule in rules for reading in _read(rule, look, None)]
        own = [value.strip() for name, value in fields if name == "currency" and value.strip()]
        constants = [rule.constant for rule in rules if rule.constant is not None]
        found = next(iter([*read, *own, *constants]), None)
        return found.upper() if found else None

    def _read_items(self, look: Lookup, currency: str | None, others: Fields) -> Iterator[Reading]:
        """Yield what the rules read of each item, rows counted from the first number seen."""
        rules = [rule for rule in self.rules if rule.is_of_items and rule.names]
        if self.rows is not None:
            rows, first = look.rows(self.rows), 0
        else:
            templates = {name for rule in rules for name in rule.names if is_template(name) and name[0] not in "$@"}
            numbers = {number for template in templates for number in look.numbered(template)}
            rows = [Row(number) for number in sorted(numbers)]
            first = min(numbers | set(_our_numbers(others)), default=0)
        for row in rows:
            for rule in rules:
                yield from _read_of_row(rule, look, currency, row, row.number - first)


def _leads_to(path: Sequence[str | int], steps: Sequence[str | int]) -> bool:
    """Return whether a name's steps are those of a path, where ``*`` is any number, or go on from them."""
    return len(path) <= len(steps) and all(
        isinstance(step, int) if wanted == "*" else step == wanted for wanted, step in zip(path, steps, strict=False)
    )


def _used(rules: Sequence[Rule], fields: Fields) -> set[str]:
    names = {name for rule in rules for name in rule.looks_at if name[0] not in "$@"}
    templates = [name for name in names if is_template(name)]
    return names | {name for name, _ in fields for template in templates if matches(template, name)}


def _read(rule: Rule, look: Lookup, currency: str | None) -> Iterator[Reading]:
    """Yield what a rule of a single field reads; an id and a field of the shop's own take each value for itself."""
    found = _found(rule, look, None)
    if not found:
        return
    takes_each = rule.part == "custom" or (rule.field in _IDS and found[0][0][0] != "$" and rule.joint is None)
    groups = [[[value]] for value in found[0][1]] if takes_each else [[values for _, values in found]]
    for group in groups:
        yield Reading(Place(rule.part, 0, rule.field), found[0][0], _value(rule, look, None, group, currency))


def _read_of_row(rule: Rule, look: Lookup, currency: str | None, row: Row, position: int) -> Iterator[Reading]:
    place = Place(rule.part, position, rule.field)
    if rule.pair is not None:
        pairs = [pair for name in rule.names for pair in look.pairs(name, row, rule.pair).items()]
        if pairs:
            yield from (Reading(Place("options", position, key), rule.names[0], value) for key, value in pairs)
            return
    if found := _found(rule, look, row):
        values = [[one[0]] for _, one in found] if not rule.sums else [one for _, one in found]
        yield Reading(place, look.sent_name(found[0][0], row), _value(rule, look, row, values, currency))


def _found(rule: Rule, look: Lookup, row: Row | None) -> list[tuple[str, list[str]]]:
    """Return the names that have values, and these values; none if the rule doesn't apply."""
    for name, words in rule.when:
        if not any(value.lower() in words for value in look.values(name, row)):
            return []
    return [(name, values) for name in rule.names if (values := look.values(name, row))]


def _value(rule: Rule, look: Lookup, row: Row | None, found: list[list[str]], currency: str | None) -> str:
    divisor = next(iter(look.values(rule.divisor, row)), "") if rule.divisor else ""
    return rule.value_of(found, currency, divisor)


def _our_numbers(fields: Fields) -> Iterator[int]:
    """Yield the numbers of the items that come under the contract's names: 1 is a form's first, 0 a JSON list's."""
    for name, _ in fields:
        place = place_of(name)
        if place is not None and place.part in ("items", "options"):
            yield place.row + name.startswith("item_")


def _constants(rules: Sequence[Rule], readings: list[Reading]) -> list[Reading]:
    """Return the constants for the fields that weren't sent, including those of every item."""
    given = {reading.place for reading in readings if reading.value.strip()}
    rows = sorted({place.row for place in given if place.part in ("items", "options")})
    return [
        Reading(place, rule.target, rule.constant)
        for rule in rules
        if rule.constant is not None
        for place in (Place(rule.part, row, rule.field) for row in (rows if rule.is_of_items else [0]))
        if place not in given
    ]
