"""The one guarded HTTP client: it connects to public addresses only, follows nothing and ends in time.

A name is looked up once, its addresses are judged, and one of the very addresses judged is connected to;
so a name that changes its address meanwhile (DNS rebinding) changes nothing. The Host header, SNI and the
check of the certificate keep the name.
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple, cast

from urllib3 import PoolManager, Retry, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
)
from urllib3.response import BaseHTTPResponse, HTTPResponse

from receiver.security.addresses import blocked_reason
from receiver.security.allowed_hosts import AllowedHosts
from receiver.security.deadlines import (
    DeadlineSocket,
    Found,
    connect_to_first,
    deadline_after,
    look_up,
    tls_context,
)

#: Seconds for looking up the name, connecting and the TLS handshake together.
CONNECT_SECONDS = 5.0
#: Seconds for a whole request, its answer's body included.
TOTAL_SECONDS = 15.0
#: Most bytes of an answer's status line and headers together.
MOST_HEAD_BYTES = 64 * 1024
#: Most bytes of an answer's body; whoever reads all of it at once has it in memory.
MOST_ANSWER_BYTES = 16 * 1024 * 1024

# It logs addresses, which may hold a token, and malformed headers of the other side, which may hold personal data.
logging.getLogger("urllib3").setLevel(logging.ERROR)


class AddressRefused(HTTPError):
    """Raised when a name has no address that may be connected to; no packet was sent."""


def new_pool(
    *,
    allow_private: bool,
    https_only: bool,
    allowed: AllowedHosts | None = None,
    connect_seconds: float = CONNECT_SECONDS,
    total_seconds: float = TOTAL_SECONDS,
) -> PoolManager:
    """Make a client without retries, redirects or a proxy; threads may share it.

    A request may raise AddressRefused beside what urllib3 raises. With ``https_only`` an http URL raises urllib3's
    URLSchemeUnknown, or AddressRefused if there are ``allowed`` hosts, which are called by http too.
    """
    timeout = Timeout(connect=connect_seconds, total=total_seconds)
    rules = _Rules(allow_private, https_only, allowed)
    return _GuardedPoolManager(rules, timeout=timeout)


def peer(response: BaseHTTPResponse) -> tuple[str | None, str | None]:
    """Return the address connected to and the TLS version (None without TLS); ask before reading the body."""
    connection = cast("_GuardedHTTPConnection", response.connection)
    return connection.peer_address, connection.tls_version


class _Rules(NamedTuple):
    """Which addresses a client connects to."""

    allow_private: bool
    https_only: bool
    allowed: AllowedHosts | None

    def check(self, host: str, found: Sequence[Found], *, is_https: bool) -> Sequence[Found]:
        """Return those of a host's addresses that may be connected to; raises AddressRefused if there are none."""
        named = [entry for entry in found if self.allowed and self.allowed.allow(host, entry[4][0])]
        if named or not found:
            return named
        how_to = f' To allow it, add "{host}" to HTTP_ALLOW.' if self.allowed is not None else ""
        if self.https_only and not is_https:
            raise AddressRefused(f"{host} is called by http, and only https is allowed.{how_to}")
        reasons = {entry[4][0]: blocked_reason(entry[4][0], allow_private=self.allow_private) for entry in found}
        public = [entry for entry in found if reasons[entry[4][0]] is None]
        if not public:
            listed = ", ".join(f"{address} ({reason})" for address, reason in reasons.items())
            raise AddressRefused(f"{host} leads to no public address: {listed}.{how_to}")
        return public


class _GuardedHTTPConnection(HTTPConnection):
    """A connection to checked addresses only, with a deadline for each phase: connect, send, read."""

    #: The address connected to, kept after the connection is closed.
    peer_address: str | None = None
    #: For example ``TLSv1.3``; None without TLS.
    tls_version: str | None = None

    def __init__(self, *args: Any, rules: _Rules, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._rules = rules

    def connect(self) -> None:
        super().connect()
        if isinstance(self.sock, ssl.SSLSocket):
            self.tls_version = self.sock.version()

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is None:
            self.connect()
        self._set_deadline()
        super().request(*args, **kwargs)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 has it
        sock = self._set_deadline()
        sock.allowance = MOST_HEAD_BYTES
        try:
            return super().getresponse()
        finally:
            sock.allowance = MOST_ANSWER_BYTES

    def _set_deadline(self) -> DeadlineSocket:
        """Start the phase that urllib3 has just set ``timeout`` for: sending, or what is left for reading."""
        sock = cast("DeadlineSocket", self.sock)
        sock.deadline = deadline_after(self.timeout)
        return sock

    def _new_conn(self) -> socket.socket:
        deadline = deadline_after(self.timeout)
        try:
            found = look_up(self._dns_host, self.port, deadline)
            is_https = isinstance(self, HTTPSConnection)
            sock = connect_to_first(self._rules.check(self.host, found, is_https=is_https), deadline)
            self.peer_address = sock.getpeername()[0]
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"Connecting to {self.host} took too long.") from error
        except OSError as error:
            raise NewConnectionError(self, f"{self.host} port {self.port}: {error.strerror}") from error
        return sock


class _GuardedHTTPSConnection(_GuardedHTTPConnection, HTTPSConnection):
    """The same inside TLS."""


class _GuardedHTTPPool(HTTPConnectionPool):
    ConnectionCls = _GuardedHTTPConnection

    def urlopen(self, *args: Any, **kwargs: Any) -> BaseHTTPResponse:
        """Unpack a body only when the request asked for a packed one: a small body may unpack to gigabytes."""
        asked = {name.lower() for name in kwargs.get("headers") or {}}
        if "accept-encoding" not in asked:
            kwargs.setdefault("decode_content", False)
        return super().urlopen(*args, **kwargs)

    def _put_conn(self, conn: Any) -> None:
        """Keep no connection: a kept one may be closed by the other side as the next request is sent.

        Nothing is sent twice here, so that request would be lost.
        """
        if conn:
            conn.close()


class _GuardedHTTPSPool(_GuardedHTTPPool, HTTPSConnectionPool):
    ConnectionCls = _GuardedHTTPSConnection


class _GuardedPoolManager(PoolManager):
    def __init__(self, rules: _Rules, *, timeout: Timeout) -> None:
        super().__init__(timeout=timeout, retries=Retry(total=False))
        self.pool_classes_by_scheme = {"http": _GuardedHTTPPool, "https": _GuardedHTTPSPool}
        self._rules = rules
        if rules.https_only and rules.allowed is None:
            del self.key_fn_by_scheme["http"]

    def _new_pool(self, scheme: str, *args: Any, **kwargs: Any) -> HTTPConnectionPool:
        pool = super()._new_pool(scheme, *args, **kwargs)
        pool.conn_kw["rules"] = self._rules
        if scheme == "https":
            pool.conn_kw["ssl_context"] = self._tls_context
        return pool

    @cached_property
    def _tls_context(self) -> ssl.SSLContext:
        """Return a context with the machine's certificates. They're read at the first use, because that's slow."""
        return tls_context()
