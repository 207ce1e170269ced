"""Write amounts, dates and countries in a person's language. Pure: the caller passes locale and time zone."""

from __future__ import annotations

import re
from datetime import datetime, tzinfo
from decimal import Decimal
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, parse_pattern

#: The language of the console and of alerts, and how its readers write amounts and dates.
ENGLISH = Locale("en", "GB")
#: Between currency code and digit, CLDR has a space (UTS 35, currency spacing); Babel leaves it out.
_CODE_AGAINST_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)")


def known_locale(tag: str | None, default: str) -> Locale:
    """Return the locale of a BCP 47 tag, or the default one if the tag is empty or unknown."""
    for candidate in (tag, default):
        try:
            return Locale.parse((candidate or "").replace("-", "_"))
        except (UnknownLocaleError, ValueError):
            continue
    return Locale("en")


def money(amount: Decimal | None, currency: str | None, locale: Locale) -> str:
    """Return an amount in major units with its currency (ISO 4217), or without one as a plain number.

    All its decimals are shown: a unit price may have more than the currency. A missing amount is "".
    """
    # As text, since 1.5 and 1.50 are equal numbers and are written in two ways.
    return "" if amount is None else _money(str(amount), currency, locale)


# An email has twenty amounts, most of them twice, and writing one costs as much as a tenth of rendering it.
@lru_cache(4096)
def _money(text: str, currency: str | None, locale: Locale) -> str:
    amount = Decimal(text)
    amount = amount or abs(amount)  # zero has no minus sign
    if currency:
        written = format_currency(amount, currency, locale=locale, decimal_quantization=False)
        return _CODE_AGAINST_DIGIT.sub("\u00a0", written)
    exponent = amount.as_tuple().exponent
    decimals = max(-exponent, 0) if isinstance(exponent, int) else 0
    pattern = parse_pattern(locale.decimal_formats[None].pattern)
    pattern.frac_prec = (decimals, decimals)
    return format_decimal(amount, format=pattern, locale=locale)


def date(when: datetime | None, locale: Locale, timezone: tzinfo) -> str:
    """Return the day that an aware time falls on in the zone. A missing time is ""."""
    if when is None:
        return ""
    try:
        local = when.astimezone(timezone)
    except OverflowError:
        local = when
    return format_date(local, "long", locale=locale)


def country(code: str | None, locale: Locale) -> str:
    """Return the name of a country (ISO 3166-1 alpha-2). An unknown code stays as it is, a missing one is ""."""
    return str(locale.territories.get(code.upper(), code)) if code else ""
