"""The request of the registrar ``http``: the table that says how it's made, and the checks of its parts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from receiver.customers.registrars import placeholders
from receiver.customers.registrars.placeholders import Template
from receiver.errors import ConfigurationError
from receiver.security import addresses

_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")
#: Headers that the call sets itself.
_OWN = {"content-type", "content-length", "host", "transfer-encoding", "connection"}


class HttpSettings(BaseModel, strict=True):
    """The table ``[registrar]``."""

    url: str = Field(description="the address that the website takes new customers at")
    method: Literal["POST", "PUT", "PATCH"] = Field("POST", description="one of POST, PUT, PATCH")
    headers: dict[str, Any] = Field({}, description='a table, such as {Authorization = "Bearer ${WEBSITE_TOKEN}"}')
    body: dict[str, Any] = Field(min_length=1, description="what is sent: [registrar.body]")
    exists: list[Annotated[int, Field(ge=400, le=599)] | Annotated[str, Field(min_length=1)]] = Field(
        [],
        description="a list of statuses from 400 to 599, or of texts in the answer, that say that the customer is "
        'there already: [409, "existing_user"]',
    )
    allow_private: bool = Field(False, description="true or false")


def check_url(url: str, *, allow_private: bool) -> None:
    """Raise ConfigurationError unless it's an https URL; a website inside your own network may speak http."""
    try:
        addresses.check_url(url, https_only=not allow_private, allow_private=allow_private)
    except ConfigurationError as error:
        hint = "" if allow_private else " For a website inside your own network, say allow_private = true."
        raise ConfigurationError(f"url: {error}{hint}") from error


def headers(given: Mapping[str, Any], environment: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the headers, and what in them is secret: all that comes from the environment."""
    found, secrets = {}, list[str]()
    for name, value in given.items():
        key = f"headers.{name}"
        if not _HEADER.fullmatch(name) or name.lower() in _OWN:
            raise ConfigurationError(f"{key} is no header that can be set.")
        if not isinstance(value, str):
            raise ConfigurationError(f"{key} must be text.")
        found[name] = placeholders.from_environment(value, key, environment)
        if not (found[name].isascii() and found[name].isprintable()):
            raise ConfigurationError(f"{key} must be one line of visible ASCII.")
        secrets += [environment[variable] for variable in placeholders.variables(value) if environment[variable]]
    return found, secrets


def body(table: Mapping[str, Any]) -> Any:
    """Return the body with its texts read as templates; raises ConfigurationError naming the key at fault."""
    templates: list[Template] = []
    parsed = _parsed(table, "body", templates)
    if not any("email" in template.fields for template in templates):
        raise ConfigurationError('body has "{email}" nowhere, by which the website would know the customer.')
    return parsed


def _parsed(node: Any, key: str, templates: list[Template]) -> Any:
    match node:
        case dict():
            return {name: _parsed(value, f"{key}.{name}", templates) for name, value in node.items()}
        case list():
            return [_parsed(value, f"{key}[{number}]", templates) for number, value in enumerate(node)]
        case bool() | int() | float():
            return node
        case str():
            templates.append(placeholders.parsed(node, key))
            return templates[-1]
    raise ConfigurationError(f"{key} must be text, a number, true or false, a list or a table.")
