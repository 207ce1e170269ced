"""Compare two bodies: equal, one cut from the other, one within the other. What changes per attempt doesn't count."""

from __future__ import annotations

import re
from collections import Counter

from receiver.orders.card_search import MASK
from receiver.orders.names import Fields

#: Names, in small letters and without separators, whose values change with each attempt of the same event.
_PER_ATTEMPT = re.compile(
    "(?:.*(?:"
    "timestamp|nonce|hmac|signature|checksum"
    "|(?:attempt|retry)(?:s|no|nr|number|count|id)?|retries"
    "|(?:delivery|request|message|msg|webhook|notification|transmission|trace|correlation)id"
    "|(?:sent|send|sending|request|requested|transmitted|transmission|notification|attempted)(?:at|on|time|date|datetime)"
    "|(?:time|date)sent"
    ")|time|date|datetime|unixtime|epoch|now|ts|sig)"
)
_SEPARATORS = re.compile(r"[^a-z]+")
HALF_AN_ESCAPE = re.compile(r"%[0-9A-Fa-f]?$")


def is_same_form(one: Fields, other: Fields) -> bool:
    """Return whether two forms say the same, in whatever order."""
    return _said(one) == _said(other)


def is_cut_of(cut: Fields, whole: Fields) -> bool:
    """Return whether the other form holds all that a cut one says, in whatever order; it may say no more."""
    if not cut:
        return False
    *sure, (name, value) = cut
    mine, theirs = _said(sure), _said(whole)
    if mine - theirs:
        return False
    if _is_per_attempt(name):
        return True
    begin = HALF_AN_ESCAPE.sub("", value).removesuffix(MASK)
    if any(name == other and theirs_is.startswith(begin) for other, theirs_is in theirs - mine):
        return True
    return not value and any(other.startswith(HALF_AN_ESCAPE.sub("", name)) for other, _ in whole)


def holds_all(whole: Fields, part: Fields) -> bool:
    """Return whether a body says all that another says; an empty field says nothing."""
    return not Counter({field: count for field, count in _said(part).items() if field[1].strip()}) - _said(whole)


def _said(fields: Fields) -> Counter[tuple[str, str]]:
    return Counter((name, value) for name, value in fields if not _is_per_attempt(name))


def _is_per_attempt(name: str) -> bool:
    return _PER_ATTEMPT.fullmatch(_SEPARATORS.sub("", name.lower())) is not None
