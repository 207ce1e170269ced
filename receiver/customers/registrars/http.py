"""The registrar ``http``: one call of the website's own API for each customer."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field
from urllib3.exceptions import HTTPError

from receiver.customers.registrars import Fields, NotRegistered, placeholders, registrar
from receiver.customers.registrars.placeholders import Template
from receiver.errors import ConfigurationError
from receiver.security.addresses import check_url
from receiver.security.answers import read_body
from receiver.security.http_client import new_pool

#: As much of the website's answer as is kept for the merchant.
_SHOWN = 200
#: How urllib3 begins its errors: with the part of it that had the trouble, which says nothing to a merchant.
_PART_OF_URLLIB3 = re.compile(r"\w+\(host=.*?\): ")


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


@registrar("http", settings=HttpSettings)
class HttpRegistrar:
    """A registrar that calls the website's API. The website decides what is new; redirects aren't followed."""

    def __init__(self, settings: HttpSettings, environment: Mapping[str, str] = os.environ) -> None:
        """Check all that needs no call; raises ConfigurationError naming the key at fault."""
        _check_url(settings.url, allow_private=settings.allow_private)
        self._settings = settings
        self._headers, self._secrets = _read_headers(settings.headers, environment)
        self._body = _read_body(settings.body)
        self._pool = new_pool(allow_private=settings.allow_private, https_only=not settings.allow_private)

    def register(self, customer: Fields) -> str:
        """Make the call; raises NotRegistered unless the answer says that the customer is there now."""
        try:
            response = self._pool.urlopen(
                self._settings.method,
                self._settings.url,
                redirect=False,
                body=json.dumps(placeholders.filled(self._body, customer), default=datetime.isoformat).encode(),
                headers={"User-Agent": "order-receiver/1", **self._headers, "Content-Type": "application/json"},
                preload_content=False,
                decode_content=False,
            )
            answer = read_body(response).decode("utf-8", "replace")
        except HTTPError as error:
            why = _PART_OF_URLLIB3.sub("", str(error), count=1)
            raise NotRegistered(f"The website cannot be reached: {self._masked(why)}") from error
        if 200 <= response.status < 300:
            return f"the website answered {response.status}"
        if any(one == response.status if isinstance(one, int) else one in answer for one in self._settings.exists):
            return f"known already, the website answered {response.status}"
        raise NotRegistered(self._refusal(response.status, answer))

    def check(self) -> str:
        """Return where customers are sent. Makes no call, because any call could change something there."""
        return f"http: {self._settings.method} {self._settings.url} for each new or changed customer"

    def _refusal(self, status: int, answer: str) -> str:
        if 300 <= status < 400:
            return f"The website answered {status}, a redirect, which is not followed; enter the final URL."
        shown = " ".join(self._masked(answer).split())[:_SHOWN]
        return f"The website answered {status}" + (f": {shown}" if shown else ".")

    def _masked(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        return text


def _check_url(url: str, *, allow_private: bool) -> None:
    """Raise ConfigurationError unless it's an https URL; a website inside your own network may speak http."""
    try:
        check_url(url, https_only=not allow_private, allow_private=allow_private)
    except ConfigurationError as error:
        hint = "" if allow_private else " For a website inside your own network, say allow_private = true."
        raise ConfigurationError(f"url: {error}{hint}") from error


def _read_headers(given: Mapping[str, Any], environment: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
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


def _read_body(table: Mapping[str, Any]) -> Any:
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
