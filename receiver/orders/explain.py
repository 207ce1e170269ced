"""Which parameter fed which field: for the merchant who makes a mapping."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

from receiver.orders.mapping import Mapping
from receiver.orders.names import KINDS, Fields, Place, json_path, words_of

#: Words that senders use for one another -> the contract's word.
_SYNONYMS = {
    word: ours
    for ours, words in {
        "id": "ref reference number no nr key",
        "customer": "buyer client shopper user purchaser cust",
        "billing": "bill invoice payer",
        "shipping": "ship delivery deliver recipient freight postage",
        "postcode": "zip zipcode postal plz",
        "quantity": "qty count pieces amount",
        "item": "product article line lines products items position",
        "unit": "each single",
        "name": "title description",
        "email": "mail",
        "phone": "tel telephone mobile",
        "region": "state province county",
        "city": "town",
        "total": "sum grand",
        "tax": "vat gst",
        "discount": "rebate coupon voucher",
        "note": "comment comments message remarks",
        "line1": "street address address1",
        "line2": "address2",
        "first": "given forename",
        "last": "family surname",
        "date": "time created placed",
    }.items()
    for word in words.split()
}
_LEAST_LIKENESS = 0.7
#: Names that are compared with every field, so that a flood of them costs no minutes.
_MOST_NAMES = 200
#: A name that leaves out whose field it is, such as City, is a little less like it than BillingCity.
_WITHOUT_PART = 0.9
_NUMBER_IN_NAME = re.compile(r"[0-9]+")


@dataclass(frozen=True)
class Explained:
    """One field of an order, and what fed it."""

    #: JSON path, such as ``items[0].name``.
    field: str
    #: Names as the sender wrote them; empty for a constant of the mapping, and when nothing fed the field.
    parameters: tuple[str, ...]
    value: str


@dataclass(frozen=True)
class Explanation:
    """What a mapping makes of one body."""

    rows: tuple[Explained, ...]
    #: Parameters that fed no field.
    unused: tuple[str, ...]
    #: Field that nothing fed -> the parameter, with ``{n}`` for an item's number, that looks like it.
    suggestions: dict[str, str]


def explain(fields: Fields, mapping: Mapping | None) -> Explanation:
    """Tell which parameter fed which field and what fed none, with suggestions by likeness of name."""
    applied = (mapping or Mapping(())).apply(fields)
    readings = [reading for reading in applied.readings if reading.value.strip()]
    fed = {(reading.place.part, reading.place.field) for reading in readings}
    sent = {name for name, _ in fields}
    rows = [
        Explained(json_path(place), (name,) if name in sent else (), value.strip()) for place, name, value in readings
    ]
    unfed = [_target(slot) for slot in KINDS if slot not in fed]
    rows += [Explained(field, (), "") for field in unfed]
    unused = tuple(dict.fromkeys(name for name, _ in applied.rest))
    return Explanation(tuple(rows), unused, _suggestions(unfed, unused))


def _target(slot: tuple[str, str]) -> str:
    return json_path(Place(slot[0], 0, slot[1])).replace("items[0]", "items[]", 1)


def _suggestions(unfed: list[str], unused: tuple[str, ...]) -> dict[str, str]:
    """Pair fields and parameters, the likest first, each at most once."""
    pairs = [
        (likeness, field, name)
        for field in unfed
        for name in unused[:_MOST_NAMES]
        if (likeness := _likeness(field, name)) >= _LEAST_LIKENESS
    ]
    suggested: dict[str, str] = {}
    taken: set[str] = set()
    for _, field, name in sorted(pairs, key=lambda pair: -pair[0]):
        pattern = _NUMBER_IN_NAME.sub("{n}", name, count=1) if field.startswith("items[]") else name
        if field not in suggested and pattern not in taken:
            suggested[field] = pattern
            taken.add(pattern)
    return suggested


def _likeness(field: str, name: str) -> float:
    """Return 0 to 1; an item's field is only like a name with a number in it."""
    if field.startswith("items[]") != (_NUMBER_IN_NAME.search(name) is not None):
        return 0
    words = _in_our_words(name)
    alone = _in_our_words(field.rpartition(".")[2])
    return max(_ratio(_in_our_words(field), words), _WITHOUT_PART * _ratio(alone, words))


def _ratio(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()


def _in_our_words(name: str) -> str:
    """Return the words of a name in the contract's vocabulary; "order" tells nothing apart."""
    words = (_SYNONYMS.get(word, word) for word in words_of(name[:100]))
    return " ".join(word for word in words if word != "order")
