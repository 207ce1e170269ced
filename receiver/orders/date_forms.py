"""Find the form in which a foreign date is written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from receiver.orders import values
from receiver.orders.conversions import date_text

_DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%y", "%m/%d/%y", "%d.%m.%y")
_DAYS_IN_WORDS = ("%d %B %Y", "%d %b %Y", "%B %d, %Y", "%b %d, %Y", "%a, %d %b %Y", "%d-%b-%Y")
_TIMES = ("", " %H:%M:%S", " %H:%M", "T%H:%M:%S", "T%H:%M", " %I:%M %p", " %I:%M:%S %p", ", %H:%M", " %H:%M:%S %z")
#: With the offset or zone behind the time; PayPal's IPN writes the time first.
_WITH_FRACTION = ("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%d %H:%M:%S.%f")
_WITH_ZONE = tuple(
    f"{form} {zone}"
    for form in (
        "%Y-%m-%d %H:%M:%S",
        "%a, %d %b %Y %H:%M:%S",
        "%H:%M:%S %b %d, %Y",
        "%H:%M:%S %d %b %Y",
        "%a %b %d %H:%M:%S %Y",
    )
    for zone in ("%z", "%Z")
)
#: The formats to try, day before month; the note says when it could be the other way round.
DATE_FORMS = tuple(
    dict.fromkeys([day + time for day in (*_DAYS, *_DAYS_IN_WORDS) for time in _TIMES] + [*_WITH_FRACTION, *_WITH_ZONE])
)
_EPOCH = re.compile(r"1[0-9]{9}(?:\.[0-9]{1,6})?|1[0-9]{12}")
_LONGEST_DATE = 40
_UTC = ZoneInfo("UTC")
#: Digits of the seconds since 1970, from 2001 on; milliseconds have three more.
_SECONDS = 10


def date_form(texts: Sequence[str]) -> tuple[dict[str, Any], str | None] | None:
    """Return the keys of a rule that reads these texts as dates, and what to check about it; None if none does."""
    if any(len(text) > _LONGEST_DATE for text in texts):
        return None
    if all(_EPOCH.fullmatch(text) for text in texts):
        return {"epoch": "ms" if len(texts[0].partition(".")[0]) > _SECONDS else "s"}, None
    forms = [form for form in DATE_FORMS if all(_is_date(text, form) for text in texts)]
    if not forms:
        return None
    other = forms[0].replace("%d/%m", "%m/%d")
    is_unsure = other != forms[0] and other in forms
    return {"date": forms[0]}, f'if the month comes first, use date = "{other}"' if is_unsure else None


def _is_date(text: str, form: str) -> bool:
    try:
        values.moment(date_text(text, [form], _UTC))
    except ValueError:
        return False
    return True
