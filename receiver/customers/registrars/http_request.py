"""The request of the registrar ``http``: its table, checked once, and its body for each customer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from receiver.customers.registrars import Fields, placeholders
from receiver.customers.registrars.placeholders import Template
from receiver.errors import ConfigurationError
from receiver.security.addresses import check_url

#: What `[registrar]` may hold.
KEYS = {"url", "method", "headers", "body", "exists", "allow_private"}
_METHODS = ("POST", "PUT", "PATCH")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")
_OWN = {"content-type", "content-length", "host", "transfer-encoding", "connection"}


@dataclass(frozen=True, kw_only=True)
class Request:
    """Describes the call that makes one customer known."""

    url: str
    method: str
    headers: Mapping[str, str] = field(repr=False)
    #: What was read from the environment, never to be shown.
    secrets: tuple[str, ...] = field(repr=False)
    template: Any
    #: Statuses, and texts of an answer, that say that the customer is there already.
    exists: tuple[int | str, ...]
    allow_private: bool

    def body(self, customer: Fields) -> bytes:
        """Give the JSON body for one customer; what is not known is left out of it."""
        return json.dumps(_filled(self.template, customer), default=datetime.isoformat).encode()


def read(table: Mapping[str, Any], environment: Mapping[str, str]) -> Request:
    """Read ``[registrar]``; raises ConfigurationError naming the key at fault."""
    allow_private = table.get("allow_private", False)
    if not isinstance(allow_private, bool):
        raise ConfigurationError("allow_private must be true or false.")
    method = table.get("method", "POST")
    if method not in _METHODS:
        raise ConfigurationError(f"method must be one of {', '.join(_METHODS)}.")
    headers, secrets = _headers(table.get("headers", {}), environment)
    return Request(
        url=_url(table.get("url"), allow_private=allow_private),
        method=method,
        headers=headers,
        secrets=secrets,
        template=_template(table.get("body")),
        exists=_exists(table.get("exists", [])),
        allow_private=allow_private,
    )


def _url(url: Any, *, allow_private: bool) -> str:
    """Want an https URL; a website inside one's own network may speak http."""
    if not isinstance(url, str):
        raise ConfigurationError("url must be the address that the website takes new customers at.")
    try:
        check_url(url, https_only=not allow_private, allow_private=allow_private)
    except ConfigurationError as error:
        hint = "" if allow_private else " For a website inside your own network, say allow_private = true."
        raise ConfigurationError(f"url: {error}{hint}") from error
    return url


def _headers(headers: Any, environment: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    if not isinstance(headers, dict):
        raise ConfigurationError('headers must be a table, such as {Authorization = "Bearer ${WEBSITE_TOKEN}"}.')
    found, secrets = {}, []
    for name, value in headers.items():
        if not _HEADER.fullmatch(name) or name.lower() in _OWN:
            raise ConfigurationError(f"headers.{name} is no header that can be set.")
        if not isinstance(value, str):
            raise ConfigurationError(f"headers.{name} must be text.")
        try:
            found[name] = placeholders.from_environment(value, environment)
        except ConfigurationError as error:
            raise ConfigurationError(f"headers.{name} {error}") from error
        if not (found[name].isascii() and found[name].isprintable()):
            raise ConfigurationError(f"headers.{name} must be one line of visible ASCII.")
        secrets += [environment[variable] for variable in placeholders.variables(value) if environment[variable]]
    return found, tuple(secrets)


def _template(body: Any) -> Any:
    if not isinstance(body, dict) or not body:
        raise ConfigurationError("body must say what is sent: [registrar.body].")
    template = _parsed(body, "body")
    if not any("email" in leaf.fields for leaf in _leaves(template)):
        raise ConfigurationError('body has "{email}" nowhere, by which the website would know the customer.')
    return template


def _exists(exists: Any) -> tuple[int | str, ...]:
    if not isinstance(exists, list) or not all(_says_exists(one) for one in exists):
        raise ConfigurationError(
            "exists must be a list of statuses from 400 to 599, or of texts in the answer, "
            'that say that the customer is there already: [409, "existing_user"].'
        )
    return tuple(exists)


def _says_exists(one: Any) -> bool:
    return (isinstance(one, str) and one != "") or (type(one) is int and 400 <= one <= 599)


def _parsed(node: Any, where: str) -> Any:
    """Read all texts of a body as templates."""
    match node:
        case dict():
            return {name: _parsed(value, f"{where}.{name}") for name, value in node.items()}
        case list():
            return [_parsed(value, f"{where}[{number}]") for number, value in enumerate(node)]
        case bool() | int() | float():
            return node
        case str():
            try:
                return placeholders.parsed(node)
            except ConfigurationError as error:
                raise ConfigurationError(f"{where} {error}") from error
    raise ConfigurationError(f"{where} must be text, a number, true or false, a list or a table.")


def _leaves(node: Any) -> Iterator[Template]:
    match node:
        case Template():
            yield node
        case dict():
            for value in node.values():
                yield from _leaves(value)
        case list():
            for value in node:
                yield from _leaves(value)


def _filled(node: Any, customer: Fields) -> Any:
    match node:
        case Template():
            return node.fill(customer)
        case dict():
            values = {name: _filled(value, customer) for name, value in node.items()}
            return {name: value for name, value in values.items() if value is not None}
        case list():
            return [value for one in node if (value := _filled(one, customer)) is not None]
    return node
