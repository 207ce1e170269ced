"""The table of a saved source as text, in the form of config.toml, and such a text as a table."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from receiver.errors import ConfigurationError
from receiver.orders.toml_lines import toml_line
from receiver.sources import tables
from receiver.sources.saved_options import ACCEPT_CHUNKED_FORMS

#: Where what else a table of config.toml may hold is changed.
_ELSEWHERE = {
    "kind": "The kind stays as it was added; remove the source and add it again.",
    "secrets": "Secrets are entered above, so that they're encrypted.",
    ACCEPT_CHUNKED_FORMS: "Chunked forms are accepted under Received → Parked.",
}
#: What the text may hold; ``fields`` are the rules of the mapping.
KEYS = tuple(key for key in tables.KEYS if key not in _ELSEWHERE)


def text_of(table: Mapping[str, Any], fields: Mapping[str, Any]) -> str:
    """Return a table without its kind, and the rules of its mapping, as lines of TOML."""
    lines = [toml_line(name, value) for name, value in table.items() if name in KEYS]
    rules = [toml_line(field, rule) for field, rule in fields.items()]
    return "\n".join([*lines, *(["", "[fields]"] if rules and lines else ["[fields]"] if rules else []), *rules])


def table_of(text: str, name: str) -> dict[str, Any]:
    """Return the table that a text holds, also below the headings that it has in config.toml.

    Raises ConfigurationError, which names what's wrong and repeats no value.
    """
    try:
        table: Any = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        why = "it's nested too deeply" if isinstance(error, RecursionError) else error
        raise ConfigurationError(f"This isn't written as in config.toml: {why}.") from error
    if table.keys() == {"sources"} and isinstance(table["sources"], dict) and table["sources"].keys() == {name}:
        table = table["sources"][name]
    if not isinstance(table, dict):
        raise ConfigurationError("This isn't a table.")
    for key in table:
        if key in _ELSEWHERE:
            raise ConfigurationError(_ELSEWHERE[key])
        if key not in KEYS:
            raise ConfigurationError(f"{key[:40]} has no meaning here; it may hold: {', '.join(KEYS)}.")
    return table
