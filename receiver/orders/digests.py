"""The SHA-256 of a content, by which two of them are known to be the same."""

from __future__ import annotations

import hashlib


def digest(content: bytes | str) -> str:
    """Return the SHA-256 of bytes, or of a text in UTF-8, in hex."""
    return hashlib.sha256(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content).hexdigest()
