"""The forms in which a text may hold a secret: as it is, percent-encoded, escaped as in JSON or HTML, in base64."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from functools import lru_cache
from html import unescape
from html.entities import html5

from receiver.orders.charsets import unquoted
from receiver.orders.escapes import readings, texts_read

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


def may_hold(texts: Iterable[str], secret: str) -> bool:
    """Return whether one of the texts, which ``texts_to_search`` makes of one, holds a secret as it is or in base64."""
    return any(form in one for one in texts for form in (secret, *_in_base64(secret)))


def texts_to_search(text: str) -> Iterable[str]:
    """Return a text, and what it reads as: decoded in each way once, and as often as it's escaped."""
    return dict.fromkeys((text, without_escapes(text), *texts_read(text)))


def replaced(secret: str, text: str, mark: str) -> str:
    """Return a text with a mark in the place of a secret in any of these forms, however often it's escaped."""
    text = forms_of(secret).sub(mark, text)
    if not any(secret in read for read in texts_read(text)):
        return text
    reading = next(one for one in readings(text) if secret in one.text)
    pieces, done = [], 0
    for match in re.finditer(re.escape(secret), reading.text):
        pieces += [text[done : reading.begins[match.start()]], mark]
        done = reading.ends[match.end() - 1]
    return replaced(secret, "".join([*pieces, text[done:]]), mark)


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
