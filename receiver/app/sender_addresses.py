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
        said = environ.get("REMOTE_ADDR", "")
        environ["REMOTE_ADDR"] = _address(said) or environ["werkzeug.proxy_fix.orig"]["REMOTE_ADDR"]
        return app(environ, start_response)

    return serve


def _address(text: str) -> str | None:
    """Return the IP address of a text, without the port that some proxies add; None for anything else.

    One with a zone is none: it's of one machine alone, and the zone may be any text.
    """
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return None if "%" in text else str(ip_address(text))
    except ValueError:
        return None
