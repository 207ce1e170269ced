"""Suggest rules for the customer and both addresses: whose a name, a street or a phone number is."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from receiver.orders.likeness import LEAST, of_party
from receiver.orders.names import KINDS
from receiver.orders.phrases import OF_PARTY, Phrase
from receiver.orders.suggestion import Body, Single, Slot, Suggestion, suggestion
from receiver.orders.value_clues import Conversion, conversion

#: Whose words feed which part, with how surely: the invoice goes to the customer if nobody else is named.
_FEEDS = {
    "billing": {"billing": 1.0, "payer": 0.95, "customer": 0.92, "": 0.9},
    "shipping": {"shipping": 1.0},
    "customer": {"customer": 1.0, "": 0.97, "user": 0.85, "billing": 0.93, "payer": 0.95, "shipping": 0.8},
}
_OF_ADDRESS = ("name", "company", "line1", "line2", "city", "region", "postcode", "country")
#: An address has one of these, or it's no address.
_PLACES = ("line1", "city", "postcode")
#: A country or region alone may be where somebody's computer is.
_NEED_A_PLACE = frozenset({"country", "region", "line2", "name", "company"})
_OF_A_SHOP = re.compile(r"(?i)shop|store|merchant|seller|vendor|admin|sender|support|receiver|business|payee|^to")
#: So sure is a whole name, or it is put together of two.
_A_WHOLE_NAME = 0.85
#: What an empty parameter is less sure than one that shows a value.
_EMPTY = 0.15
_A_NAME = re.compile(r"[^\W\d_].*")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def people(body: Body) -> Iterator[tuple[Slot, Suggestion]]:
    """Yield rules for the customer and both addresses."""
    named = _Named(body)
    for field in ("email", "phone", "id"):
        yield from named.customer(field)
    yield from named.names()
    for part in ("billing", "shipping"):
        yield from named.address(part)


class _Named:
    """The parameters of a body whose names mean a field of a person or an address."""

    def __init__(self, body: Body) -> None:
        self.body = body
        #: By field: how surely, whose, the words that say whose, and the parameter.
        self.found: dict[str, list[tuple[float, str, Phrase, Single]]] = defaultdict(list)
        for one in body.singles:
            for field in OF_PARTY:
                party, score, words = of_party(field, one.name)
                if score >= LEAST and self._fits(field, one):
                    self.found[field].append((score - (0 if one.value else _EMPTY), party, words, one))

    def _fits(self, field: str, one: Single) -> bool:
        if not one.value:
            return True
        if field in ("first_name", "last_name", "name"):
            return _A_NAME.match(one.value) is not None
        slot = ("customer" if field in ("email", "phone", "id") else "billing", field)
        return conversion(KINDS[slot], [one.value], ".") is not None or field == "country"

    def customer(self, field: str) -> Iterator[tuple[Slot, Suggestion]]:
        """Yield the rule for one field of the customer."""
        slot = ("customer", field)
        if slot in self.body.fed:
            return
        if one := self._best(field, _FEEDS["customer"] if field != "id" else {"customer": 1.0, "payer": 0.9}):
            yield slot, suggestion(slot, one.text, Conversion({}))
        elif field == "email":
            addresses = [
                one for one in self.body.said if _EMAIL.fullmatch(one.value) and not _OF_A_SHOP.search(one.text)
            ]
            if len(addresses) == 1:
                yield slot, suggestion(slot, addresses[0].text, Conversion({}))

    def names(self) -> Iterator[tuple[Slot, Suggestion]]:
        """Yield rules for the customer's names; a whole name is split where there are no two."""
        feeds = {party: sure for party, sure in _FEEDS["customer"].items() if party != "shipping"}
        slots = [slot for slot in (("customer", "first_name"), ("customer", "last_name")) if slot not in self.body.fed]
        whole = self._best("name", feeds)
        for slot in slots:
            one = self._best(slot[1], feeds)
            if one is not None and one.value:
                yield slot, suggestion(slot, one.text, Conversion({}))
            elif whole is not None and whole.value:
                names = [one.text, whole.text] if one is not None else whole.text
                yield slot, suggestion(slot, names, Conversion({"split": slot[1].removesuffix("_name")}))
            elif one is not None:
                yield slot, suggestion(slot, one.text, Conversion({}))

    def _best(self, field: str, feeds: dict[str, float]) -> Single | None:
        ranked = [
            (score * feeds[party], -len(words), -number, one)
            for number, (score, party, words, one) in enumerate(self.found[field])
            if party in feeds
        ]
        score, _, _, one = max(ranked, default=(0.0, 0, 0, None), key=lambda entry: entry[:3])
        return one if score >= LEAST else None

    def address(self, part: str) -> Iterator[tuple[Slot, Suggestion]]:
        """Yield the rules for an address: all from names that say the same of whose it is."""
        party, chosen = self._likeliest(part)
        if not any(one.value for _, one in chosen.values()):
            return
        says_whose = party in ("billing", "shipping")
        has_place = any(field in chosen or (part, field) in self.body.fed for field in _PLACES)
        for field in _OF_ADDRESS:
            slot = (part, field)
            needs_a_place = field in _NEED_A_PLACE and not says_whose and not (field == "country" and not party)
            if slot in self.body.fed or (needs_a_place and not has_place):
                continue
            score, one = chosen.get(field, (0.0, None))
            has_two_names = field == "name" and {"first_name", "last_name"} <= chosen.keys()
            least = _A_WHOLE_NAME if has_two_names and party else LEAST
            if one is not None and score >= least:
                how = conversion(KINDS[slot], [one.value] if one.value else [], self.body.point)
                yield slot, suggestion(slot, one.text, how or Conversion({}, "its value isn't understood"))
            elif has_two_names:
                both = [chosen["first_name"][1].text, chosen["last_name"][1].text]
                yield slot, suggestion(slot, both, Conversion({"join": " "}))

    def _likeliest(self, part: str) -> tuple[str, dict[str, tuple[float, Single]]]:
        """Return the names that make the fullest address, by field, and whose they say it is."""
        groups: dict[tuple[str, Phrase], dict[str, tuple[float, Single]]] = defaultdict(dict)
        for field in (*_OF_ADDRESS, "first_name", "last_name"):
            for score, party, words, one in self.found[field]:
                sure = score * _FEEDS[part].get(party, 0)
                if sure > groups[party, words].get(field, (0.0,))[0]:
                    groups[party, words][field] = sure, one
        ranked = sorted(
            groups.items(),
            key=lambda group: (-sum(sure for sure, one in group[1].values() if one.value), len(group[0][1])),
        )
        return (ranked[0][0][0], ranked[0][1]) if ranked else ("", {})
