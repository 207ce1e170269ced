"""The words of parameters' names: which word means which of ours, in English, German, French and Spanish."""

from __future__ import annotations

import re
from functools import lru_cache

from receiver.orders.names import LONGEST_CACHED, without_accents

#: Our word or words -> what senders write for it, without accents.
_WORDS = {
    "order": "order orders bestell bestellung auftrag auftrags commande pedido",
    "order number": "bestellnummer bestellnr auftragsnummer",
    "id": "id ids uuid guid ident",
    "number": "number no nr num nummer numero",
    "reference": "reference ref",
    "invoice": "invoice invoices rechnung rechnungs factura facture",
    "transaction": "transaction transactions txn trans trx",
    "customer": "customer buyer client shopper purchaser cust kunde kunden kaufer cliente acheteur comprador",
    "user": "user",
    "payer": "payer",
    "billing": "billing bill facturation facturacion",
    "shipping": "shipping ship delivery deliver recipient consignee versand liefer livraison envio shipment "
    "shipments shipto",
    "freight": "freight postage versandkosten",
    "postcode": "postcode zip zipcode plz postleitzahl cp postalcode",
    "postal": "postal post",
    "quantity": "quantity qty count pieces menge anzahl quantite cantidad stueck stuck",
    "item": "item items product products article articles line lines position positions artikel produkt produit "
    "producto "
    "articulo goods lineitem lineitems",
    "unit": "unit units each single",
    "unit price": "unitprice einzelpreis stuckpreis",
    "price": "price prices preis prix precio",
    "name": "name names nom nombre",
    "title": "title",
    "description": "description desc bezeichnung",
    "email": "email mail courriel correo",
    "phone": "phone tel telephone mobile telefon telefono",
    "region": "region province county bundesland provincia",
    "city": "city town ort stadt ville ciudad locality",
    "country": "country land pays pais",
    "currency": "currency currencies wahrung waehrung devise moneda",
    "total": "total totals sum summe gesamt gesamtsumme gesamtbetrag gesamtpreis importe",
    "amount": "amount amounts amt betrag montant",
    "subtotal": "subtotal zwischensumme",
    "tax": "tax taxes vat gst mwst steuer tva iva",
    "discount": "discount discounts rebate rabatt remise descuento savings saved",
    "coupon": "coupon coupons voucher promo promotion gutschein",
    "fee": "fee fees cost costs charge charges rate",
    "paid": "paid",
    "note": "note notes comment comments message remarks bemerkung kommentar commentaire comentario instructions",
    "address": "address addr addresses adresse anschrift direccion",
    "street": "street strasse rue calle",
    "first": "first given forename",
    "last": "last family",
    "first name": "firstname vorname prenom givenname",
    "last name": "lastname surname nachname apellido apellidos familyname",
    "full name": "fullname",
    "company": "company organization organisation firma societe empresa business_name",
    "date": "date datum fecha",
    "order date": "bestelldatum orderdate",
    "time": "time timestamp",
    "created": "created create creation",
    "placed": "placed ordered",
    "completed": "completed completion",
    "payment": "payment payments pay zahlung zahlungs zahl paiement pago financial",
    "status": "status",
    "payment method": "zahlungsart zahlart",
    "method": "method methods",
    "locale": "locale lang language sprache langue idioma",
    "test": "test testing sandbox",
    "live": "live",
    "mode": "mode",
    "sale": "sale sales purchase",
    "cart": "cart basket warenkorb",
    "grand": "grand",
    "gross": "gross brutto",
    "code": "code",
}
#: Our words that need no entry of their own.
_OURS = (
    "at on gmt utc final sku catalog with incl including inclusive without value values set shop store money "
    "presentment current person name details detail info information data payload object content resource body "
    "embedded envelope attributes event details summary breakdown result results response checkout details method "
    "option "
    "options gateway type accept accepts marketing receipt receipts guest anonymous area admin full contact from "
    "to primary national "
    "token is state identifier"
)
_TOKEN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_CANONICAL = {word: ours for ours, words in _WORDS.items() for word in words.split()} | {
    word: word for word in _OURS.split()
}
#: Of two words written as one, each has so many letters, and both together at most so many.
_SHORTEST_PART, _LONGEST_WORD = 2, 40


def word_set(words: str) -> frozenset[str]:
    """Return the words of a line as a set."""
    return frozenset(words.split())


def our_words(text: str) -> tuple[str, ...]:
    """Return the words of a piece of a name in our words; a number is a word, and an unknown word stays.

    The same word twice in a row, as in line items, is one.
    """
    return _cached_words(text) if len(text) <= LONGEST_CACHED else _find_words(text)


def _find_words(text: str) -> tuple[str, ...]:
    found: list[str] = []
    for token in _TOKEN.findall(without_accents(text.replace("ß", "ss"))):
        found += [word for word in _meaning(token.lower()).split() if found[-1:] != [word]]
    return tuple(found)


_cached_words = lru_cache(maxsize=8192)(_find_words)


def _meaning(word: str) -> str:
    """Return what one word means; words written as one are taken apart."""
    if word in _CANONICAL or word.isdigit() or len(word) > _LONGEST_WORD:
        return _CANONICAL.get(word, word)
    for cut in range(len(word) - _SHORTEST_PART, _SHORTEST_PART, -1):
        if word[:cut] in _CANONICAL and word[cut:] in _CANONICAL:
            return f"{_CANONICAL[word[:cut]]} {_CANONICAL[word[cut:]]}"
    return word
