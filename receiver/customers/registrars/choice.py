"""Which registrar the settings choose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from receiver.customers.registrars import Registrar
from receiver.customers.registrars.http import HttpRegistrar
from receiver.customers.registrars.sql import SqlRegistrar
from receiver.errors import ConfigurationError

_REGISTRARS: dict[str, Callable[[Mapping[str, Any], Mapping[str, str]], Registrar]] = {
    "sql": SqlRegistrar,
    "http": HttpRegistrar,
}


def account_url(settings: Mapping[str, Any]) -> str:
    """Give the page where customers see their account at the merchant's website; empty when the accounts are here."""
    return "" if settings["REGISTRAR"] == "accounts" else str(settings["ACCOUNT_URL"])


def chosen(name: str, table: Any, environment: Mapping[str, str]) -> tuple[Registrar | None, list[str]]:
    """Build the registrar of this name from ``[registrar]``, and say what is wrong with it; None tells no website."""
    if name not in _REGISTRARS:
        return None, []
    if not isinstance(table, dict) or not table:
        return None, [f'REGISTRAR is "{name}", so config.toml needs a table [registrar]; see docs/registering.md.']
    try:
        return _REGISTRARS[name](table, environment), []
    except ConfigurationError as error:
        return None, [f"[registrar] in config.toml: {error}"]
