"""A body that can't be decoded, as text: what looks like its values, and the text without card data."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Sequence
from itertools import accumulate
from typing import NamedTuple
from urllib.parse import unquote_plus

from receiver.orders.card_guard import guard
from receiver.orders.card_issuers import FIRST_DIGITS, LONGEST, SHORTEST, is_issued, running_sums
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
_DIGIT = r"(?:[0-9]|%3[0-9]|\\u003[0-9]|&\#(?:4[89]|5[0-7]);)"
_GAP = r"(?:[^0-9A-Za-z%\\&]|%2[0DdEe]|%0[0-9A-Fa-f]|&nbsp;|&\#32;)"
_ROW = re.compile(rf"{_DIGIT}(?:{_GAP}{{0,3}}+{_DIGIT}){{{SHORTEST - 1},}}+")
_ESCAPE = re.compile(r"[%\\&]")
#: Groups of digits in a row: with escapes, and without.
_GROUP_OR_GAP, _GROUP = re.compile(rf"(?P<group>{_DIGIT}+)|{_GAP}"), re.compile("(?P<group>[0-9]+)")
_ONE_DIGIT = re.compile(rf"&\#(?P<entity>[0-9]+);|{_DIGIT}")

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
    is_escaped = _ESCAPE.search(text) is not None
    groups = [match.span() for match in (_GROUP_OR_GAP if is_escaped else _GROUP).finditer(text) if match.lastgroup]
    digits = [_plain(text[begin:end]) if is_escaped else text[begin:end] for begin, end in groups]
    plain = "".join(digits)
    sums = running_sums(plain)
    #: Number of digits up to the end of a group -> where in the text that is.
    ends = dict(zip(accumulate(map(len, digits)), [end for _, end in groups], strict=True))
    masked, done, first, free = [], 0, 0, 0
    for (begin, _), own in zip(groups, digits, strict=True):
        after = _end_of_number(plain, first, first + len(own), ends, sums) if first >= free else None
        if after is not None:
            masked += [text[done:begin], masked_number(plain[first:after])]
            done, free = ends[after], after
        first += len(own)
    return "".join([*masked, text[done:]])


def _end_of_number(
    plain: str, first: int, own_end: int, ends: Container[int], sums: tuple[Sequence[int], Sequence[int]]
) -> int | None:
    """Return how many digits there are up to the end of a number that begins with a group; None if none does."""
    is_group = SHORTEST <= own_end - first <= LONGEST
    longest = min(first + LONGEST, len(plain)) if plain[first] in FIRST_DIGITS else own_end if is_group else 0
    for after in range(longest, first + SHORTEST - 1, -1):
        of_luhn = sums[after % 2]
        passes = (of_luhn[after] - of_luhn[first]) % 10 == 0 and after in ends
        if passes and (after == own_end or is_issued(plain[first:after])):
            return after
    return None


def _plain(group: str) -> str:
    """Return the digits of a group that may be escaped."""
    return "".join([chr(int(one["entity"])) if one["entity"] else one[0][-1] for one in _ONE_DIGIT.finditer(group)])
