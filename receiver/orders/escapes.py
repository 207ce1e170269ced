"""What a text reads as once its escapes are decoded and its tags dropped, and where each character of that stood."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterator
from functools import lru_cache
from html import unescape
from typing import NamedTuple
from urllib.parse import unquote

_MAY_BE_ESCAPED = re.compile(r"[&%<\\]")
#: A character that's percent-encoded in UTF-8, escaped as in JSON, or an entity of HTML.
_ESCAPE = re.compile(
    r"%[0-7][0-9A-Fa-f]|%[C-Fc-f][0-9A-Fa-f](?:%[89ABab][0-9A-Fa-f]){1,3}|%[89A-Fa-f][0-9A-Fa-f]"
    r"|(?<!\\)\\{1,8}+u[0-9A-Fa-f]{4}"
    r"|&(?:\#[0-9]{1,20};?|\#[xX][0-9A-Fa-f]{1,20};?|[A-Za-z][A-Za-z0-9]{1,31};?)"
)
#: Tags in a row. No tag reaches over a NUL: it stands between the texts that are looked at together.
_TAGS = re.compile(r"\s{0,3}+(?:<[/!?A-Za-z][^<>\0]*+>\s{0,8}+)++")


class Reading(NamedTuple):
    """A text as it reads, and where each of its characters begins and ends in the text that came."""

    text: str
    begins: array[int]
    ends: array[int]


def _decoded(escape: re.Match[str]) -> str:
    return _decoded_one(escape[0])


@lru_cache(maxsize=4096)
def _decoded_one(escape: str) -> str:
    if escape[0] == "%":
        decoded = unquote(escape, errors="replace")
    else:
        decoded = chr(int(escape[-4:], 16)) if escape[0] == "\\" else unescape(escape)
    return decoded.replace("\0", "\ufffd")


def _space(_: re.Match[str]) -> str:
    # No less: what's in two tags may be two numbers.
    return " "


#: Escapes may be escaped themselves, as in ``&amp;#52;``. Tags come last, because one may hold a number.
_STEPS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    *[(_ESCAPE, _decoded)] * 3,
    (_TAGS, _space),
)


def texts_read(text: str) -> Iterator[str]:
    """Yield what a text reads as after each step that changes it; none for a text without escapes and tags."""
    if _MAY_BE_ESCAPED.search(text) is None:
        return
    for pattern, decoded in _STEPS:
        before, text = text, pattern.sub(decoded, text)
        if text != before:
            yield text


def as_read(text: str) -> str:
    """Return what a text reads as in the end."""
    for read in texts_read(text):
        text = read
    return text


def readings(text: str) -> Iterator[Reading]:
    """Yield the text, and the same ones as ``texts_read``, with the place of each character."""
    reading = Reading(text, array("i", range(len(text))), array("i", range(1, len(text) + 1)))
    yield reading
    for pattern, decoded in _STEPS:
        before, reading = reading, _read(reading, pattern, decoded)
        if reading.text != before.text:
            yield reading


def _read(reading: Reading, pattern: re.Pattern[str], decoded: Callable[[re.Match[str]], str]) -> Reading:
    text, begins, ends = reading
    pieces, done = [], 0
    new_begins, new_ends = array("i"), array("i")
    for match in pattern.finditer(text):
        begin, end = match.span()
        piece = decoded(match)
        pieces += [text[done:begin], piece]
        new_begins += begins[done:begin] + begins[begin : begin + 1] * len(piece)
        new_ends += ends[done:begin] + ends[end - 1 : end] * len(piece)
        done = end
    return Reading("".join([*pieces, text[done:]]), new_begins + begins[done:], new_ends + ends[done:])
