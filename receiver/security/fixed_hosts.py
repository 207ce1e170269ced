"""The HTTP client that asks a shop about a POST: by https, and only the hosts that its kind of source fixes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import NamedTuple

from urllib3 import PoolManager
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse
from urllib3.util import parse_url

from receiver.errors import ConfigurationError
from receiver.security.answers import retry_after_seconds

#: Most bytes of an answer that are read; a longer one counts as none.
MOST_BYTES = 2_097_152
_NOTHING: Mapping[str, str] = MappingProxyType({})
_NAME = "order-receiver/1"
#: Answers that say nothing about the question (RFC 9110, 15): it may be asked again.
_NO_ANSWER = {408, 425, 429}


class AskLater(Exception):
    """Raised when a shop gave no answer that counts; the question is asked again."""

    def __init__(self, detail: str, retry_after: int | None = None) -> None:
        super().__init__(detail)
        #: Seconds that it asked to wait for.
        self.retry_after = retry_after


class Told(NamedTuple):
    """What a shop answered, whole."""

    status: int
    body: bytes
    content_type: str


class FixedHosts:
    """A client that connects to these hosts alone, and follows no redirect. Threads may share it."""

    def __init__(self, pool: PoolManager, hosts: Collection[str]) -> None:
        self._pool = pool
        self._hosts = hosts

    def get(self, url: str, headers: Mapping[str, str] = _NOTHING) -> Told:
        """Return what's answered; raises AskLater, and ConfigurationError for a URL of another host."""
        return self._ask("GET", url, None, headers)

    def post(self, url: str, body: bytes, headers: Mapping[str, str] = _NOTHING) -> Told:
        """Return what's answered to these bytes; raises as ``get`` does."""
        return self._ask("POST", url, body, headers)

    def _ask(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Told:
        parsed = parse_url(url)
        host = parsed.host or ""
        if (parsed.scheme, parsed.port, parsed.auth) != ("https", None, None) or host not in self._hosts:
            raise ConfigurationError(f"Only https://{' and https://'.join(self._hosts)} may be asked, not {host}.")
        sent = {"User-Agent": _NAME, "Connection": "close", **headers}
        try:
            response = self._pool.urlopen(
                method, url, redirect=False, body=body, headers=sent, preload_content=False, decode_content=False
            )
            return _told(response, host)
        except HTTPError as error:  # its words may repeat the URL, which may hold a token
            raise AskLater(f"{host} couldn't be asked: {type(error).__name__}.") from error


def _told(response: BaseHTTPResponse, host: str) -> Told:
    """Return the whole answer; one that breaks off, is too long or says nothing raises AskLater or HTTPError."""
    try:
        status = response.status
        if 300 <= status < 400 or status >= 500 or status in _NO_ANSWER:
            raise AskLater(f"{host} answered {status}.", retry_after_seconds(response))
        body = b""
        # A read that returns nothing raises IncompleteRead if the answer broke off; a shorter one doesn't.
        while len(body) <= MOST_BYTES and (part := response.read(MOST_BYTES + 1 - len(body))):
            body += part
        if len(body) > MOST_BYTES:
            raise AskLater(f"{host} answered more than {MOST_BYTES} bytes.")
        return Told(status, body, response.headers.get("Content-Type", ""))
    finally:
        response.close()
