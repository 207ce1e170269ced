"""Score how similar a shop's name is to a field's, with both translated into the contract's words."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from functools import cache

from receiver.orders.names import Place, json_path, without_accents

#: Words that senders use, English, German, French or Spanish, without accents -> the contract's word.
_SYNONYMS = {
    word: ours
    for ours, words in {
        "order": "bestell bestellung auftrag auftrags commande pedido",
        "id": "ref reference number no nr key nummer numero bestellnummer bestellnr auftragsnummer",
        "customer": "buyer client shopper user purchaser cust kunde kunden kaufer cliente acheteur comprador",
        "billing": "bill invoice payer rechnung rechnungs facturation facturacion",
        "shipping": "ship delivery deliver recipient freight postage versand liefer livraison envio",
        "postcode": "zip zipcode postal plz postleitzahl cp",
        "quantity": "qty count pieces amount menge anzahl quantite cantidad",
        "item": "product article line lines products items position artikel produkt produit producto articulo",
        "unit": "each single",
        "unit price": "einzelpreis stuckpreis",
        "price": "preis prix precio",
        "name": "title description bezeichnung nom nombre",
        "email": "mail courriel correo",
        "phone": "tel telephone mobile telefon telefono",
        "region": "state province county bundesland provincia",
        "city": "town ort stadt ville ciudad",
        "country": "land pays pais",
        "currency": "wahrung waehrung devise moneda",
        "total": "sum grand summe gesamt gesamtsumme gesamtbetrag gesamtpreis montant importe",
        "tax": "vat gst mwst steuer tva iva",
        "discount": "rebate coupon voucher rabatt remise descuento",
        "note": "comment comments message remarks bemerkung kommentar commentaire comentario",
        "line1": "street address addr strasse adresse anschrift rue calle direccion",
        "first": "given forename",
        "last": "family",
        "first name": "firstname vorname prenom",
        "last name": "lastname surname nachname apellido apellidos",
        "date": "time created placed datum fecha bestelldatum",
        "locale": "language lang sprache langue idioma",
    }.items()
    for word in words.split()
}
#: City is a little less like billing.city than BillingCity, because it doesn't say whose; so is CustomerCity.
_NOT_QUITE = 0.9
#: Names that share less aren't alike at all.
_LEAST = 0.5
#: The last words must share more: total and tax share a half.
_LEAST_LAST = 0.6
#: Fields that a plain "name" is not.
_NEEDS_WORD = {"first_name": "first", "last_name": "last"}
_TOKEN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_LINE_OF_ADDRESS = re.compile(r"(?i)(address|addr|street|line)([ _.-]*line)?[ _.-]*([12])(?![0-9])")
_INDEX = re.compile(r"\[[0-9]{1,18}\]")
_NUMBER = re.compile(r"[0-9]{1,18}")
_LONGEST_COMPARED = 100


def item_pattern(name: str) -> str | None:
    """Return a name with ``[]`` or ``{n}`` where an item's number stands, or None if it has no such number."""
    if _INDEX.search(name):
        return _INDEX.sub("[]", name, count=1)
    if _NUMBER.search(_LINE_OF_ADDRESS.sub("", name)) is None:
        return None
    return _NUMBER.sub("{n}", name, count=1)


def likeness(slot: tuple[str, str], name: str) -> float:
    """Return 0 to 1 for a field, given as part and field name, and a name or an item's pattern."""
    part, field = slot
    words = _in_our_words(name[:_LONGEST_COMPARED])
    if _NEEDS_WORD.get(field, "") not in words:
        return 0
    whole, alone = _words_of_slot(slot)
    if part == "billing" and words.startswith("customer "):
        return _NOT_QUITE * _alike(whole, words.replace("customer", "billing", 1))
    short = alone.removesuffix(" total")
    return max(_alike(whole, words), _NOT_QUITE * max(_alike(alone, words), _alike(short, words)))


def _alike(ours: str, words: str) -> float:
    """Return how alike two lines of words are, from 0 to 1.

    The last word says what it is, those before it only whose: billing id, billing city. The same words in another
    order mean the same: tax total, total tax.
    """
    if sorted(ours.split()) == sorted(words.split()):
        return 1 if ours == words else _NOT_QUITE
    if _ratio(ours.rpartition(" ")[2], words.rpartition(" ")[2]) < _LEAST_LAST:
        return 0
    return _ratio(ours, words)


@cache
def _words_of_slot(slot: tuple[str, str]) -> tuple[str, str]:
    return _in_our_words(json_path(Place(slot[0], 0, slot[1]))), _in_our_words(slot[1])


def _ratio(one: str, other: str) -> float:
    matcher = SequenceMatcher(None, one, other)
    return matcher.ratio() if matcher.real_quick_ratio() >= _LEAST else 0


def _in_our_words(name: str) -> str:
    """Return the words of a name in the contract's vocabulary, without "order", which any field may have."""
    line = _LINE_OF_ADDRESS.search(name)
    if line:
        name = f"{name[: line.start()]}_{name[line.end() :]}"
    words = [word.lower() for word in _TOKEN.findall(without_accents(name.replace("ß", "ss"))) if not word.isdigit()]
    ours = [ours for word in words if (ours := _SYNONYMS.get(word, word)) != "order"]
    return " ".join(dict.fromkeys([*ours, f"line{line[3]}"] if line else ours))
