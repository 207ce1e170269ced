"""The address of a request's sender: of what a proxy says, only what is one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import Any

_Wsgi = Callable[..., Iterable[bytes]]


def checked(app: _Wsgi) -> _Wsgi:
    """Return a WSGI app for inside of ProxyFix, which takes any text of X-Forwarded-For for an address.

    Where that's none, the address of the connection counts: the proxy's, or that of somebody who passed it by.
    """

    def serve(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if not _is_address(environ.get("REMOTE_ADDR", "")):
            environ["REMOTE_ADDR"] = environ["werkzeug.proxy_fix.orig"]["REMOTE_ADDR"]
        return app(environ, start_response)

    return serve


def _is_address(text: str) -> bool:
    """Return whether it's an IP address; one with a zone is of one machine alone, and the zone may be any text."""
    try:
        return "%" not in text and bool(ip_address(text))
    except ValueError:
        return False
