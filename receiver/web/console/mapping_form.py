"""The form of Map parameters: rules become rows of inputs, and inputs become rules."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from receiver import orders
from receiver.errors import ConfigurationError
from receiver.orders import Fields, Suggestion
from receiver.orders.likeness import item_pattern
from receiver.orders.mapping import ROWS
from receiver.orders.names import KINDS, PARTS, target_of
from receiver.orders.toml_lines import toml_line
from receiver.web.console.rule_inputs import INPUTS, chosen, inputs_of, rule_of

#: Parts of an order with their labels, and the fields that most orders need; the others are folded away.
GROUPS = (
    ("order", "Order", ("order_id", "order_date", "currency", "total")),
    ("customer", "Customer", ("email", "first_name", "last_name")),
    ("items", "Items", ("name", "quantity", "unit_price")),
    ("billing", "Billing address", ("name", "line1", "city", "postcode", "country")),
    ("shipping", "Shipping address", ("name", "line1", "city", "postcode", "country")),
    ("own", "The shop's own fields", ()),
)
_WORDY = frozenset({"country", "currency", "boolean", "locale"})
_STATUSES = frozenset({"order_status", "payment_status"})
#: Of the received names to choose from: how many, and how long a name and its sample may be.
_MOST_CHOICES, _LONGEST_CHOICE, _LONGEST_SAMPLE = 100, 200, 40


@dataclass
class Row:
    """One field of an order with its inputs; by default one of the shop's own fields."""

    #: Its path, such as ``items[].name``.
    field: str
    #: Its part of an order.
    part: str = "own"
    meaning: str = "Passed to handlers unchanged."
    kind: str = "text"
    is_main: bool = True
    #: Text that's filled in, by input.
    inputs: dict[str, str] = dataclasses.field(default_factory=lambda: dict.fromkeys(INPUTS, ""))
    #: The rule of config.toml, which can't be changed here.
    from_file: str = ""
    #: Whether it's filled in by a suggestion; and what to check about it.
    is_suggested: bool = False
    note: str = ""
    error: str = ""

    @property
    def names(self) -> list[str]:
        """The received names that are chosen."""
        return chosen(self.inputs["from"]) or []

    @property
    def of_items(self) -> bool:
        """Return whether it's filled once per item."""
        return self.field.startswith("items[]")

    @property
    def has_words(self) -> bool:
        """Return whether its values are words that may differ."""
        return self.kind in _WORDY or self.field in _STATUSES or bool(self.inputs["words"])

    @property
    def has_more(self) -> bool:
        """Return whether more than a name is filled in."""
        return any(self.inputs[name] for name in INPUTS if name != "from")

    @property
    def is_folded(self) -> bool:
        """Return whether it can start folded away."""
        return not (self.is_main or self.from_file or self.error or any(self.inputs.values()))


def rows(
    from_file: Mapping[str, Any], saved: Mapping[str, Any], suggestions: Iterable[Suggestion] = ()
) -> dict[str, Row]:
    """Return the rows by field, filled in as they're saved; what isn't saved is filled in as suggested."""
    main = {(part, name) for part, _, names in GROUPS for name in names}
    made = {}
    for slot, kind in KINDS.items():
        meaning = PARTS[slot[0]].model_fields[slot[1]].description or ""
        made[target_of(slot)] = Row(target_of(slot), slot[0], meaning, kind.name, slot in main)
    made[ROWS] = Row(ROWS, "items", "JSONPath that selects the lines; @ then stands for a line.", is_main=False)
    made |= {target: Row(target) for target in (*from_file, *saved) if target not in made}
    for target, rule in from_file.items():
        made[target].from_file = toml_line(target, rule)
    for target, rule in saved.items():
        made[target].inputs = inputs_of(rule)
    for one in suggestions:
        row = made[one.field]
        if one.field in saved:
            row.note = f"suggested instead: {one.as_toml()}"
        elif one.field not in from_file:
            row.is_suggested, row.note, row.inputs = True, one.note or "", inputs_of(one.rule)
    return made


def fill_in(made: Mapping[str, Row], form: Mapping[str, str]) -> dict[str, Any]:
    """Fill the rows in as they were sent, and return their rules; a row with a wrong one gets the error instead."""
    rules: dict[str, Any] = {}
    for target, row in made.items():
        if row.from_file:
            continue
        row.inputs = {name: form.get(f"{target}:{name}", "").strip() for name in INPUTS}
        row.is_suggested, row.note = False, ""
        try:
            rule = rule_of(row.inputs)
            if rule is not None:
                orders.Mapping.from_table({target: rule})
                rules[target] = rule
        except ConfigurationError as error:
            row.error = str(error).removeprefix(f'fields."{target}" ')
    return rules


def choices(received: Fields, *, of_items: bool) -> dict[str, str]:
    """Return the received names to choose from: their labels by the options' values.

    A value is the name as JSON, because a browser would change a line break in a plain one.
    """
    samples: dict[str, str] = {}
    for name, value in received:
        pattern = item_pattern(name) if of_items else name
        if pattern and len(pattern) <= _LONGEST_CHOICE and not samples.get(pattern):
            samples[pattern] = value.strip()[:_LONGEST_SAMPLE]
    shown = islice(samples.items(), _MOST_CHOICES)
    return {json.dumps([name]): f"{name}: {sample}" if sample else name for name, sample in shown}


def typeable(received: Fields, *, of_items: bool) -> dict[str, str]:
    """Return every received name that can be typed, with a sample of its value."""
    names: dict[str, str] = {}
    for name, value in received:
        pattern = item_pattern(name) if of_items else name
        if pattern and pattern.isprintable() and len(pattern) <= _LONGEST_CHOICE and not names.get(pattern):
            names[pattern] = value.strip()[:_LONGEST_SAMPLE]
    return names
