"""The registrar ``http``: one call of the website's own API for each customer."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from datetime import datetime

from urllib3.exceptions import HTTPError

from receiver.customers.registrars import Fields, NotRegistered, http_request, placeholders, registrar
from receiver.customers.registrars.http_request import HttpSettings
from receiver.security.answers import read_body
from receiver.security.http_client import new_pool

#: As much of the website's answer as is kept for the merchant.
_SHOWN = 200
#: How urllib3 begins its errors: with the part of it that had the trouble, which says nothing to a merchant.
_PART_OF_URLLIB3 = re.compile(r"\w+\(host=.*?\): ")


@registrar("http", settings=HttpSettings)
class HttpRegistrar:
    """A registrar that calls the website's API. The website decides what is new; redirects aren't followed."""

    def __init__(self, settings: HttpSettings, environment: Mapping[str, str] = os.environ) -> None:
        """Check all that needs no call; raises ConfigurationError naming the key at fault."""
        http_request.check_url(settings.url, allow_private=settings.allow_private)
        self._settings = settings
        self._headers, self._secrets = http_request.headers(settings.headers, environment)
        self._body = http_request.body(settings.body)
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
        """Return where customers are sent. It makes no call, since none is without effect."""
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
