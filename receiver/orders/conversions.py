"""Convert a shop's amounts, dates and names into the contract's form.

What can't be converted is returned as it came, for the parser to judge.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from receiver.orders.values import decimals

#: Letters of an amount or a date, its words included.
_LONGEST = 100
_WHOLE = re.compile(r"-?[0-9]{1,18}(?:\.0{1,6})?")
#: A longer one, or one with a large exponent, would be written with as many digits.
_PLAIN = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,2})?")
#: The short names of zones that shops write in dates, as hours before UTC. IST and others of two meanings are left out.
ZONE_WORDS = {
    "UTC": "+0000",
    "GMT": "+0000",
    "Z": "+0000",
    "WET": "+0000",
    "BST": "+0100",
    "CET": "+0100",
    "CEST": "+0200",
    "EET": "+0200",
    "EEST": "+0300",
    "MSK": "+0300",
    "EST": "-0500",
    "EDT": "-0400",
    "CDT": "-0500",
    "MST": "-0700",
    "MDT": "-0600",
    "PST": "-0800",
    "PDT": "-0700",
    "JST": "+0900",
    "AEST": "+1000",
    "AEDT": "+1100",
    "NZST": "+1200",
    "NZDT": "+1300",
}


def decimal_text(value: str, point: str) -> str:
    """Return an amount such as ``£1.234,56`` as ``1234.56``: sign or code of a currency and grouping removed.

    ``point`` separates the decimals. Decimals that are all zero are left off, because a sender may write more of
    them than the currency has.
    """
    number = _number(point).fullmatch(value) if len(value) <= _LONGEST else None
    if number is None:
        return value
    before, whole, fraction = number.groups()
    sign = "-" if re.search(r"[-−]", before) else ""
    digits = re.sub(r"[^0-9]", "", whole)
    return f"{sign}{digits}.{fraction}" if (fraction or "").strip("0") else f"{sign}{digits}"


@lru_cache
def _number(point: str) -> re.Pattern[str]:
    mark = re.escape(point)
    grouping = "[.\\s'’]" if point == "," else "[,\\s'’]"
    whole = rf"[0-9]{{1,3}}(?:{grouping}[0-9]{{2,3}})*{grouping}[0-9]{{3}}|[0-9]+"
    # In some countries brackets or a minus at the end mean a negative amount: such a value isn't converted.
    # Nor is one that begins with a mark, whichever stands before the decimals; in "Fr.500" it ends a word.
    no_mark = rf"(?<!{mark})(?<![^A-Za-z][.,])(?<!^[.,])"
    return re.compile(rf"([^0-9(]{{0,10}}){no_mark}({whole})(?:{mark}([0-9]+))?[^0-9\-−)]{{0,10}}")


def date_text(value: str, forms: Sequence[str], zone: ZoneInfo) -> str:
    """Return a date in one of the strptime forms as RFC 3339 in UTC.

    ``zone`` holds where a form has neither %z nor %Z.
    """
    for form in forms if len(value) <= _LONGEST else ():
        try:
            return _date(value, form, zone).astimezone(UTC).isoformat()
        except (ValueError, OverflowError):
            continue
    return value


def _date(value: str, form: str, zone: ZoneInfo) -> datetime:
    if form.endswith("%Z"):  # Python reads only the short names of this machine's own zone
        value, _, word = value.rpartition(" ")
        value, form = f"{value} {ZONE_WORDS.get(word.upper(), word)}", form[:-1] + "z"
    date = datetime.strptime(value, form)  # noqa: DTZ007 - the zone follows
    return date if date.tzinfo else date.replace(tzinfo=zone)


def minor_text(value: str, currency: str | None) -> str:
    """Return an amount in minor units, such as cents, in major ones: 4980 is 49.80 EUR and 4980 JPY.

    Where it can't be converted, it isn't passed on as it came: a hundred times too much is no amount. Nothing is 0 in
    any currency.
    """
    if value == "0" and currency is None:
        return value
    if currency is None or _WHOLE.fullmatch(value) is None:
        return f"{value} (minor units of {currency or 'an unknown currency'})" if value else ""
    return format(Decimal(value).to_integral_value().scaleb(-decimals(currency)), "f")


def epoch_text(value: str, unit: str) -> str:
    """Return seconds (``s``) or milliseconds (``ms``) since 1970 as an RFC 3339 date in UTC."""
    try:
        seconds = _decimal(value) / (1000 if unit == "ms" else 1)
        return datetime.fromtimestamp(float(seconds), UTC).isoformat()
    except (ArithmeticError, ValueError, OverflowError, OSError):
        return value


def split_text(value: str, part: str) -> str:
    """Return the ``first`` names of a whole name, or its ``last`` word; a name of one word is a first one."""
    first, _, last = value.rpartition(" ")
    return last if part == "last" and first else (first.strip() or value if part == "first" else "")


def sum_text(values: Sequence[str]) -> str:
    """Return the sum of amounts; where one is none, the amounts as they came."""
    try:
        return format(sum(map(_decimal, values), Decimal(0)), "f")
    except (ArithmeticError, ValueError):
        return " + ".join(values)


def rounded_text(value: str, currency: str | None) -> str:
    """Return an amount rounded half up to the decimals of its currency, to two without one."""
    try:
        places = 2 if currency is None else decimals(currency)
        return format(_decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP), "f")
    except (ArithmeticError, ValueError):
        return value


def divided_text(value: str, by: str) -> str:
    """Return an amount divided by another, with at most six decimals, such as the price of one piece of a line."""
    try:
        quotient = (_decimal(value) / _decimal(by)).quantize(Decimal("0.000001"), ROUND_HALF_UP)
    except (ArithmeticError, ValueError):
        return value
    return format(quotient.normalize() + 0, "f")


def negated_text(value: str) -> str:
    """Return an amount with its sign turned."""
    return value.removeprefix("-") if value.startswith("-") else f"-{value}"


def _decimal(text: str) -> Decimal:
    if _PLAIN.fullmatch(text) is None:
        raise ValueError("is no plain number")
    return Decimal(text)
