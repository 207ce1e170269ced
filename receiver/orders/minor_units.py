"""Tell whether a body's amounts are in minor units, such as cents."""

from __future__ import annotations

import re
from collections.abc import Sequence

from receiver.orders.names import Fields
from receiver.orders.value_clues import Conversion
from receiver.orders.vocabulary import word_set

#: Words of a name that holds money, and of one that doesn't, though it has such a word.
_MONEY = re.compile(r"(?i)price|amount|total|gross|fee(?!d)|tax|discount|shipping|cost|earnings")
_NO_MONEY = re.compile(
    r"(?i)rate|percent|count|quantity|qty|weight|number|id$|_at$|time|date|code|stock|year|month|days|items$"
)
_NUMBER = re.compile(r"-?[0-9][0-9.,]*")
_WHOLE = re.compile(r"[0-9]{1,12}")
_SAYS_CENTS = re.compile(r"(?i)cents|minor")
#: As Stripe writes it (https://docs.stripe.com/api/checkout/sessions/object).
_SAYS_MINOR = re.compile(r"(?i)cents|minor|amount_(?:total|subtotal|tax|discount|shipping)|unit_amount")
#: Currencies in which whole amounts are usual, though they have a smaller unit.
_USUALLY_WHOLE = word_set(
    "HUF INR IDR TWD COP CZK KZT UAH RUB RSD PHP THB EGP NGN KES PKR LKR ARS ALL AMD IRR LBP MMK UZS"
)
#: Less is seldom paid in cents; and one amount alone tells nothing.
_LEAST, _SIZES = 50, 2
_PERHAPS = "a whole amount; if it is in minor units such as cents, add minor = true"
_CHECK = "whole amounts, so taken for minor units such as cents; check"


def minor_units(fields: Fields, currency: str | None) -> str | None:
    """Return what to check about it if all amounts are in minor units, perhaps nothing; None if they aren't.

    Whole amounts of several sizes are, unless whole amounts are usual in the currency. One amount with decimals shows
    that none is.
    """
    amounts = [
        (name, value.strip())
        for name, value in fields
        if _NUMBER.fullmatch(value.strip()) and _MONEY.search(name) and not _NO_MONEY.search(name)
    ]
    if currency is None or not all(_WHOLE.fullmatch(value) for _, value in amounts):
        return None
    sizes = {int(value) for _, value in amounts} - {0}
    if any(_SAYS_MINOR.search(name) for name, _ in amounts):
        return ""
    if len(sizes) < _SIZES or min(sizes) < _LEAST or currency in _USUALLY_WHOLE:
        return None
    return _CHECK


def with_minor(how: Conversion, doubt: str | None, name: str, values: Sequence[str]) -> Conversion:
    """Return how amounts are read: as minor units, if the body's are (``doubt`` is not None) or the name says so."""
    if "decimal" in how.keys or not any(values) or not all(_WHOLE.fullmatch(value) for value in values if value):
        return how
    if doubt is None and not _SAYS_CENTS.search(name):
        is_whole = any(len(value) > 2 for value in values) and "sum" not in how.keys
        return Conversion(how.keys, how.note or (_PERHAPS if is_whole else None))
    return Conversion({**how.keys, "minor": True}, doubt or how.note)
