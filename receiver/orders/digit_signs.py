"""Digits of every script, superscripts and circled ones too, as ASCII; no other sign changes, and none moves."""

from __future__ import annotations

import re
import unicodedata

_TWO_BYTES = 0x10000
#: The last block that holds digits ends before it.
_END = 0x1FC00
_ASCII = {code: str(unicodedata.digit(chr(code))) for code in range(0x80, _END) if chr(code).isdigit()}
# Of the signs beyond two bytes all are looked at: the search is fast only while the list is short.
_FOREIGN = re.compile(f"[{''.join(chr(code) for code in _ASCII if code < _TWO_BYTES)}{chr(_TWO_BYTES)}-{chr(_END)}]")


def with_plain_digits(text: str) -> str:
    """Return the text, as long as it was, with every digit in ASCII."""
    if text.isascii() or _FOREIGN.search(text) is None:
        return text
    return text.translate(_ASCII)
