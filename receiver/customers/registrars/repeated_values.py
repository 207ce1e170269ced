"""Take a customer's values out of what a website says of them, however it repeats them."""

from __future__ import annotations

import html
import json
import re
from urllib.parse import quote, unquote

from receiver.customers.registrars import Fields

#: Shorter values, such as a country's, tell nobody who it is.
_SHORTEST_VALUE = 4
#: Digits with what stands before and between those of a telephone number, escaped too.
_NUMBER = re.compile(r"(?:\+|%2[Bb])?\(?\d(?:(?:[\s().\-/]|%[0-9A-Fa-f]{2}|&nbsp;){0,3}\d){5,}")
#: The last digits show whose number it is: before them, country and area may be spelled in several ways.
_FEWEST_DIGITS, _LAST_DIGITS = 6, 7


def without_values(said: str, fields: Fields) -> str:
    """Replace the customer's values in a text by the fields' names: `flask doctor` shows it."""
    values = {value: name for name, value in fields.items() if isinstance(value, str) and len(value) >= _SHORTEST_VALUE}
    for value in sorted(values, key=len, reverse=True):
        for spelled in {value, json.dumps(value)[1:-1], quote(value), html.escape(value)}:  # as websites repeat it
            said = re.sub(rf"(?<!\w){re.escape(spelled)}(?!\w)", f"[{values[value]}]", said, flags=re.IGNORECASE)
    by_digits = {_digits(value): name for value, name in values.items()}
    numbers = {digits[-_LAST_DIGITS:]: name for digits, name in by_digits.items() if len(digits) >= _FEWEST_DIGITS}

    def named(found: re.Match[str]) -> str:
        digits = _digits(html.unescape(unquote(found[0])))
        return next((f"[{name}]" for last, name in numbers.items() if last in digits), found[0])

    return _NUMBER.sub(named, said)


def _digits(text: str) -> str:
    return "".join(str(int(one)) for one in text if one.isdecimal())
