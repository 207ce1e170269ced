"""Which registrar the settings choose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from receiver.customers.registrars import Registrar, http_request, sql
from receiver.customers.registrars.http import HttpRegistrar
from receiver.customers.registrars.sql import SqlRegistrar
from receiver.errors import ConfigurationError
from receiver.settings import reading
from receiver.settings.model import Settings

_KEYS = {"sql": sql.KEYS, "http": http_request.KEYS}
_REGISTRARS: dict[str, Callable[[Mapping[str, Any], Mapping[str, str]], Registrar]] = {
    "sql": SqlRegistrar,
    "http": HttpRegistrar,
}


def account_url(registrar: str, url: str) -> str:
    """Give the page where customers see their account at the merchant's website; empty when the accounts are here."""
    return "" if registrar == "accounts" else url


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


def without_effect(settings: Settings) -> list[str]:
    """Say of each key of ``[registrar]`` that is none of the chosen registrar's that it has no effect."""
    name, table = settings.REGISTRAR, settings.registrar
    if name not in _KEYS or not isinstance(table, dict):
        return []
    return [f"[registrar] in config.toml {said}" for said in reading.without_effect(table, sorted(_KEYS[name]))]
