"""Where a POST may hold the secret itself outside its body: in nearly any header."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping

from receiver.errors import ConfigurationError

#: The header that our own senders use; it's looked at first.
OWN = "x-shared-secret"
#: Headers that others fill: browsers, proxies, and whoever wrote the link that was followed.
_NEVER = frozenset({"cookie", "host", "referer", "forwarded", "user-agent"})
#: Headers X-Shared-Secret that are tried: a sender that changes its secret sends the old one and the new one.
_MOST_HEADERS = 4


def in_headers(headers: Mapping[str, str]) -> Iterator[bytes]:
    """Yield what may be a secret: each header's value, what's behind ``Bearer``, and the halves of HTTP Basic.

    ``headers`` are by lower-case name. WSGI hands their bytes over as Latin-1 text (PEP 3333).
    """
    if OWN in headers:
        yield from _own(headers[OWN])
    for name, text in headers.items():
        if name == OWN or _is_untrusted(name):
            continue
        yield _bytes(text)
        scheme, blank, rest = text.partition(" ")
        if not blank:
            continue
        if scheme.lower() == "bearer":  # RFC 6750, 2.1
            yield _bytes(rest.strip())
        elif scheme.lower() == "basic":
            yield from _halves(rest)


def _own(text: str) -> Iterator[bytes]:
    """Yield the header's value, and its parts: a server hands over one that was sent twice as one, with a comma."""
    whole = _bytes(text)
    yield whole
    if b"," in whole:
        yield from (part.strip() for part in whole.split(b",", _MOST_HEADERS)[:_MOST_HEADERS])


def _halves(encoded: str) -> Iterator[bytes]:
    """Yield user and password of HTTP Basic authentication (RFC 7617, 2)."""
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except ValueError:
        return
    if colon:
        yield user
        yield password


def _bytes(text: str) -> bytes:
    return text.encode("latin-1", "replace")


def refuse_untrusted(name: str) -> None:
    """Raise ConfigurationError for a header in which no secret counts."""
    if _is_untrusted(name.lower()):
        raise ConfigurationError(f"A secret in the header {name} proves nothing, since others fill it; take another.")


def _is_untrusted(name: str) -> bool:
    return name in _NEVER or name.startswith("x-forwarded")
