"""Secrets that the other side repeats: found however they are spelt, and replaced by their fingerprint. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from urllib.parse import quote, quote_plus

from receiver.security.signing import fingerprint

_PREFIX = "whsec_"
#: As many bytes as one character takes in the longest spelling, four bytes of UTF-8 with percent escapes.
_LONGEST_SPELLING = 12


def masked(data: bytes, secrets: Sequence[str], *, most: int | None = None) -> bytes:
    """Put the fingerprint where a secret stands, and give at most so many bytes of that.

    ``data`` should go on for ``longest_spelling`` beyond ``most``, so that a secret across the cut is known as one.
    """
    if not secrets:
        return data[:most]
    pattern = re.compile(b"|".join(b"(%s)" % _spellings(secret) for secret in secrets), re.IGNORECASE)
    end = max((found.end() for found in pattern.finditer(data) if most and found.start() < most), default=0)
    marks = [b"[secret %s]" % fingerprint(secret).encode() for secret in secrets]
    replaced = pattern.sub(lambda found: marks[(found.lastindex or 1) - 1], data[: most and max(end, most)])
    return replaced[:most]


def longest_spelling(secrets: Sequence[str]) -> int:
    """Return the most bytes that any of the secrets takes, however it is spelt."""
    return _LONGEST_SPELLING * max(map(len, secrets), default=0)


def _spellings(secret: str) -> bytes:
    """Make the pattern of a secret, with and without its prefix, as text, form field, URL, JSON or HTML."""
    characters = b"".join(map(_spellings_of, secret.removeprefix(_PREFIX)))
    return (b"(?:%s)?" % _PREFIX.encode() if secret.startswith(_PREFIX) else b"") + characters


def _spellings_of(character: str) -> bytes:
    if character.isascii() and character.isalnum():
        return character.encode()
    code = ord(character)
    ways = {
        character,
        quote(character, safe=""),
        quote_plus(character),
        json.dumps(character)[1:-1],
        f"\\{character}",
        f"\\u{code:04x}",
        f"&#{code};",
        f"&#x{code:x};",
    }
    return b"(?:%s)" % b"|".join(re.escape(way.encode()) for way in sorted(ways, key=len, reverse=True))
