"""Mask card numbers in text, and look for texts that may hold one. Digits count in every script."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from operator import itemgetter

from receiver.orders.card_issuers import LONGEST, SHORTEST, passes_luhn
from receiver.orders.card_lookalikes import ibans
from receiver.orders.card_search import LAST, MASK, Found, Holds, find, find_floats
from receiver.orders.escapes import readings, texts_read

# Thirteen digits with up to three signs between any two that are neither letters nor digits. Every number has such
# a trace; most texts have none, and for most of these the look ahead is enough.
_TRACE = re.compile(r"[0-9](?=[^A-Za-z]{12})(?:[^0-9A-Za-z]{0,3}+[0-9]){12}")
# What a float makes of a number, 4.111111111111111e15; a search that begins with one certain sign is quick.
_FLOAT_TRACE = re.compile(r"\.[0-9]+[eE]\+?1[0-9]")
_MASKED = re.compile(rf"\*{{{len(MASK)}}}[0-9]{{{LAST}}}")
_NUMBER_ALONE = re.compile(r"[0-9\W_]*")
_NOT_A_DIGIT = re.compile("[^0-9]+")

_TWO_BYTES = 0x10000
#: The last block that holds digits ends before it.
_END = 0x1FC00
_ASCII = {code: str(unicodedata.digit(chr(code))) for code in range(0x80, _END) if chr(code).isdigit()}
# Beyond two bytes it finds every sign, digit or not: the search is fast only while the list is short.
_FOREIGN = re.compile(f"[{''.join(chr(code) for code in _ASCII if code < _TWO_BYTES)}{chr(_TWO_BYTES)}-{chr(_END)}]")


def mask(text: str, holds: Holds = Holds.TEXT) -> str:
    """Return the text with every card number in it cut to its last four digits, however its digits are escaped."""
    if len(text) < SHORTEST:
        return text
    if any(map(_has_trace, map(with_plain_digits, texts_read(text)))):
        return _cut(text, _without_overlaps(_numbers_as_read(text, holds)))
    if not _has_trace(plain := with_plain_digits(text)):
        return text
    text = _cut(text, _floats(plain))
    return _cut(text, _numbers(with_plain_digits(text), holds))


def _floats(plain: str) -> Iterable[Found]:
    return find_floats(plain) if _FLOAT_TRACE.search(plain) is not None else ()


def _numbers(plain: str, holds: Holds) -> list[Found]:
    """Return the card numbers that aren't in an IBAN."""
    found = list(find(plain, holds))
    spared = ibans(plain) if found else []
    return [one for one in found if not _is_within(one.start, spared)]


def _numbers_as_read(text: str, holds: Holds) -> Iterator[Found]:
    """Yield the card numbers in the text and in what it reads as, with their places in the text itself."""
    for reading in readings(text):
        plain = with_plain_digits(reading.text)
        for one in (*_floats(plain), *_numbers(plain, holds)):
            yield Found(reading.begins[one.start], reading.ends[one.end - 1], one.digits)


def _without_overlaps(found: Iterable[Found]) -> list[Found]:
    """Return the numbers in their order; those that overlap are one, with the digits of the longest."""
    apart: list[Found] = []
    for one in sorted(found):
        if apart and one.start < (last := apart[-1]).end:
            digits = max(last, one, key=_length).digits
            apart[-1] = Found(last.start, max(last.end, one.end), digits)
        else:
            apart.append(one)
    return apart


def _length(found: Found) -> int:
    return found.end - found.start


def may_hold_number(texts: Iterable[str]) -> bool:
    """Return whether a card number may be in one of the texts. It's a quick look: only its no is certain."""
    # A letter and a NUL between two texts, so that no number, escape or tag reaches from one into the next.
    joined = "x\0".join([text for text in texts if len(text) >= SHORTEST])
    return any(map(_has_trace, map(with_plain_digits, (joined, *texts_read(joined)))))


def holds_masked_number(text: str) -> bool:
    """Return whether a card number was masked in the text."""
    return _MASKED.search(text) is not None


def with_plain_digits(text: str) -> str:
    """Return the text, as long as it was, with every digit in ASCII: of every script, superscripts and circled ones."""
    if text.isascii() or _FOREIGN.search(text) is None:
        return text
    return text.translate(_ASCII)


def digits_in(text: str) -> str:
    """Return the digits of a text as ASCII."""
    return _NOT_A_DIGIT.sub("", with_plain_digits(text))


def digits_alone(text: str) -> str:
    """Return the digits of a text that holds no letter, else nothing."""
    return digits_in(text) if _NUMBER_ALONE.fullmatch(with_plain_digits(text)) else ""


def is_full_number(text: str) -> bool:
    """Return whether the text is nothing but 13 to 19 digits, grouped or not, that pass Luhn."""
    digits = digits_alone(text)
    return SHORTEST <= len(digits) <= LONGEST and passes_luhn(digits)


def masked_number(digits: str) -> str:
    """Return a card number as it's shown: masked except for its last digits."""
    return MASK + digits[-LAST:]


def _is_within(place: int, spans: list[tuple[int, int]]) -> bool:
    """Return whether the place is in one of the spans, which come in their order."""
    # A search by halves, because a hostile text may hold thousands of numbers and of IBANs.
    before = bisect_right(spans, place, key=itemgetter(0))
    return before > 0 and place < spans[before - 1][1]


def _has_trace(text: str) -> bool:
    return _TRACE.search(text) is not None or _FLOAT_TRACE.search(text) is not None


def _cut(text: str, found: Iterable[Found]) -> str:
    pieces = []
    done = 0
    for one in found:
        pieces += [text[done : one.start], masked_number(one.digits)]
        done = one.end
    return "".join([*pieces, text[done:]])
