"""Whether a URL leads to this very receiver, which can then be given the Order Control's secrets in one step."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

_PORTS = {"http": 80, "https": 443}


def is_at(url: str, *bases: str) -> bool:
    """Return whether a URL leads to /orders of the receiver, which is known by these addresses."""
    try:
        return any(is_below(url, base) for base in bases)
    except ValueError:  # no URL at all
        return False


def is_below(url: str, base: str) -> bool:
    """Return whether a URL points to /orders of the receiver at ``base``; raises ValueError if it's no URL."""
    wanted, own = urlsplit(url), urlsplit(base)
    orders = f"{own.path.rstrip('/')}/orders"
    return _place(wanted) == _place(own) and (wanted.path == orders or wanted.path.startswith(f"{orders}/"))


def _place(url: SplitResult) -> tuple[str, str | None, int | None]:
    return url.scheme, url.hostname, url.port or _PORTS.get(url.scheme)
