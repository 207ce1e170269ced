"""The form of Map parameters: rules as rows of inputs, and inputs as rules again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from receiver import orders
from receiver.errors import ConfigurationError
from receiver.orders import Suggestion
from receiver.orders.names import KINDS, PARTS, target_of
from receiver.orders.toml_lines import toml_line

#: Parts of an order with what they are called, and the fields that most orders need; the others are folded away.
GROUPS = (
    ("order", "Order", ("order_id", "order_date", "currency", "total")),
    ("customer", "Customer", ("email", "first_name", "last_name")),
    ("items", "Items", ("name", "quantity", "unit_price")),
    ("billing", "Billing address", ("name", "line1", "city", "postcode", "country")),
    ("shipping", "Shipping address", ("name", "line1", "city", "postcode", "country")),
    ("own", "The shop's own fields", ()),
)
#: The inputs of a row, each named ``<field>:<input>``.
_INPUTS = ("from", "other", "value", "decimal", "date", "zone", "words")
_WORDY = frozenset({"country", "currency", "boolean", "locale"})
_STATUSES = frozenset({"order_status", "payment_status"})


@dataclass
class Row:
    """One field of an order with what is filled in for it."""

    #: Its path, such as ``items[].name``.
    field: str
    #: Its part of an order, or "own" for a field of the shop's own.
    part: str
    meaning: str
    kind: str
    is_main: bool
    #: What is filled in, by input.
    inputs: dict[str, str]
    #: The rule of config.toml, which cannot be changed here.
    from_file: str = ""
    #: Whether it is filled in by a suggestion; and what to check about it.
    is_suggested: bool = False
    note: str = ""
    error: str = ""

    @property
    def names(self) -> list[str]:
        """The received names that are chosen."""
        return _chosen(self.inputs["from"]) or []

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
        return any(self.inputs[name] for name in _INPUTS if name != "from")

    @property
    def is_folded(self) -> bool:
        """Return whether it can start folded away."""
        return not (self.is_main or self.from_file or self.error or any(self.inputs.values()))


def rows(
    from_file: Mapping[str, Any], saved: Mapping[str, Any], suggestions: Iterable[Suggestion] = ()
) -> dict[str, Row]:
    """Make the rows by field: what is saved is filled in, and for the others what is suggested."""
    suggested = {one.field: one for one in suggestions if one.field not in from_file}
    made = {row.field: row for row in _empty_rows([*from_file, *saved])}
    for field, rule in from_file.items():
        made[field].from_file = toml_line(field, rule)
    for field, rule in saved.items():
        made[field].inputs = _inputs_of(rule)
    for field, one in suggested.items():
        made[field].is_suggested = field not in saved
        made[field].note = f"suggested instead: {one.as_toml()}" if field in saved else one.note or ""
        if field not in saved:
            made[field].inputs = _inputs_of(one.rule)
    return made


def fill_in(made: Mapping[str, Row], form: Mapping[str, str]) -> dict[str, Any]:
    """Fill the rows in as they were sent, and give the rules; a row that makes none has its error."""
    rules: dict[str, Any] = {}
    for field, row in made.items():
        if row.from_file:
            continue
        row.inputs = {name: form.get(f"{field}:{name}", "").strip() for name in _INPUTS}
        row.is_suggested, row.note = False, ""
        try:
            rule = _rule_of(row.inputs)
            if rule is not None:
                orders.Mapping.from_table({field: rule})
                rules[field] = rule
        except ConfigurationError as error:
            row.error = str(error).removeprefix(f'fields."{field}" ')
    return rules


def _empty_rows(known: Iterable[str]) -> list[Row]:
    main = {(part, field) for part, _, fields in GROUPS for field in fields}
    made = [
        Row(
            target_of(slot),
            slot[0],
            PARTS[slot[0]].model_fields[slot[1]].description or "",
            kind.name,
            slot in main,
            dict.fromkeys(_INPUTS, ""),
        )
        for slot, kind in KINDS.items()
    ]
    ours = {row.field for row in made}
    return made + [
        Row(field, "own", "Passed to handlers unchanged.", "text", True, dict.fromkeys(_INPUTS, ""))
        for field in dict.fromkeys(known)
        if field not in ours
    ]


def _inputs_of(rule: Any) -> dict[str, str]:
    table = rule if isinstance(rule, dict) else {"from": rule}
    names = table.get("from", [])
    names = [names] if isinstance(names, str) else names
    inputs = {name: str(table.get(name, "")) for name in _INPUTS}
    inputs["from"] = json.dumps(names) if names else ""
    inputs["words"] = "\n".join(f"{foreign} = {ours}" for foreign, ours in table.get("words", {}).items())
    return inputs


def _rule_of(inputs: Mapping[str, str]) -> Any:
    """Make the rule of one row's inputs; None when nothing is filled in. Raises ConfigurationError."""
    names = [inputs["other"]] if inputs["other"] else _chosen(inputs["from"])
    if names is None:
        raise ConfigurationError("has a name that isn't in the list; choose one")
    if not names and not inputs["value"]:
        return None
    table: dict[str, Any] = {}
    if names:
        table["from"] = names if len(names) > 1 else names[0]
        table |= {name: inputs[name] for name in ("decimal", "date", "zone") if inputs[name]}
        if inputs["words"]:
            table["words"] = _words(inputs["words"])
    if inputs["value"]:
        table["value"] = inputs["value"]
    return table["from"] if table.keys() == {"from"} else table


def _chosen(key: str) -> list[str] | None:
    """Read an option's value; None when it is none of the page's."""
    try:
        names = json.loads(key or "[]")
    except (ValueError, RecursionError):
        return None
    return names if isinstance(names, list) and all(isinstance(name, str) and name for name in names) else None


def _words(text: str) -> dict[str, str]:
    words = {}
    for line in text.splitlines():
        foreign, equals, ours = line.rpartition("=")
        if line.strip() and not (equals and foreign.strip() and ours.strip()):
            raise ConfigurationError('needs one pair of words per line, such as "UK = GB"')
        if line.strip():
            words[foreign.strip()] = ours.strip()
    return words
