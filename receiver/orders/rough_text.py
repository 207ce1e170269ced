"""A body that can't be decoded, as text: what looks like its values, and the text without card data."""

from __future__ import annotations

import json
import re
from typing import NamedTuple
from urllib.parse import unquote_plus

from receiver.orders.card_guard import guard
from receiver.orders.card_issuers import LONGEST, SHORTEST, is_card_number, passes_luhn
from receiver.orders.card_numbers import mask, masked_number
from receiver.orders.charsets import codec, fallback_text
from receiver.orders.names import Fields

#: A name and its value, as forms, JSON and XML write them. A name begins where no other one can have begun, so that
#: a long text is read once.
_PAIR = re.compile(
    r"""(?<![\w.\-\[\]])(?P<name>[A-Za-z_][\w.\-\[\]]{0,100}+)["']?\s{0,3}[:=]\s{0,3}["']?"""
    r"""(?P<value>[^"'&<>;,\r\n{}\[\]]{1,300})"""
    r"""|<(?P<tag>[A-Za-z_][\w.:\-]{0,100}+)(?:\s[^<>]{0,300}+)?>(?P<text>[^<>]{1,300})<"""
)
_BETWEEN_VALUES = re.compile(r"""["'<>&\s,{}\[\]]+""")

#: A digit as it is, percent-encoded, escaped as in JSON, or as an entity; and what may stand between two of a number.
_DIGIT = r"(?P<digit>[0-9]|%3[0-9]|\\u003[0-9]|&\#(?:4[89]|5[0-7]);)"
_GAP = r"(?:[^0-9A-Za-z%\\&]|%2[0DdEe]|%0[0-9A-Fa-f]|&nbsp;|&\#32;)"
_NOT_NAMED = _DIGIT.replace("?P<digit>", "?:")
_ROW = re.compile(rf"{_NOT_NAMED}(?:{_GAP}{{0,3}}+{_NOT_NAMED}){{{SHORTEST - 1},}}")
_DIGIT_OR_GAP = re.compile(rf"{_DIGIT}|{_GAP}")
_ENTITY = re.compile(r"&#([0-9]+);")

#: Bytes at each end of a body that's searched for a secret.
_LOOKED_AT = 32_768
_MASKED = "A card number in the body was masked."


class RoughText(NamedTuple):
    """A body's text by the likeliest charset, in which it can be written as bytes again."""

    text: str
    charset: str

    @property
    def raw(self) -> bytes:
        """The text as bytes."""
        return self.text.encode(self.charset, "replace")


class Cleaned(NamedTuple):
    """A text without card data."""

    text: str
    notes: tuple[str, ...]
    #: Whether any of what was taken out was card data.
    held_card_data: bool


def rough_text(raw: bytes, charset: str | None) -> RoughText:
    """Return the text of any bytes: in the named charset if they fit it, else in UTF-8 or -16, else byte by byte."""
    for known in (codec(charset) if charset else None, json.detect_encoding(raw), "utf-8"):
        if known is not None:
            try:
                return RoughText(raw.decode(known), known)
            except UnicodeDecodeError:
                continue
    return RoughText(raw.decode("latin-1"), "latin-1")


def shown_text(raw: bytes, charset: str | None) -> str:
    """Return the text of any bytes for a person to read."""
    rough = rough_text(raw, charset)
    return fallback_text(raw) if rough.charset == "latin-1" else rough.text.replace("\0", "\ufffd")


def rough_fields(raw: bytes, charset: str | None) -> Fields:
    """Return what looks like the fields of a body that can't be decoded; a value without a name has an empty one.

    Of a long body only both ends are looked at: nobody has verified it yet.
    """
    if len(raw) > 2 * _LOOKED_AT:
        raw = raw[:_LOOKED_AT] + b"\n" + raw[-_LOOKED_AT:]
    text = rough_text(raw, charset).text
    fields = [(name, _plain_text(text[begin:end])) for name, begin, end in map(_pair, _PAIR.finditer(text))]
    for piece in _BETWEEN_VALUES.split(text):
        _, equals, value = piece.partition("=")
        fields += [("", _plain_text(part)) for part in ((piece, value) if equals else (piece,))]
    return fields


def _plain_text(part: str) -> str:
    return (unquote_plus(part) if "%" in part else part).replace("\\/", "/")


def without_card_data(text: str) -> Cleaned:
    """Return a text without the values of what looks like card fields, and with every card number masked.

    Besides what ``mask`` finds, it masks any 13 to 19 digits in one piece that pass Luhn, however they're escaped.
    Raises CardDataRefused for what looks like a full number with its code.
    """
    pairs = [_pair(match) for match in _PAIR.finditer(text)]
    guarded = guard([(name, unquote_plus(text[begin:end])) for name, begin, end in pairs])
    kept = {name for name, _ in guarded.fields}
    cleaned, done = [], 0
    for name, begin, end in pairs:
        if name not in kept and begin >= done:
            cleaned.append(text[done:begin])
            done = end
    text = "".join([*cleaned, text[done:]])
    masked = mask(_ROW.sub(_masked_row, text))
    notes = tuple(note for note in guarded.notes if "was dropped" in note)
    return Cleaned(masked, (*notes, *([_MASKED] if masked != text else [])), guarded.held_card_data or masked != text)


def _pair(match: re.Match[str]) -> tuple[str, int, int]:
    name, value = ("name", "value") if match["name"] else ("tag", "text")
    return match[name], match.start(value), match.end(value)


def _masked_row(row: re.Match[str]) -> str:
    """Return a row of digits with the card numbers in it masked; one begins and ends where a group of digits does."""
    text = row[0]
    digits = [match for match in _DIGIT_OR_GAP.finditer(text) if match["digit"]]
    plain = "".join(_plain(match[0]) for match in digits)
    begins = {place for place, match in enumerate(digits) if not place or match.start() > digits[place - 1].end()}
    begins.add(len(digits))
    masked, done, place = [], 0, 0
    while place < len(digits):
        end = _end_of_number(plain, place, begins) if place in begins else None
        if end is None:
            place += 1
            continue
        masked += [text[done : digits[place].start()], masked_number(plain[place:end])]
        done, place = digits[end - 1].end(), end
    return "".join([*masked, text[done:]])


def _end_of_number(plain: str, begin: int, begins: set[int]) -> int | None:
    for end in range(min(begin + LONGEST, len(plain)), begin + SHORTEST - 1, -1):
        if end in begins:
            is_in_one_piece = begins.isdisjoint(range(begin + 1, end))
            if (passes_luhn if is_in_one_piece else is_card_number)(plain[begin:end]):
                return end
    return None


def _plain(digit: str) -> str:
    entity = _ENTITY.fullmatch(digit)
    return chr(int(entity[1])) if entity else digit[-1]
