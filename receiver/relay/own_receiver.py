"""Find out whether a URL leads to this receiver, which can then accept the Order Controls' secrets in one step."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

_PORTS = {"http": 80, "https": 443}


def is_at(url: str, *bases: str) -> bool:
    """Return whether a URL leads to /orders of the receiver with any of these addresses."""
    try:
        return any(is_below(url, base) for base in bases)
    except ValueError:  # it's no URL
        return False


def is_below(url: str, base: str) -> bool:
    """Return whether a URL points to /orders of the receiver at ``base``. Raises ValueError if it's no URL."""
    wanted, own = urlsplit(url), urlsplit(base)
    orders = f"{own.path.rstrip('/')}/orders"
    return _place(wanted) == _place(own) and (wanted.path == orders or wanted.path.startswith(f"{orders}/"))


def _place(url: SplitResult) -> tuple[str, str | None, int | None]:
    return url.scheme, url.hostname, url.port or _PORTS.get(url.scheme)
