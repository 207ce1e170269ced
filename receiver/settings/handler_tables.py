"""The tables ``[handlers.NAME]`` as they're given: by the file, by the environment, and by older names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TABLES = "handlers"
#: Older names of handlers' own settings, each with the handler and the key in its table that it feeds.
ALIASES = {
    "CSV_FILE": ("append_csv", "file"),
    "CSV_ROWS": ("append_csv", "rows"),
    "CSV_BOM": ("append_csv", "bom"),
    "CHAT_URL": ("notify_chat", "url"),
    "CHAT_KIND": ("notify_chat", "kind"),
    "CHAT_NAMES_CUSTOMER": ("notify_chat", "names_customer"),
    "FORWARD_URLS": ("forward", "urls"),
}
#: How a key of a table begins in the environment, as in HANDLERS__APPEND_CSV__FILE.
IN_ENVIRONMENT = "HANDLERS__"


def with_tables(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings with older names moved into the handlers' tables; a table's own value wins.

    An older name that is empty counts as not given, and so does None in a table.
    """
    found = {name: value for name, value in given.items() if name not in ALIASES}
    tables = found.get(TABLES, {})
    for name, (handler, key) in ALIASES.items():
        if name in given and isinstance(tables, dict) and isinstance(table := tables.get(handler, {}), dict):
            value = None if given[name] in ("", [], ()) else given[name]
            tables = {**tables, handler: {key: value, **table}}
    return {**found, TABLES: tables} if tables else found


def of_environment(variables: Mapping[str, str]) -> dict[str, Any]:
    """Return the tables of the environment, whose variables are given without their prefix."""
    tables: dict[str, Any] = {}
    for name, text in variables.items():
        if name.startswith(IN_ENVIRONMENT):
            handler, _, key = name.removeprefix(IN_ENVIRONMENT).lower().rpartition("__")
            tables.setdefault(handler, {})[key] = text
    aliases = {name: variables[name] for name in ALIASES.keys() & variables}
    return with_tables({**aliases, TABLES: tables} if tables else aliases)
