"""Convert foreign amounts and dates into the contract's form.

What can't be converted is returned as it came, for the parser to judge.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

#: Letters of an amount or a date, its words included.
_LONGEST = 100


def decimal_text(value: str, point: str) -> str:
    """Return an amount such as ``£1.234,56`` as ``1234.56``: sign or code of a currency and grouping removed.

    ``point`` separates the decimals. Decimals that are all zero are left off, because a sender may write more of
    them than the currency has.
    """
    number = _number(point).fullmatch(value) if len(value) <= _LONGEST else None
    if number is None:
        return value
    before, whole, decimals = number.groups()
    sign = "-" if re.search(r"[-−]", before) else ""
    digits = re.sub(r"[^0-9]", "", whole)
    return f"{sign}{digits}.{decimals}" if (decimals or "").strip("0") else f"{sign}{digits}"


@lru_cache
def _number(point: str) -> re.Pattern[str]:
    mark = re.escape(point)
    grouping = "[.\\s'’]" if point == "," else "[,\\s'’]"
    whole = rf"[0-9]{{1,3}}(?:{grouping}[0-9]{{2,3}})*{grouping}[0-9]{{3}}|[0-9]+"
    # In some countries brackets or a minus at the end mean a negative amount: such a value isn't converted.
    # Nor is one that begins with a mark, whichever stands before the decimals; in "Fr.500" it ends a word.
    no_mark = rf"(?<!{mark})(?<![^A-Za-z][.,])(?<!^[.,])"
    return re.compile(rf"([^0-9(]{{0,10}}){no_mark}({whole})(?:{mark}([0-9]+))?[^0-9\-−)]{{0,10}}")


def date_text(value: str, form: str, zone: ZoneInfo) -> str:
    """Return a date of the strptime form as RFC 3339 in UTC; it's read in ``zone`` if the form has no %z."""
    if len(value) > _LONGEST:
        return value
    try:
        if "%z" in form:
            return datetime.strptime(value, form).astimezone(UTC).isoformat()
        return datetime.strptime(value, form).replace(tzinfo=zone).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return value
