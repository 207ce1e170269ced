"""The forms in which a text may hold a secret: as it is, percent-encoded, escaped as in JSON or HTML, in base64."""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from html import unescape
from html.entities import html5

from receiver.orders.charsets import unquoted

#: JSON in a text of JSON has two backslashes, and so on.
_OF_JSON = re.compile(r"\\+(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)


@lru_cache(maxsize=64)
def forms_of(secret: str) -> re.Pattern[str]:
    """Return the pattern of a secret in any of these forms, its characters each in a form of its own."""
    escaped = "".join(map(_forms_of_character, secret))
    encoded = [
        "".join(one if one.isalnum() else _forms_of_character(one) for one in text) for text in _in_base64(secret)
    ]
    return re.compile("|".join([escaped, *encoded]))


def may_hold(text: str, unescaped: str, secret: str) -> bool:
    """Return whether a text may hold a secret in any form; ``unescaped`` is what ``without_escapes`` makes of it."""
    texts = (text,) if unescaped == text else (text, unescaped)
    return any(form in one for one in texts for form in (secret, *_in_base64(secret)))


def without_escapes(text: str) -> str:
    """Return a text with what's escaped in it decoded, in each way once."""
    if "%" in text:
        text = unquoted(text.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")
    if "&" in text:
        text = unescape(text)
    if "\\" in text:
        text = _OF_JSON.sub(lambda escape: chr(int(escape[1], 16)) if escape[1] else escape[2], text)
    return text


def _forms_of_character(character: str) -> str:
    code = ord(character)
    percent = "".join(f"%{byte:02x}" for byte in character.encode("utf-8", "surrogatepass"))
    forms = [re.escape(percent), rf"\\{{1,8}}u{code:04x}", f"&\\#0*{code};", f"&\\#x0*{code:x};"]
    named = [re.escape(f"&{name}") for name in _names_of(character)]
    plain = re.escape(character) if character.isalnum() else rf"\\{{0,8}}{re.escape(character)}"
    return f"(?:{'|'.join([plain, *named])}|(?i:{'|'.join(forms)}))"


def _names_of(character: str) -> list[str]:
    return [name for name, meant in html5.items() if meant == character and name.endswith(";")]


@lru_cache(maxsize=64)
def _in_base64(secret: str) -> frozenset[str]:
    """Return the base64 of the secret at each place in what was encoded, without what the bytes beside it decide."""
    found = set()
    raw = secret.encode()
    for before in range(3):
        encode = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        begin = -(-before * 8 // 6)
        end = (before + len(raw)) * 8 // 6
        own = encode[begin:end]
        found |= {own, own.replace("+", "-").replace("/", "_")}
    return frozenset(found)
