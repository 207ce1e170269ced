"""No card data gets past here: card fields are dropped, card numbers and codes refused, free text masked.

The rules are those of order-post, "No card data".
"""

from __future__ import annotations

import re
import unicodedata
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from receiver.errors import CardDataRefused
from receiver.orders.card_numbers import is_full_number, mask, may_hold_number
from receiver.orders.names import Fields, words_of


class Guarded(NamedTuple):
    """The fields without card fields: as they came, and as they may be stored."""

    #: For proof and keys: free text is not masked yet.
    fields: Fields
    #: For storing, showing and parsing; the same list where nothing was masked.
    masked: Fields
    #: What was dropped or masked, by name.
    notes: tuple[str, ...]


class _Sort(Enum):
    CODE = "security code"
    CARD = "field for card details or a password"
    PLAIN_DIGITS = "number that is no card number"
    FREE = "free text"


_NAMES = {
    sort: frozenset(names.split())
    for sort, names in {
        _Sort.CODE: """
            cvv cvc cvn cvvcode cvccode cvvnumber cvcnumber cardsecuritycode cardverificationcode
            cardverificationvalue
        """,
        _Sort.CARD: """
            pan cardnumber cardsnumber cardno cardnum cardnr ccnumber ccnum ccno ccnr
            creditcard creditcardnumber debitcardnumber primaryaccountnumber trackdata
            cardexpiry cardexpirydate cardexpirymonth cardexpiryyear cardexpiration cardexpirationdate
            cardexpirationmonth cardexpirationyear cardexp cardexpdate cardexpmonth cardexpyear
            ccexpiry ccexp ccexpdate ccexpmonth ccexpyear ccexpiration
            password passwd passwordconfirmation passwordhash passwdhash hashedpassword passwordsalt
        """,
        _Sort.PLAIN_DIGITS: """
            id ids number num no nr reference ref sku code ean gtin upc isbn barcode imei serial
            phone tel telephone telefon telefono mobile fax
            bestellnummer bestellnr auftragsnummer auftragsnr rechnungsnummer kundennummer artikelnummer
        """,
    }.items()
}
#: Words from the end of a name that are looked at together: primary, account, number.
_MOST_WORDS = 4
_DIGITS_ALONE = re.compile(r"\s*\+?\d+\s*")
_CODE_ALONE = re.compile(r"\s*\d{3,4}\s*")
_LONGEST_NAME = 100


def guard(fields: Fields) -> Guarded:
    """Drop card fields and mask card numbers in free text; the notes name what was dropped or masked.

    Raises CardDataRefused when a card field holds a full number that passes Luhn, or a security code field
    three or four digits.
    """
    if _is_harmless(fields):
        return Guarded(fields, fields, ())
    kept: Fields = []
    masked: Fields = []
    notes: list[str] = []
    refused: list[str] = []
    for name, value in fields:
        sort = _sort(name)
        if sort is _Sort.CODE or sort is _Sort.CARD:
            notes.append(f"{_safe(name)} was dropped: it is a {sort.value}")
            if is_full_number(value) or (sort is _Sort.CODE and _CODE_ALONE.fullmatch(value)):
                refused.append(_safe(name))
            continue
        safe = mask(value)
        if safe != value and sort is _Sort.PLAIN_DIGITS and _DIGITS_ALONE.fullmatch(value):
            safe = value
        kept.append((name, value))
        masked.append((mask(name), safe))
        if masked[-1] != kept[-1]:
            notes.append(f"{_safe(name)} held a card number, which was masked")
    if refused:
        raise CardDataRefused(refused)
    return Guarded(kept, masked if masked != kept else kept, tuple(notes))


def _is_harmless(fields: Fields) -> bool:
    """Say of most bodies, at little cost, that nothing in them is to be dropped or masked."""
    names = [name for name, _ in fields]
    return (
        max(map(len, names), default=0) <= _LONGEST_NAME
        and all(map(_is_harmless_name, names))
        and not may_hold_number([value for _, value in fields])
    )


@lru_cache(maxsize=4096)
def _is_harmless_name(name: str) -> bool:
    return _sort(name) in (_Sort.PLAIN_DIGITS, _Sort.FREE) and mask(name) == name


def _safe(name: str) -> str:
    return mask(name)[:_LONGEST_NAME]


def _sort(name: str) -> _Sort:
    # A name is judged by its end; and a flood of long names must not fill the cache.
    return _sort_of(name[-_LONGEST_NAME:])


@lru_cache(maxsize=4096)
def _sort_of(name: str) -> _Sort:
    words = words_of(unicodedata.normalize("NFKC", name))
    ends = {"".join(words[-count:]) for count in range(1, _MOST_WORDS + 1)}
    of_gift_card = "giftcard" in "".join(words)
    for sort, names in _NAMES.items():
        if ends & names and not (of_gift_card and sort is not _Sort.PLAIN_DIGITS):
            return sort
    return _Sort.FREE
