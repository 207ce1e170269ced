"""Judge by its name what a field holds: a card's number, code or expiry, a password, or none of these."""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from receiver.orders.card_search import Holds
from receiver.orders.escapes import as_read
from receiver.orders.names import without_accents, without_indexes, words_of

#: A name is judged by its end. A cut keeps a flood of long names from filling the cache.
LONGEST_NAME = 100


class Sort(Enum):
    """What a field holds, judged by its name."""

    CODE = "security code"
    CARD = "field for card details"
    #: A pan to fry in and the track of a record go by these names too.
    MAYBE_CARD = "field for details of a card"
    PASSWORD = "field for a password"  # noqa: S105 - says what such a field is
    #: These mean other things too: a gate's code, a postcode, a customer; an account; a sell-by date.
    MAYBE_CODE = "security code of the card beside it"
    MAYBE_NUMBER = "number of the card beside it"
    MAYBE_EXPIRY = "expiry of the card beside it"
    OTHER = "no card data"


class Judged(NamedTuple):
    """What a name means, and whose card it belongs to."""

    sort: Sort
    #: What else a long number in it can be.
    holds: Holds
    #: The object that the field belongs to, and within it the words that several of its fields begin with.
    parent: str
    prefix: tuple[str, ...]
    #: Whether a word before it says that all this belongs to a card.
    is_of_card: bool

    @property
    def place(self) -> tuple[str, tuple[str, ...]]:
        """What the fields of one object have in common."""
        return self.parent, self.prefix


_CARD = "(?:(?:credit|debit|payment|bank)?cards?|cc|(?:kredit)?karten?|carte|tarjeta|cartao)"
_OF_CODE = "[0-9]?s?(?:code|number|value|num|no|nr|data|check|digits?|field)?"
#: A security code's name, by the words at its end without what stands between them.
_CODE_NAME = re.compile(
    f"{_CARD}?(?:cvv|cvc|cvn|ccv|cvd|cv2){_OF_CODE}"
    f"|{_CARD}(?:csc|cid|pin|security|sec|verification|validation|verify){_OF_CODE}"
    f"|(?!cc){_CARD}(?:code|check(?:code|number|value|digits?))|verificationvalue"
    "|karten?(?:pr(?:ue|u)f(?:nummer|ziffer|zahl|code)|sicherheits(?:code|nummer)|pin)"
    "|(?:cartecrypto|cryptocarte|cryptogramm?e?)(?:visuel)?"
)
#: One that is written together with the word before it.
_CODE_AT_END = re.compile(f"[a-z]+(?:cvv|cvc){_OF_CODE}")
_SORTS = {
    sort: frozenset(names.split())
    for sort, names in {
        Sort.CARD: """
            cardnumber cardsnumber cardno cardnum cardnr ccnumber ccnum ccno ccnr
            creditcard creditcardnumber creditcardnr debitcard debitcardnumber primaryaccountnumber
            kreditkarte kreditkartennummer kreditkartenummer kreditkartennr kartennummer kartenummer kartennr
            numerocarte numerodecarte numerodelacarte numerocartebancaire cartebancaire cartenumero
            tarjeta tarjetacredito tarjetadecredito numerotarjeta numerodetarjeta tarjetanumero
            numerocarta cartadicredito numerocartao numerodocartao cartaodecredito kaartnummer
            track1data track2data track3data trackdata magstripe magstripedata
            cardexpiry cardexpirydate cardexpirymonth cardexpiryyear cardexpiration cardexpirationdate
            cardexpirationmonth cardexpirationyear cardexp cardexpdate cardexpmonth cardexpyear
            ccexpiry ccexp ccexpdate ccexpmonth ccexpyear ccexpiration
        """,
        Sort.MAYBE_CARD: "pan track1 track2 track3",
        Sort.PASSWORD: """
            password passwd pwd passwort kennwort passwordconfirmation passwordhash passwdhash hashedpassword
            passwordsalt passwortbestaetigung motdepasse contrasena wachtwoord
        """,
        Sort.MAYBE_CODE: """
            pin pincode cid csc securitycode pruefziffer prufziffer sicherheitscode codigoseguridad codigodeseguridad
            codesecurite codedesecurite codicesicurezza
        """,
        Sort.MAYBE_NUMBER: "acct",
        Sort.MAYBE_EXPIRY: """
            exp expdate expiry expirydate expiration expirationdate validthru ablaufdatum verfallsdatum
            vencimiento caducidad
            expmonth expyear expirymonth expiryyear expirationmonth expirationyear
        """,
    }.items()
}
_HOLDS = {
    holds: frozenset(names.split())
    for holds, names in {
        Holds.ARTICLE: "sku ean gtin upc isbn barcode artikelnummer",
        Holds.NUMBER: """
            id ids number num no nr reference ref code tracking serial imei phone tel telephone telefon telefono mobile
            fax bestellnummer bestellnr auftragsnummer auftragsnr rechnungsnummer kundennummer
        """,
    }.items()
}
_CARD_WORDS = frozenset(
    {"card", "cards", "cc", "creditcard", "debitcard", "paymentcard", "bankcard"}
    | {"karte", "kreditkarte", "carte", "tarjeta", "carta", "cartao", "kaart"}
)
# Cards that nobody pays with at a bank.
_OTHER_CARD = re.compile(
    "(?:^|_)(?:gift|voucher|discount|loyalty|member|membership|sim|id|identity|greeting|bonus|kunden|geschenk)_?"
    "(?:cards?|karten?|carte|tarjeta|kaart)"
)
#: The month or year of an expiry is a card's unless it is of something else, such as a licence.
_HALF_AN_EXPIRY = re.compile(".*(?:month|year)$")
_OF_PAYMENT = _CARD_WORDS | {"credit", "debit", "payment", "payments", "pay", "billing", "checkout", "order", "custom"}
#: Words from the end of a name that are looked at together: primary, account, number.
_MOST_WORDS = 4
_PATH = re.compile(r"(.*)[.\[](.+?)\]?", re.DOTALL)
_PIECE = re.compile("[a-z0-9]+")


def judge(name: str) -> Judged:
    """Return what a field's name means, in any case and with any separators."""
    return _judged(name[-LONGEST_NAME:])


@lru_cache(maxsize=4096)
def _judged(name: str) -> Judged:
    name = without_indexes(without_accents(as_read(name)))
    path = _PATH.fullmatch(name)
    parent, last = (path[1], path[2]) if path else ("", name)
    words = words_of(name)
    sort, before, own = _sort(name, last)
    if sort is Sort.MAYBE_EXPIRY and _HALF_AN_EXPIRY.match(words[-1]) and _OF_PAYMENT.issuperset(before):
        sort = Sort.CARD
    if sort is not Sort.PASSWORD and _OTHER_CARD.search("_".join(words)):
        sort = Sort.OTHER
    prefix = tuple(word for word in own if word not in _CARD_WORDS | {"credit", "debit"})
    return Judged(sort, _holds(words), parent.lower(), prefix, not _CARD_WORDS.isdisjoint(before))


def _sort(name: str, last: str) -> tuple[Sort, list[str], list[str]]:
    """Return the sort by the longest listed ending, the words before that, and those of them that aren't the parent's.

    The name is split by case, as in cardCode, and by signs alone, as in cARDcODE or cv2.
    """
    for sort in Sort:
        for split in (words_of, _pieces):
            words = split(name)
            for count in range(min(_MOST_WORDS, len(words)), 0, -1):
                if _is_of(sort, words[-count:]):
                    before = words[:-count]
                    return sort, before, before[len(words) - len(split(last)) :]
    return Sort.OTHER, [], []


def _is_of(sort: Sort, words: list[str]) -> bool:
    name = "".join(words)
    if sort is not Sort.CODE:
        return name in _SORTS.get(sort, ())
    return bool(_CODE_NAME.fullmatch(name) or (len(words) == 1 and _CODE_AT_END.fullmatch(name)))


def _pieces(name: str) -> list[str]:
    return _PIECE.findall(name.lower())


def _holds(words: list[str]) -> Holds:
    ends = {"".join(words[-count:]) for count in range(1, _MOST_WORDS + 1)}
    return next((holds for holds, names in _HOLDS.items() if ends & names), Holds.TEXT)
