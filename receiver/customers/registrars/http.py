"""The registrar ``http``: one call of the website's own API for each customer."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote

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
_PART_OF_URLLIB3 = re.compile(r"\b\w{1,60}\(host=[^)]{0,300}\): ")
#: Statuses that say that nobody with this email is there (any more).
_NOBODY_THERE = (404, 410)
_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")
#: Headers that the call sets itself.
_OWN = {"content-type", "content-length", "host", "transfer-encoding", "connection"}


class EraseSettings(BaseModel, strict=True):
    """The table ``[registrar.erase]``."""

    url: str = Field(description='the address that erases a customer, with "{email}" in it or in the body')
    method: Literal["DELETE", "POST", "PUT", "PATCH"] = "DELETE"
    body: dict[str, Any] = {}


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
    erase: EraseSettings | None = Field(
        None, description='a table, such as {url = "https://website.example/users/{email}"}'
    )


@registrar("http", settings=HttpSettings)
class HttpRegistrar:
    """A registrar that calls the website's API. The website decides what is new; redirects aren't followed."""

    def __init__(self, settings: HttpSettings, environment: Mapping[str, str] = os.environ) -> None:
        """Check all that needs no call; raises ConfigurationError naming the key at fault."""
        _check_url(settings.url, "url", allow_private=settings.allow_private)
        self._settings = settings
        self._headers, self._secrets = _read_headers(settings.headers, environment)
        self._body = _read_body(settings.body)
        self._erase_url, self._erase_body = _read_erase(settings)
        self._pool = new_pool(allow_private=settings.allow_private, https_only=not settings.allow_private)

    @property
    def erases(self) -> bool:
        """Whether it's set up to erase."""
        return self._settings.erase is not None

    def register(self, customer: Fields) -> str:
        """Make the call; raises NotRegistered unless the answer says that the customer is there now."""
        status, answer = self._call(self._settings.method, self._settings.url, self._body, customer)
        if 200 <= status < 300:
            return f"the website answered {status}"
        if any(one == status if isinstance(one, int) else one in answer for one in self._settings.exists):
            return f"known already, the website answered {status}"
        raise NotRegistered(self._refusal(status, answer))

    def erase(self, email: str) -> str:
        """Make the call that erases; raises NotRegistered unless the answer says that nobody is there now."""
        assert self._settings.erase  # noqa: S101 - or it isn't called
        url = str(self._erase_url.fill({"email": quote(email, safe="")}))
        status, answer = self._call(self._settings.erase.method, url, self._erase_body, {"email": email})
        if 200 <= status < 300 or status in _NOBODY_THERE:
            return f"the website answered {status}"
        raise NotRegistered(self._refusal(status, answer))

    def check(self) -> str:
        """Return where customers are sent. Makes no call, because any call could change something there."""
        return f"http: {self._settings.method} {self._settings.url} for each new or changed customer"

    def _call(self, method: str, url: str, body: Any, customer: Fields) -> tuple[int, str]:
        """Return status and text of the answer; raises NotRegistered when there's none."""
        filled = placeholders.filled(body, customer)
        try:
            response = self._pool.urlopen(
                method,
                url,
                redirect=False,
                body=json.dumps(filled, default=datetime.isoformat).encode() if filled else None,
                headers={
                    "User-Agent": "order-receiver/1",
                    **self._headers,
                    **({"Content-Type": "application/json"} if filled else {}),
                },
                preload_content=False,
                decode_content=False,
            )
            return response.status, read_body(response).decode("utf-8", "replace")
        except HTTPError as error:
            why = _PART_OF_URLLIB3.sub("", str(error), count=1)
            raise NotRegistered(f"The website cannot be reached: {self._masked(why)}") from error

    def _refusal(self, status: int, answer: str) -> str:
        if 300 <= status < 400:
            return f"The website answered {status}, a redirect, which is not followed; enter the final URL."
        shown = " ".join(self._masked(answer).split())[:_SHOWN]
        return f"The website answered {status}" + (f": {shown}" if shown else ".")

    def _masked(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        return text


def _check_url(url: str, key: str, *, allow_private: bool) -> None:
    """Raise ConfigurationError unless it's an https URL; a website inside your own network may speak http."""
    try:
        check_url(url, https_only=not allow_private, allow_private=allow_private)
    except ConfigurationError as error:
        hint = "" if allow_private else " For a website inside your own network, say allow_private = true."
        raise ConfigurationError(f"{key}: {error}{hint}") from error


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


def _read_erase(settings: HttpSettings) -> tuple[Template, Any]:
    """Return the URL and the body that erase, as templates; raises ConfigurationError naming the key at fault."""
    if settings.erase is None:
        return Template(()), {}
    templates = [placeholders.parsed(settings.erase.url, "erase.url")]
    body = _parsed(settings.erase.body, "erase.body", templates)
    if {field for template in templates for field in template.fields} != {"email"}:
        raise ConfigurationError('erase must have "{email}" in its url or body, and no other field.')
    _check_url(str(templates[0].fill({"email": "x"})), "erase.url", allow_private=settings.allow_private)
    return templates[0], body


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
