"""Find out whether a URL leads to this receiver, which can then accept the Order Controls' secrets in one step."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

_PORTS = {"http": 80, "https": 443}


def is_at(url: str, *bases: str) -> bool:
    """Return whether a URL leads to /orders of the receiver with any of these addresses; False if it's no URL."""
    try:
        wanted = urlsplit(url)
        same_place = [own.path for own in map(urlsplit, bases) if _place(own) == _place(wanted)]
    except ValueError:
        return False
    return any(f"{wanted.path}/".startswith(f"{path.rstrip('/')}/orders/") for path in same_place)


def _place(url: SplitResult) -> tuple[str, str | None, int | None]:
    return url.scheme, url.hostname, url.port or _PORTS.get(url.scheme)
