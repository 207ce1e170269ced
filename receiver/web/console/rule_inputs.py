"""The inputs of one row of Map parameters: a rule of config.toml as texts, and the texts as a rule."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from typing import Any

from receiver.errors import ConfigurationError
from receiver.orders.toml_lines import toml_line

#: The inputs of a row, each named ``<field>:<input>``.
INPUTS = ("from", "other", "value", "decimal", "date", "zone", "words", "more")
#: Inputs that are keys of a rule with one text each.
_KEYS = ("value", "decimal", "date", "zone")


def inputs_of(rule: Any) -> dict[str, str]:
    """Return what a rule is as the text of a row's inputs."""
    table = rule if isinstance(rule, dict) else {"from": rule}
    names = table.get("from", [])
    names = [names] if isinstance(names, str) else names
    own = {name: table[name] for name in _KEYS if isinstance(table.get(name), str)}
    inputs = dict.fromkeys(INPUTS, "") | own
    inputs["from"] = json.dumps(names) if names else ""
    inputs["words"] = "\n".join(f"{foreign} = {ours}" for foreign, ours in table.get("words", {}).items())
    more = {name: value for name, value in table.items() if name not in {"from", "words", *own}}
    inputs["more"] = toml_line("more", more).removeprefix("more = {").removesuffix("}")
    return inputs


def rule_of(inputs: Mapping[str, str]) -> Any:
    """Return the rule of one row's inputs; None when nothing is filled in. Raises ConfigurationError."""
    names = [inputs["other"]] if inputs["other"] else chosen(inputs["from"])
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
        table |= _more(inputs["more"])
    if inputs["value"]:
        table["value"] = inputs["value"]
    return table["from"] if table.keys() == {"from"} else table


def chosen(key: str) -> list[str] | None:
    """Return the names in an option's value; None for a value that isn't one of the page's."""
    try:
        names = json.loads(key or "[]")
    except (ValueError, RecursionError):
        return None
    return names if isinstance(names, list) and all(isinstance(name, str) and name for name in names) else None


def _more(text: str) -> dict[str, Any]:
    """Return the keys that are written as in config.toml."""
    try:
        table = tomllib.loads(f"more = {{{text}}}")
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigurationError('needs its other keys as in config.toml, such as "minor = true"') from error
    more = table["more"]
    if table.keys() != {"more"} or not isinstance(more, dict) or "from" in more:
        raise ConfigurationError('needs its other keys as in config.toml, such as "minor = true"')
    return more


def _words(text: str) -> dict[str, str]:
    words = {}
    for line in filter(str.strip, text.splitlines()):
        foreign, _, ours = map(str.strip, line.rpartition("="))
        if not (foreign and ours):
            raise ConfigurationError('needs one pair of words per line, such as "UK = GB"')
        words[foreign] = ours
    return words
