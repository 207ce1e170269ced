"""Read one line of a mapping table as a rule that feeds one field of an order, and write one as TOML."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from receiver.errors import ConfigurationError
from receiver.orders.conversions import date_text, decimal_text
from receiver.orders.names import KINDS, kind_of, target_of

_KEYS = frozenset({"from", "value", "date", "zone", "decimal", "words"})
#: The path that a mapping table names -> part and field of the order.
_SLOTS = {target_of(slot): slot for slot in KINDS}
#: Fields that tell copies of one order from other orders.
_UNIQUE = {("order", "order_id"), ("order", "event_id")}
#: Tries a date's form. One without year, month or day gives another day back: Python fills in 1900-01-01.
_A_DAY = datetime(2026, 11, 23, 14, 5, 9, tzinfo=UTC)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_CONTROL = re.compile(r"[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_ROW_MARK = re.compile(r"\{n\}|\[\]")


@dataclass(frozen=True)
class Rule:
    """A rule that fills a field from its first parameter that isn't empty, or else from a constant."""

    part: str
    field: str
    #: Names of parameters; for an item's field they hold ``{n}`` or ``[]`` where the number stands.
    names: tuple[str, ...] = ()
    constant: str | None = None
    #: A strptime form.
    date: str | None = None
    zone: ZoneInfo | None = None
    #: What separates the decimals.
    decimal: str | None = None
    #: Foreign word in small letters -> ours.
    words: tuple[tuple[str, str], ...] = ()

    @property
    def is_of_items(self) -> bool:
        """Return whether the rule feeds one field per item."""
        return self.part in ("items", "options")

    @property
    def slot(self) -> tuple[str, str]:
        """The part and the field that the rule feeds."""
        return self.part, self.field

    @property
    def target(self) -> str:
        """The path that the mapping table names, such as ``items[].name``."""
        return target_of(self.slot)

    def convert(self, value: str) -> str:
        """Return the value in the contract's form, or as it came when it cannot be converted."""
        value = value.strip()
        word = dict(self.words).get(value.lower())
        if word is not None:
            return word
        if self.decimal is not None:
            return decimal_text(value, self.decimal)
        return value if self.date is None else date_text(value, self.date, self.zone or ZoneInfo("UTC"))


def make_rule(target: str, spec: object) -> Rule:
    """Make the rule for one line of ``[sources.<name>.fields]``; ConfigurationError names the line."""
    try:
        part, field = _slot(target)
        table = _as_table(spec)
        constant, date, zone, decimal = (_text(table, key) for key in ("value", "date", "zone", "decimal"))
        rule = Rule(
            part,
            field,
            names=_names(table),
            constant=constant,
            date=date,
            zone=_zone(zone),
            decimal=decimal,
            words=_words(table),
        )
        _check(rule)
    except ValueError as error:
        raise ConfigurationError(f'fields."{target}" {error}') from error
    return rule


def _slot(target: str) -> tuple[str, str]:
    for prefix, part in (("items[].options.", "options"), ("custom.", "custom")):
        if target.startswith(prefix) and target != prefix:
            return part, target.removeprefix(prefix)
    if target not in _SLOTS:
        raise ValueError(
            "is no field of an order: write a JSON path of the order guide, such as order_id, and in quotation marks "
            'what is not a word: "customer.email", "items[].name", "custom.anything"'
        )
    return _SLOTS[target]


def _as_table(spec: object) -> dict[str, Any]:
    if isinstance(spec, str | list):
        return {"from": spec}
    if not isinstance(spec, dict):
        raise ValueError('must be a name, a list of names or a table such as {from = "Total", decimal = ","}')
    if not spec.keys() <= _KEYS:
        raise ValueError(f"knows {', '.join(sorted(_KEYS))}; remove {min(spec.keys() - _KEYS)!r}")
    if not spec.keys() & {"from", "value"}:
        raise ValueError('needs from = "the parameter\'s name" or value = "a constant"')
    return spec


def _names(table: dict[str, Any]) -> tuple[str, ...]:
    given = table.get("from", [])
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise ValueError("needs a parameter's name or a list of names")
    if not names and "value" not in table:
        raise ValueError("names no parameter")
    return tuple(names)


def _text(table: dict[str, Any], key: str) -> str | None:
    text = table.get(key)
    if text is not None and not isinstance(text, str):
        raise ValueError(f"needs {key} as text, in quotation marks")
    return text


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return None if name is None else ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError('needs zone as a name such as "Europe/London"') from error


def _words(table: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    words = table.get("words", {})
    if not isinstance(words, dict) or not all(isinstance(word, str) for word in words.values()):
        raise ValueError('needs words as a table such as {UK = "GB"}')
    return tuple((foreign.strip().lower(), ours) for foreign, ours in words.items())


def _check(rule: Rule) -> None:
    kind = kind_of(rule.slot)
    if rule.date is not None:
        _check_date(kind.name, rule.date)
    elif rule.zone is not None:
        raise ValueError('has a zone but no date = "…" that it belongs to')
    if rule.decimal not in (None, ".", ","):
        raise ValueError('needs decimal = "," or decimal = "."')
    if rule.decimal is not None and kind.name not in ("amount", "whole number"):
        raise ValueError("is no amount; remove decimal")
    for name in rule.names:
        marks = len(_ROW_MARK.findall(name))
        if rule.is_of_items and marks != 1:
            raise ValueError('needs {n} or [] once where the number stands: "Product{n}Name", "lines[].title"')
        if not rule.is_of_items and ("{n}" in name or "[]." in name):
            raise ValueError("holds {n} or [], which stands for the number of an item")
    if rule.constant is not None:
        if rule.slot in _UNIQUE:
            raise ValueError("tells one order from another, so no constant can stand for it; remove value")
        kind.read(rule.constant)


def _check_date(kind: str, form: str) -> None:
    if kind != "date":
        raise ValueError("is no date; remove date")
    if "%Z" in form:
        raise ValueError("takes no %Z, since a zone's short name is not read: use %z for an offset, or zone")
    try:
        is_whole = datetime.strptime(_A_DAY.strftime(form), form).replace(tzinfo=UTC).date() == _A_DAY.date()
    except (ValueError, re.error):
        is_whole = False
    if not is_whole:
        raise ValueError('needs date in strptime\'s form with year, month and day, such as "%d/%m/%Y"')


def toml_line(field: str, rule: object) -> str:
    """Return the line for a field's rule, such as ``total = {from = "Sum", decimal = ","}``."""
    return f"{_toml_key(field)} = {_toml(rule)}"


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml_key(name)} = {_toml(one)}" for name, one in value.items()) + "}"
    # JSON writes text and lists as TOML does, but for these control characters.
    return _CONTROL.sub(lambda sign: f"\\u{ord(sign[0]):04x}", json.dumps(value, ensure_ascii=False))


def _toml_key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _toml(name)
