"""Numbers that look like a card's and aren't: article and telephone numbers, IBANs."""

from __future__ import annotations

import re

# The length of each country's IBAN, from the registry.
_LENGTHS = """
    AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24
    FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32
    LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24
    RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30
"""
_IBAN_LENGTHS = {one[:2]: int(one[2:]) for one in _LENGTHS.split()}
_IBAN = re.compile(r"(?<![A-Z0-9])[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]){11,29}", re.IGNORECASE)
_GAPS = re.compile("[ -]")
_LONGEST_PHONE, _LONGEST_PHONE_IN_TEXT = 15, 13


def is_article_number(digits: str) -> bool:
    """Return whether the digits are a GTIN by their check digit: an EAN, UPC or ISBN-13."""
    weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(digits)))
    return weighted % 10 == 0


def is_phone(text: str, start: int, digits: str, *, in_text: bool) -> bool:
    """Return whether the digits that begin at ``start`` are written as a telephone number, with a plus.

    In a text it has a usual length; only a field for numbers may hold the longest (ITU-T E.164: 15 digits).
    """
    longest = _LONGEST_PHONE_IN_TEXT if in_text else _LONGEST_PHONE
    return len(digits) <= longest and text[start - 1 : start] == "+"


def ibans(text: str) -> list[tuple[int, int]]:
    """Return where the text has an IBAN with right check digits (ISO 13616)."""
    return [span for match in _IBAN.finditer(text) if (span := _proven(match)) is not None]


def _proven(match: re.Match[str]) -> tuple[int, int] | None:
    length = _IBAN_LENGTHS.get(match[0][:2].upper(), 0)
    all_signs = [(at, sign) for at, sign in enumerate(match[0].upper()) if not _GAPS.match(sign)]
    signs = all_signs[:length]
    goes_on = len(all_signs) > length and all_signs[length][0] == all_signs[length - 1][0] + 1
    if not length or len(signs) < length or goes_on:
        return None
    letters = "".join(sign for _, sign in signs)
    if int("".join(str(int(sign, 36)) for sign in letters[4:] + letters[:4])) % 97 != 1:
        return None
    return match.start(), match.start() + signs[-1][0] + 1
