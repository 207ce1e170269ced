"""The request of the registrar ``http``: its table, checked once, and its body for each customer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from receiver.customers.registrars import Fields, placeholders
from receiver.customers.registrars.placeholders import Template
from receiver.errors import ConfigurationError
from receiver.security.addresses import check_url

_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")
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


@dataclass(frozen=True, kw_only=True)
class Request:
    """The HTTP call that registers one customer."""

    url: str
    method: str
    headers: Mapping[str, str] = field(repr=False)
    #: What was read from the environment, never to be shown.
    secrets: tuple[str, ...] = field(repr=False)
    template: Any
    #: Statuses, and texts of an answer, that say that the customer is there already.
    exists: Sequence[int | str]
    allow_private: bool

    def body(self, customer: Fields) -> bytes:
        """Return the JSON body for one customer; what is not known is left out of it."""
        return json.dumps(_filled(self.template, customer), default=datetime.isoformat).encode()


def read(settings: HttpSettings, environment: Mapping[str, str]) -> Request:
    """Read what needs more than its kind looked at; raises ConfigurationError naming the key at fault."""
    _check_url(settings.url, allow_private=settings.allow_private)
    headers, secrets = _headers(settings.headers, environment)
    return Request(
        url=settings.url,
        method=settings.method,
        headers=headers,
        secrets=secrets,
        template=_template(settings.body),
        exists=settings.exists,
        allow_private=settings.allow_private,
    )


def _check_url(url: str, *, allow_private: bool) -> None:
    """Want an https URL; a website inside one's own network may speak http."""
    try:
        check_url(url, https_only=not allow_private, allow_private=allow_private)
    except ConfigurationError as error:
        hint = "" if allow_private else " For a website inside your own network, say allow_private = true."
        raise ConfigurationError(f"url: {error}{hint}") from error


def _headers(headers: Mapping[str, Any], environment: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
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


def _template(body: Mapping[str, Any]) -> Any:
    template = _parsed(body, "body")
    if not any("email" in leaf.fields for leaf in _leaves(template)):
        raise ConfigurationError('body has "{email}" nowhere, by which the website would know the customer.')
    return template


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
