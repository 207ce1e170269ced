"""Read one line of a mapping table as a rule."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from receiver.errors import ConfigurationError
from receiver.orders.documents import compiled
from receiver.orders.mapping_rules import Rule
from receiver.orders.names import KINDS, kind_of, target_of

_TEXTS = ("value", "zone", "epoch", "decimal", "divide", "join", "split", "other", "present")
_FLAGS = ("minor", "round", "negate", "sum")
_KEYS = frozenset({"from", "date", "words", "when", "name", "values", *_TEXTS, *_FLAGS})
_AMOUNTS = frozenset({"amount", "number"})
_ONE_OF = {"decimal": (".", ","), "epoch": ("s", "ms"), "split": ("first", "last")}
#: The path that a mapping table names -> part and field of the order.
_SLOTS = {target_of(slot): slot for slot in KINDS}
#: Ids. If a constant filled one, every order would be taken for a copy of the first.
_UNIQUE = {("order", "order_id"), ("order", "event_id")}
#: Written and read back to check a date format. One without year, month or day gives another day back: strptime fills
#: in 1900-01-01.
_A_DAY = datetime(2026, 11, 23, 14, 5, 9, tzinfo=UTC)
_ROW_MARK = re.compile(r"\{n\}|\[\]")


def make_rule(target: str, spec: object) -> Rule:
    """Return the rule for one line of ``[sources.<name>.fields]``. Raises ConfigurationError, which names the line."""
    try:
        part, field = _slot(target)
        table = _as_table(spec)
        text = {key: _text(table, key) for key in _TEXTS}
        flag = {key: _flag(table, key) for key in _FLAGS}
        rule = Rule(
            part,
            field,
            names=_names(table),
            constant=text["value"],
            dates=_texts(table, "date"),
            zone=_zone(text["zone"]),
            epoch=text["epoch"],
            decimal=text["decimal"],
            minor=flag["minor"],
            rounds=flag["round"],
            negates=flag["negate"],
            divisor=text["divide"],
            sums=flag["sum"],
            joint=text["join"],
            split=text["split"],
            words=_words(table),
            other=text["other"],
            present=text["present"],
            when=_when(table),
            pair=_pair(table) if (part, field) == ("items", "options") else None,
        )
        for key, allowed in _ONE_OF.items():
            if text[key] not in (None, *allowed):
                raise ValueError(f"needs {key} = " + " or ".join(f'"{one}"' for one in allowed))
        _check(rule)
    except ValueError as error:
        raise ConfigurationError(f'fields."{target}" {error}') from error
    return rule


def check_rows(selector: object) -> str | None:
    """Return the JSONPath that selects the items' rows, or None. Raises ConfigurationError if it isn't one."""
    try:
        if selector is not None and not (isinstance(selector, str) and selector.startswith("$")):
            raise ValueError('needs a JSONPath that selects its rows, such as "$.lines[*]"')
        if isinstance(selector, str):
            compiled(selector)
    except ValueError as error:
        raise ConfigurationError(f'fields."items" {error}') from error
    return selector


def _slot(target: str) -> tuple[str, str]:
    for prefix, part in (("items[].options.", "options"), ("custom.", "custom")):
        if target.startswith(prefix) and target != prefix:
            return part, target.removeprefix(prefix)
    if target not in _SLOTS:
        raise ValueError(
            "isn't a field of an order: write a JSON path from the order guide, such as order_id. One with dots or "
            'brackets needs quotation marks: "customer.email", "items[].name", "custom.anything"'
        )
    return _SLOTS[target]


def _as_table(spec: object) -> dict[str, Any]:
    if isinstance(spec, str | list):
        return {"from": spec}
    if not isinstance(spec, dict):
        raise ValueError('must be a name, a list of names or a table such as {from = "Total", decimal = ","}')
    if not spec.keys() <= _KEYS:
        raise ValueError(f"can only have {', '.join(sorted(_KEYS))}; remove {min(spec.keys() - _KEYS)!r}")
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


def _texts(table: dict[str, Any], key: str) -> tuple[str, ...]:
    given = table.get(key, [])
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"needs {key} as text or a list of texts")
    return tuple(texts)


def _pair(table: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the keys that may hold an option's name, and those that may hold its value."""
    return _texts(table, "name") or ("name",), _texts(table, "values") or ("value",)


def _flag(table: dict[str, Any], key: str) -> bool:
    flag = table.get(key, False)
    if not isinstance(flag, bool):
        raise ValueError(f"needs {key} = true or false")
    return flag


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


def _when(table: dict[str, Any]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    conditions = table.get("when", {})
    if not isinstance(conditions, dict):
        raise ValueError('needs when as a table such as {type = "order.paid"}')
    return tuple((name, tuple(word.lower() for word in _texts(conditions, name))) for name in conditions)


def _check(rule: Rule) -> None:
    kind = kind_of(rule.slot)
    if rule.dates or rule.epoch:
        _check_dates(kind.name, rule.dates)
    elif rule.zone is not None:
        raise ValueError('has a zone, which is only for a date: add date = "…"')
    of_amounts = {
        "decimal": rule.decimal,
        "minor": rule.minor,
        "round": rule.rounds,
        "negate": rule.negates,
        "divide": rule.divisor,
        "sum": rule.sums,
    }
    for key, value in of_amounts.items():
        if value and kind.name not in _AMOUNTS:
            raise ValueError(f"isn't an amount; remove {key}")
    for name in rule.looks_at:
        _check_name(rule, name)
    if rule.constant is not None:
        if rule.slot in _UNIQUE:
            raise ValueError("must differ from order to order, so it can't be a constant; remove value")
        kind.read(rule.constant)


def _check_name(rule: Rule, name: str) -> None:
    """Raise ValueError for a parameter's name that can't feed this field."""
    if name[0] in "$@":
        compiled(f"${name[1:]}".replace("{n}", "0"))
    marks = len(_ROW_MARK.findall(name))
    if rule.is_of_items and name[0] not in "$@" and name in rule.names and marks != 1:
        raise ValueError('needs {n} or [] once, in place of the number of the item: "Product{n}Name", "lines[].title"')
    if not rule.is_of_items and (name[0] == "@" or "{n}" in name or "[]." in name):
        raise ValueError("isn't one of the items' fields, so it can't use {n} or [] (an item's number) or @ (its row)")


def _check_dates(kind: str, forms: tuple[str, ...]) -> None:
    if kind != "date":
        raise ValueError("isn't a date; remove date")
    for form in forms:
        without_word = form.removesuffix("%Z")
        if "%Z" in without_word:
            raise ValueError("can have %Z, a zone's short name, only at the end of date")
        try:
            written = _A_DAY.strftime(without_word)
            is_whole = datetime.strptime(written, without_word).replace(tzinfo=UTC).date() == _A_DAY.date()
        except (ValueError, re.error):
            is_whole = False
        if not is_whole:
            raise ValueError('needs date as a strptime format with year, month and day, such as "%d/%m/%Y"')
