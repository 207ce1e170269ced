"""Read single values. Each function takes text without outer white space, and raises ValueError for a malformed one.

A message says what's expected and what to do. It never holds the value.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache

from babel.core import Locale, UnknownLocaleError, get_global

#: ISO 4217 currencies whose minor unit is not a hundredth.
_DECIMALS = {
    code: places
    for places, codes in {
        0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
        3: "BHD IQD JOD KWD LYD OMR TND",
        4: "CLF UYW",
    }.items()
    for code in codes.split()
}
_DECIMALS_WITHOUT_CURRENCY = 4
#: What nearly every amount has.
_CENTS, _ONE_CENT = 2, Decimal("0.01")
_CURRENCIES = frozenset(get_global("all_currencies"))

#: Territories of CLDR that aren't countries of ISO 3166-1. XK (Kosovo) stays: shops and banks use it.
_NOT_COUNTRIES = {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"}
_COUNTRIES = frozenset(
    code for code in map(str, Locale("en").territories) if len(code) == 2 and code not in _NOT_COUNTRIES
)

_AMOUNT = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,6})?")
_LONGEST_AMOUNT, _LONGEST_WHOLE = 23, 9
_QUANTITY = re.compile(r"0{0,9}[0-9]{1,9}(?:\.[0-9]{1,6})?")
_LONGEST_URL = 2_048
_DATE = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?:(\.[0-9]{1,6})[0-9]*)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}

#: What shops write where there's nothing.
NOTHING = frozenset({"", "null", "Null", "NULL", "n/a", "N/A", "-", "undefined"})


def is_nothing(value: str) -> bool:
    """Return whether a text stands for a missing value."""
    return value.strip() in NOTHING


def amount(value: str) -> Decimal:
    """Return an amount in major units, exactly as written."""
    if len(value) > _LONGEST_AMOUNT or (read := _plain_amount(value)) is None:
        raise ValueError('must be a plain decimal number such as "19.99": digits and one point, nothing else')
    return read


@lru_cache(maxsize=4096)
def _plain_amount(value: str) -> Decimal | None:
    """Return the amount, None for what's none; a shop's prices come again and again."""
    return Decimal(value) if _AMOUNT.fullmatch(value) else None


def positive_amount(value: str) -> Decimal:
    """Return an amount that is not negative."""
    if value.startswith("-"):
        raise ValueError("must not be negative: send what was taken off as a positive number")
    return amount(value)


def decimals(currency: str | None) -> int:
    """Return how many decimals an amount in the currency may have (ISO 4217; order-post "Parameters")."""
    return _DECIMALS_WITHOUT_CURRENCY if currency is None else _DECIMALS.get(currency, 2)


def check_decimals(value: Decimal, currency: str | None) -> None:
    """Raise ValueError if the amount has more decimals than its currency."""
    most = decimals(currency)
    if most >= _CENTS and value.same_quantum(_ONE_CENT):
        return
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > most:
        raise ValueError(f"has more than the {most} decimals of {currency or 'an unknown currency'}")


def quantity(value: str) -> int | Decimal:
    """Return a quantity above 0, as an int if it's whole; things sold by length or weight may have decimals."""
    if value.isascii() and value.isdigit() and len(value) <= _LONGEST_WHOLE and (pieces := int(value)):
        return pieces
    number = Decimal(value) if _QUANTITY.fullmatch(value) else Decimal(0)
    if not number:
        raise ValueError('must be a number greater than 0, such as "2" or "0.55"')
    whole = int(number)
    return whole if whole == number else number.normalize()


def boolean(value: str) -> bool:
    """Return the meaning of true, false, 1 or 0, in upper or lower case."""
    known = _BOOLEANS.get(value.lower())
    if known is None:
        raise ValueError("must be true, false, 1 or 0")
    return known


def moment(value: str) -> datetime:
    """Return an RFC 3339 date in UTC; digits beyond the microsecond are left off."""
    found = _DATE.fullmatch(value)
    if found is None:
        raise ValueError('must be an RFC 3339 date with an offset, such as "2026-11-23T14:05:00+01:00"')
    day, time, fraction, offset = found.groups()
    try:
        return datetime.fromisoformat(f"{day}T{time}{fraction or ''}{offset.upper()}").astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("names a day or time that does not exist") from error


def country(value: str) -> str:
    """Return an ISO 3166-1 alpha-2 code in capitals."""
    code = value.upper()
    if not value.isascii() or code not in _COUNTRIES:  # ß in capitals is SS, South Sudan
        raise ValueError('must be an ISO 3166-1 alpha-2 code such as "GB"')
    return code


def currency(value: str) -> str:
    """Return an ISO 4217 code in capitals."""
    code = value.upper()
    if not value.isascii() or code not in _CURRENCIES:
        raise ValueError('must be an ISO 4217 code such as "EUR"')
    return code


def locale(value: str) -> str:
    """Return a BCP 47 language tag that Babel has data for, without its extensions."""
    if len(value) > 100:
        raise ValueError('must be a BCP 47 language tag such as "en-GB"')
    return _known_locale(value)


@lru_cache(maxsize=256)
def _known_locale(value: str) -> str:
    tag = re.split(r"[-_][A-Za-z0-9][-_]", value, maxsplit=1)[0]
    try:
        if _LANGUAGE_TAG.fullmatch(tag) is None:
            raise ValueError(tag)
        return str(Locale.parse(tag.replace("_", "-"), sep="-")).replace("_", "-")
    except (ValueError, UnknownLocaleError):
        raise ValueError('must be a BCP 47 language tag such as "en-GB"') from None


def url(value: str) -> str:
    """Return an http or https address."""
    if len(value) > _LONGEST_URL:
        raise ValueError(f"is longer than {_LONGEST_URL} letters")
    if not value.lower().startswith(("https://", "http://")) or not value.isprintable() or " " in value:
        raise ValueError("must be an address that begins with https:// or http://")
    return value


def order_id(value: str) -> str:
    """Return an order's id, whatever it looks like."""
    return _identifier(value, most=255)


def event_id(value: str) -> str:
    """Return an event's id, which the signature scheme forbids to hold a full stop."""
    if "." in value:
        raise ValueError('must not hold a "."')
    return _identifier(value, most=255)


def event(value: str) -> str:
    """Return an event's name in lower case."""
    return _identifier(value.lower(), most=100)


def format_version(value: str) -> str:
    """Return the version of the format, of which there is one."""
    if value != "1":
        raise ValueError('must be "1", the version of the format that is understood here')
    return value


def options(value: str) -> dict[str, str]:
    """Return the choices of ``Colour: red, Size: M, L``; a piece without a colon belongs to the one before.

    Text without any colon is one choice named ``options``.
    """
    choices: dict[str, list[str]] = {}
    name = "options"
    for piece in value.split(","):
        before, colon, after = piece.partition(":")
        name = before.strip() if colon else name
        choices.setdefault(name, []).append((after if colon else piece).strip())
    return {name: ", ".join(pieces) for name, pieces in choices.items()}


def _identifier(value: str, *, most: int) -> str:
    if not 1 <= len(value) <= most or _CONTROL.search(value):
        raise ValueError(f"must be 1 to {most} characters without control characters")
    return value
