"""Mask secrets in what the other side answers, however they're encoded there. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from urllib.parse import quote, quote_plus

from receiver.security.signing import fingerprint

_PREFIX = "whsec_"
#: In bytes, of one character: four bytes of UTF-8, each as a percent escape such as %C3.
_LONGEST_SPELLING = 12


def masked(data: bytes, secrets: Sequence[str], *, most: int | None = None) -> bytes:
    """Replace each secret by its fingerprint, and return the first ``most`` bytes of the result.

    ``data`` should go on for ``longest_spelling`` after ``most`` bytes: only a whole secret is found.
    """
    if not secrets:
        return data[:most]
    pattern = re.compile(b"|".join(b"(%s)" % _spellings(secret) for secret in secrets), re.IGNORECASE)
    if most is not None:  # masks shorten the text, but must not let more of it through
        data = data[: max([most, *(found.end() for found in pattern.finditer(data) if found.start() < most)])]
    marks = [b"[secret %s]" % fingerprint(secret).encode() for secret in secrets]
    return pattern.sub(lambda found: marks[(found.lastindex or 1) - 1], data)[:most]


def longest_spelling(secrets: Sequence[str]) -> int:
    """Return how many bytes the longest secret can take, however it's encoded."""
    return _LONGEST_SPELLING * max(map(len, secrets), default=0)


def _spellings(secret: str) -> bytes:
    """Return the pattern of a secret, with or without its prefix, as text, form field, URL, JSON or HTML."""
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
