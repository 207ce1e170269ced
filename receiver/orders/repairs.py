"""Read values as shops really write them: each is tried once more in the contract's form, and what was done is noted.

Only values that are malformed come here, so a well-formed order costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from babel.core import Locale, get_global

from receiver.orders.conversions import date_text, decimal_text, epoch_text
from receiver.orders.names import Place, kind_of
from receiver.orders.values import decimals, is_nothing

#: A number as programs print it, with an exponent or the noise of a binary float.
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,25})?(?:[eE][+-]?[0-9]{1,2})?")
#: Grouped by thousands. Of 1,234 alone nobody knows whether its comma groups.
_GROUPED = re.compile(r"-?[0-9]{1,3}(?:(?:,[0-9]{3})+\.[0-9]+|(?:,[0-9]{3}){2,})")
_GROUPED_BY_POINTS = re.compile(r"-?[0-9]{1,3}(?:(?:\.[0-9]{3})+,[0-9]+|(?:\.[0-9]{3}){2,})")
#: Thousands have three digits.
_DECIMAL_COMMA = re.compile(r"-?[0-9]{1,15},[0-9]{1,2}")
_EPOCH = re.compile(r"[0-9]{10}(?:\.[0-9]{1,6})?")
_EPOCH_MILLISECONDS = re.compile(r"[0-9]{13}")
_DASHES = str.maketrans("‐‑‒–—−", "------")
_WITHOUT_COLON = re.compile(r"(.*[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?) ?([+-][0-9]{2})([0-9]{2})?")
_ZONELESS = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d")
_YES, _NO = frozenset({"yes", "y", "on", "t", "test"}), frozenset({"no", "n", "off", "f", "live", "production"})
_BETWEEN_ADDRESSES = re.compile(r"[\s,;]+")
#: The languages that countries are named in.
_LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt", "pl", "sv", "da", "nb", "fi", "cs")
_LONGEST = 200
#: What's taken off or goes back; shops write it with a minus or without.
_WITHOUT_SIGN = frozenset({"discount_total", "refund_total"})


class Repaired(NamedTuple):
    """A value in the contract's form."""

    #: Empty for a value that says nothing.
    text: str
    #: What was done, to stand after the field's name; empty where nobody needs to know.
    note: str = ""


def repair(place: Place, text: str, currency: str | None, zone: ZoneInfo | None) -> Repaired | None:
    """Return a malformed value in the contract's form, or None where it can't be read.

    ``currency`` is the order's; ``zone`` is the source's, and holds for dates without one, which are UTC otherwise.
    """
    if is_nothing(text):
        return Repaired("")
    if len(text) > _LONGEST:
        return None
    kind = kind_of(place.slot)
    if kind.name == "date":
        return _date(text, zone)
    if kind.name in ("amount", "number"):
        most = decimals(currency) if kind.has_currency_decimals else 6
        return _discount(text, most) if place.field in _WITHOUT_SIGN else _number(text, most)
    other = _BY_KIND.get(kind.name)
    return other(text) if other else None


def _number(text: str, most: int) -> Repaired | None:
    """Return a number with at most so many decimals: drop zeros, and round away a float's error."""
    plain = text
    if _GROUPED.fullmatch(text):
        plain = text.replace(",", "")
    elif _GROUPED_BY_POINTS.fullmatch(text):
        plain = text.replace(".", "").replace(",", ".")
    elif _DECIMAL_COMMA.fullmatch(text):
        plain = text.replace(",", ".")
    elif "," not in text:
        plain = decimal_text(text, ".")  # without a currency's sign
    if _NUMBER.fullmatch(plain) is None:
        return None
    exact = Decimal(plain)
    try:
        rounded = exact.quantize(Decimal(1).scaleb(-most), ROUND_HALF_UP)
    except ArithmeticError:  # more digits than any amount
        return None
    written = format(rounded.normalize() + 0, "f") if exact == rounded else format(rounded, "f")
    return Repaired(written, "" if exact == rounded else "was rounded")


def _discount(text: str, most: int) -> Repaired | None:
    repaired = _number(text, most)
    if repaired is None or not repaired.text.startswith("-"):
        return repaired
    return Repaired(repaired.text[1:], "was negative: what was taken off is a positive amount")


def _date(text: str, zone: ZoneInfo | None) -> Repaired | None:
    plain = text.translate(_DASHES).strip()
    if _EPOCH.fullmatch(plain) or _EPOCH_MILLISECONDS.fullmatch(plain):
        return Repaired(epoch_text(plain, "ms" if len(plain.partition(".")[0]) == 13 else "s"))
    if match := _WITHOUT_COLON.fullmatch(plain):
        return Repaired(f"{match[1]}{match[2]}:{match[3] or '00'}")
    read = date_text(plain, _ZONELESS, zone or ZoneInfo("UTC"))
    if read == plain:
        return Repaired(plain) if plain != text else None
    return Repaired(read, f"has no zone: it was read in {zone.key if zone else 'UTC'}")


def _flag(text: str) -> Repaired | None:
    word = text.lower()
    return Repaired("true") if word in _YES else Repaired("false") if word in _NO else None


def _address(text: str) -> Repaired | None:
    """Return the first of several addresses, or one whose unescaped ``+`` was decoded as a space."""
    parts = [part for part in _BETWEEN_ADDRESSES.split(text.strip()) if part]
    if len(parts) > 1 and all("@" in part for part in parts):
        return Repaired(parts[0], "holds several addresses: the first was used")
    local, at, domain = text.strip().partition("@")
    if at and " " in local and " " not in domain:
        return Repaired(f"{local.replace(' ', '+')}@{domain}", "held a blank, which was read as a plus")
    return None


def _country(text: str) -> Repaired | None:
    """Return the code of a country that's written as three letters or by its name."""
    aliases = get_global("territory_aliases").get(text.upper(), ()) if len(text) == 3 else ()
    code = next(iter(aliases), None) or _country_names().get(" ".join(text.casefold().split()))
    return Repaired(code) if code else None


@lru_cache(maxsize=1)
def _country_names() -> dict[str, str]:
    """Return the code by each name of a country, in the languages that shops mostly write."""
    names = {"united states of america": "US", "usa": "US", "uk": "GB", "england": "GB", "great britain": "GB"}
    for language in reversed(_LANGUAGES):
        names |= {name.casefold(): code for code, name in Locale(language).territories.items() if len(code) == 2}
    return names


_BY_KIND: dict[str, Callable[[str], Repaired | None]] = {
    "boolean": _flag,
    "email": _address,
    "country": _country,
}
