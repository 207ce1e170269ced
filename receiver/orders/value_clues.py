"""Find the rule that reads a shop's values: its date format, decimal point, words and currency."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from babel.core import Locale, get_global

from receiver.orders import values
from receiver.orders.conversions import decimal_text
from receiver.orders.field_types import Kind

#: Sign before or after an amount -> its currency; where several share the sign, the likeliest.
SIGNS = {"£": "GBP", "€": "EUR", "$": "USD", "US$": "USD", "₹": "INR", "zł": "PLN", "₺": "TRY", "₩": "KRW", "R$": "BRL"}
#: The merchant is asked to check these: too many currencies have them.
_SHARED_SIGNS = {"$"}
_DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%y", "%m/%d/%y", "%d.%m.%y")
_DAYS_IN_WORDS = ("%d %B %Y", "%d %b %Y", "%B %d, %Y", "%b %d, %Y", "%a, %d %b %Y", "%d-%b-%Y")
_TIMES = ("", " %H:%M:%S", " %H:%M", "T%H:%M:%S", "T%H:%M", " %I:%M %p", " %I:%M:%S %p", ", %H:%M", " %H:%M:%S %z")
#: The formats to try, day before month; the note says when it could be the other way round.
DATE_FORMS = tuple(day + time for day in (*_DAYS, *_DAYS_IN_WORDS) for time in _TIMES)
_LONGEST_DATE = 40
_WORDS_OF_BOOLEANS = {
    word: ours
    for ours, words in {"true": "yes y on ja oui si", "false": "no n off nein non"}.items()
    for word in words.split()
}
_LANGUAGES = ("en", "de", "fr", "es", "it", "nl")
_COMMA_DECIMALS = re.compile(r".*[0-9],[0-9]{1,2}[^0-9]*")
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
    if all_read(kind, texts):
        return Conversion({})
    if kind.name == "date":
        return _as_date(texts)
    words = _WORDS.get(kind.name)
    found = {text: words(text.lower()) for text in texts if not _reads(kind.read, text)} if words else {}
    if not found or None in found.values():
        return None
    return Conversion({"words": found})


def all_read(kind: Kind, texts: Sequence[str]) -> bool:
    """Return whether every value is well-formed for its kind."""
    return all(_reads(kind.read, text) for text in texts)


def currency_of(texts: Sequence[str]) -> Conversion | None:
    """Return the currency as a constant, if the signs or codes in the amounts all mean the same one."""
    marks = {mark for text in texts if _is_amount(text) for mark in _currency_marks(text)}
    codes = {SIGNS.get(mark, mark.upper()) for mark in marks}
    if len(codes) != 1:
        return None
    note = "several countries call their currency a dollar; check" if marks & _SHARED_SIGNS else None
    return Conversion({"value": codes.pop()}, note)


def is_money(text: str) -> bool:
    """Return whether a value is surely money: an amount with a currency's sign or code, or with two decimals."""
    return _is_amount(text) and bool(_currency_marks(text) or re.search(r"[.,][0-9]{2}$", text))


def _as_number(kind: Kind, texts: Sequence[str], point: str) -> Conversion | None:
    if (point == "." or kind.name == "number") and all_read(kind, texts):
        return Conversion({})
    for mark in (point, "." if point == "," else ","):
        if all_read(kind, [decimal_text(text, mark) for text in texts]):
            return Conversion({"decimal": mark})
    return None


def _as_date(texts: Sequence[str]) -> Conversion | None:
    if any(len(text) > _LONGEST_DATE for text in texts):
        return None
    forms = [form for form in DATE_FORMS if all(_reads(datetime.strptime, text, form) for text in texts)]
    if not forms:
        return None
    other = forms[0].replace("%d/%m", "%m/%d")
    is_unsure = other != forms[0] and other in forms
    return Conversion({"date": forms[0]}, f'if the month comes first, use date = "{other}"' if is_unsure else None)


def _is_amount(text: str) -> bool:
    return any(_reads(values.amount, decimal_text(text, point)) for point in ".,")


def _currency_marks(text: str) -> set[str]:
    """Return the currency signs and codes in an amount."""
    return {mark for mark in _MARK.findall(text) if mark in SIGNS or _reads(values.currency, mark)}


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
    found = {
        name.lower(): str(code)
        for language in reversed(_LANGUAGES)
        for code, name in Locale(language).territories.items()
        if len(code) == 2
    }
    aliases = {alias.lower(): codes[0] for alias, codes in get_global("territory_aliases").items() if len(codes) == 1}
    return aliases | found | {"england": "GB", "scotland": "GB", "wales": "GB", "great britain": "GB", "usa": "US"}


@cache
def _currencies() -> dict[str, str]:
    names = {name.lower(): str(code) for code, name in Locale("en").currencies.items()}
    signs = {sign.lower(): code for sign, code in SIGNS.items()}
    return names | {"euro": "EUR", "euros": "EUR", "pound": "GBP", "pounds": "GBP"} | signs


def _country(word: str) -> str | None:
    code = _countries().get(word, "")
    return code if _reads(values.country, code) else None


#: Kind -> a function that translates a shop's word, in lower case, into the contract's.
_WORDS: dict[str, Callable[[str], str | None]] = {
    "country": _country,
    "currency": lambda word: _currencies().get(word),
    "boolean": _WORDS_OF_BOOLEANS.get,
}
