"""Find the rule that reads a shop's values: its decimal point, words and currency."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from babel.core import Locale

from receiver.orders import values
from receiver.orders.conversions import decimal_text, negated_text, rounded_text
from receiver.orders.date_forms import date_form
from receiver.orders.field_types import Kind
from receiver.orders.names import Place
from receiver.orders.repairs import repair

#: Sign before or after an amount -> its currency; where several share the sign, the likeliest.
SIGNS = {"£": "GBP", "€": "EUR", "$": "USD", "US$": "USD", "₹": "INR", "zł": "PLN", "₺": "TRY", "₩": "KRW", "R$": "BRL"}
#: The merchant is asked to check these: too many currencies have them.
_SHARED_SIGNS = {"$"}
#: One or two decimals, or more than three; three may be a group of digits.
_SURELY_A_POINT = re.compile(r"-?[0-9]+\.(?:[0-9]{1,2}|[0-9]{4,})")
_WORDS_OF_BOOLEANS = {
    word: ours
    for ours, words in {"true": "yes y on ja oui si", "false": "no n off nein non"}.items()
    for word in words.split()
}
_LANGUAGES = ("en", "de", "fr", "es", "it", "nl")
_COMMA_DECIMALS = re.compile(r".*[0-9],[0-9]{1,2}[^0-9]*")
#: A currency's code says so only beside an amount with decimals: CUP-01 and EUR 5 may be anything.
_WITH_CODE = re.compile(r"[A-Za-z]{3}\s?-?[0-9][0-9.,'’ ]*[.,][0-9]{2}|-?[0-9][0-9.,'’ ]*[.,][0-9]{2}\s?[A-Za-z]{3}")
_A_COUNTRY = Place("billing", 0, "country")
_PLAIN = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,20})?")
_MARK = re.compile(r"[^0-9.,\s'’()−-]+")


class Conversion(NamedTuple):
    """The keys that a rule needs beside the name, such as ``decimal``, and a note for the merchant."""

    keys: dict[str, Any]
    note: str | None = None


def decimal_point(texts: Sequence[str]) -> str:
    """Return what separates decimals in a body: a comma if one of the amounts needs it, else a point."""
    commas = (decimal_text(text, ",") for text in texts if _COMMA_DECIMALS.fullmatch(text))
    return "," if any(_reads(values.amount, text) for text in commas) else "."


def conversion(kind: Kind, texts: Sequence[str], point: str) -> Conversion | None:
    """Return how to read these values as this kind, or None if that's impossible; ``point`` is the body's."""
    if kind.name in ("amount", "number"):
        return _as_number(kind, texts, point)
    if all_read(kind, texts) or (kind.name == "country" and all(map(_is_a_known_country, texts))):
        return Conversion({})
    if kind.name == "date":
        form = date_form(texts)
        return None if form is None else Conversion(*form)
    words = _WORDS.get(kind.name)
    found = {text: words(text.lower()) for text in texts if not _reads(kind.read, text)} if words else {}
    if not found or None in found.values():
        return None
    note = "for the countries of this order; others need words of their own" if kind.name == "country" else None
    return Conversion({"words": found}, note)


def all_read(kind: Kind, texts: Sequence[str]) -> bool:
    """Return whether every value is well-formed for its kind."""
    return all(_reads(kind.read, text) for text in texts)


def plain_amount(text: str, point: str) -> Decimal | None:
    """Return the amount that a text is, written with a point or the body's own sign before its decimals."""
    for written in (text, decimal_text(text, point)):
        if _PLAIN.fullmatch(written):
            return Decimal(written)
    return None


def currency_of(texts: Sequence[str]) -> Conversion | None:
    """Return the currency as a constant, if the signs or codes in the amounts all mean the same one."""
    marks = {mark for text in texts if _is_amount(text) for mark in _currency_marks(text)}
    codes = {SIGNS.get(mark, mark.upper()) for mark in marks}
    if len(codes) != 1:
        return None
    note = "several countries call their currency a dollar; check" if marks & _SHARED_SIGNS else None
    return Conversion({"value": codes.pop()}, note)


def _as_number(kind: Kind, texts: Sequence[str], point: str) -> Conversion | None:
    if (point == "." or kind.name == "number" or any(_SURELY_A_POINT.fullmatch(text) for text in texts)) and all_read(
        kind, texts
    ):
        return Conversion({})
    for mark in (point, "." if point == "," else ","):
        if all_read(kind, [decimal_text(text, mark) for text in texts]):
            return Conversion({"decimal": mark})
    if kind.name == "amount" and all_read(kind, [negated_text(text) for text in texts]):
        return Conversion({"negate": True})
    if kind.name == "amount" and all_read(kind, [rounded_text(text, None) for text in texts]):
        return Conversion({"round": True})
    return None


def _is_amount(text: str) -> bool:
    return any(_reads(values.amount, decimal_text(text, point)) for point in ".,")


def _currency_marks(text: str) -> set[str]:
    """Return the currency signs and codes in an amount."""
    marks = _MARK.findall(text)
    has_code = _WITH_CODE.fullmatch(text) is not None
    return {mark for mark in marks if mark in SIGNS or (has_code and _reads(values.currency, mark))}


def _reads(read: Callable[..., object], *given: str) -> bool:
    """Return whether a function can read its arguments, and doesn't raise ValueError."""
    try:
        read(*given)
    except ValueError:
        return False
    return True


@cache
def _countries() -> dict[str, str]:
    """Return each country's code by its names in several languages, in lower case."""
    return {
        name.lower(): str(code)
        for language in reversed(_LANGUAGES)
        for code, name in Locale(language).territories.items()
        if len(code) == 2
    }


@cache
def _currencies() -> dict[str, str]:
    names = {name.lower(): str(code) for code, name in Locale("en").currencies.items()}
    signs = {sign.lower(): code for sign, code in SIGNS.items()}
    return names | {"euro": "EUR", "euros": "EUR", "pound": "GBP", "pounds": "GBP"} | signs


def _is_a_known_country(text: str) -> bool:
    """Return whether the parser reads a country without a rule: by its code of three letters, or its name."""
    return _reads(values.country, text) or repair(_A_COUNTRY, text, None, None) is not None


def _country(word: str) -> str | None:
    """Return the code of ``us united states``, as Yahoo writes a country."""
    code = word[:2].upper()
    return code if _countries().get(word[3:]) == code and _reads(values.country, code) else None


#: Kind -> a function that translates a shop's word, in lower case, into the contract's.
_WORDS: dict[str, Callable[[str], str | None]] = {
    "country": _country,
    "currency": lambda word: _currencies().get(word),
    "boolean": _WORDS_OF_BOOLEANS.get,
}
