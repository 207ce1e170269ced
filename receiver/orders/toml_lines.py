"""A rule of a mapping as the line of config.toml that says it."""

from __future__ import annotations

import json
import re

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def toml_line(field: str, rule: object) -> str:
    """Return the line for a field's rule, such as ``total = {from = "Sum", decimal = ","}``."""
    return f"{_key(field)} = {_value(rule)}"


def _value(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(name)} = {_value(one)}" for name, one in value.items()) + "}"
    # JSON writes text and lists as TOML does, but for one control character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _value(name)
