"""The names of the contract: each form name and JSON path, and the place in an order that it means."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from receiver.orders import values
from receiver.orders.field_types import Kind
from receiver.orders.model import Address, Customer, Item, Order

#: The decoded fields of a body in the order they came: name (JSON: path), text value.
Fields = list[tuple[str, str]]


class Place(NamedTuple):
    """Where a value belongs; ``row`` counts from 0 and means something for items and their options only."""

    part: str
    row: int
    field: str

    @property
    def slot(self) -> tuple[str, str]:
        """The part and the field, whichever item it's in."""
        return self.part, self.field


#: The place of a value in an order, the name that it came under, and the value.
Placed = tuple[Place, str, str]

#: The models by the name of their part; "order" is the top level.
PARTS: dict[str, type[BaseModel]] = {
    "order": Order,
    "customer": Customer,
    "billing": Address,
    "shipping": Address,
    "items": Item,
}
#: Fields of Order that the receiver makes itself; no sender sends them.
MADE_HERE = frozenset({"extra", "notes"})
#: The secret comes under this name but isn't part of an order.
SHARED_SECRET = Place("order", 0, "shared_secret")

TEXT = Kind("text", str, written="UTF-8, as it is")
OPTIONS = Kind("options", values.options, written="as a form one text, Colour: red, Size: L; in JSON an object")

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
#: The indexes at the end of a name, written backwards: forwards each index of a long name would be tried in turn.
_INDEXES_BACKWARDS = re.compile(r"\n?(?:\][0-9]*\[)+")
#: Longer texts aren't cached anywhere, so that a flood of long names can't fill the memory.
LONGEST_CACHED = 100


def _kind(info: FieldInfo) -> Kind:
    """Return the Kind that a field's type is annotated with, or TEXT."""
    stack: list[Any] = [info.annotation, *info.metadata]
    while stack:
        current = stack.pop()
        if isinstance(current, Kind):
            return current
        stack += [*getattr(current, "__metadata__", ()), *getattr(current, "__args__", ())]
    return TEXT


#: Part and field name -> how the value is read, for every field that can be sent.
KINDS = {
    (part, field): _kind(info)
    for part, model in PARTS.items()
    for field, info in model.model_fields.items()
    if part != "order" or field not in MADE_HERE | PARTS.keys() | {"custom"}
} | {("items", "options"): OPTIONS}


def kind_of(slot: tuple[str, str]) -> Kind:
    """Return how a part's field is read; the shop's own fields and options are texts."""
    return KINDS.get(slot, TEXT)


def words_of(name: str) -> list[str]:
    """Return the words of any name in lower case: ``BuyerEMail_2`` has buyer, e, mail."""
    return [word.lower() for word in _WORD.findall(name)]


def without_indexes(name: str) -> str:
    """Return a name without the indexes at its end: ``numbers[0][]`` is ``numbers``."""
    found = _INDEXES_BACKWARDS.match(name[::-1])
    return name[: -found.end()] if found else name


def without_accents(name: str) -> str:
    """Return a name without what makes one letter look like another: accents, full width."""
    if name.isascii():
        return name
    return "".join(sign for sign in unicodedata.normalize("NFKD", name) if not unicodedata.combining(sign))


def form_name(place: Place) -> str:
    """Return the flat name that a form gives the place."""
    part, row, field = place
    if part == "order":
        return field
    return f"item_{row + 1}_{field}" if part == "items" else f"{part}_{field}"


def json_path(place: Place) -> str:
    """Return the path that a JSON body gives the place."""
    part, row, field = place
    if part == "order":
        return field
    if part == "options":
        return f"items[{row}].options.{field}"
    return f"items[{row}].{field}" if part == "items" else f"{part}.{field}"


def target_of(slot: tuple[str, str]) -> str:
    """Return the path by which a mapping table names a part's field, such as ``items[].name``."""
    return json_path(Place(slot[0], 0, slot[1])).replace("items[0]", "items[]", 1)


_FIXED = {
    name(Place(part, 0, field)): Place(part, 0, field)
    for part, field in KINDS
    if part != "items"
    for name in (form_name, json_path)
} | {SHARED_SECRET.field: SHARED_SECRET}

_ITEM_FIELD = "|".join(field for part, field in KINDS if part == "items")
# Eighteen digits: int() of more is slow, and no order has so many items.
_ITEM_FORM = re.compile(rf"item_([0-9]{{1,18}})_({_ITEM_FIELD})")
_ITEM_JSON = re.compile(rf"items\[([0-9]{{1,18}})\]\.(?:({_ITEM_FIELD})|options\.(.+))", re.DOTALL)


def place_of(name: str) -> Place | None:
    """Return the place that a form name or JSON path means, or None if the contract has no such name.

    A form that numbers its items from 0 gets row -1, which the parser refuses as a gap.
    """
    return _cached_place(name) if len(name) <= LONGEST_CACHED else _find_place(name)


def _find_place(name: str) -> Place | None:
    fixed = _FIXED.get(name)
    if fixed is not None:
        return fixed
    if name.startswith(("custom_", "custom.")) and len(name) > len("custom_"):
        return Place("custom", 0, name[len("custom_") :])
    if form := _ITEM_FORM.fullmatch(name):
        return Place("items", int(form[1]) - 1, form[2])
    if path := _ITEM_JSON.fullmatch(name):
        row = int(path[1])
        return Place("items", row, path[2]) if path[2] else Place("options", row, path[3])
    return None


_cached_place = lru_cache(maxsize=4096)(_find_place)


def by_own_names(fields: Fields) -> tuple[list[Placed], Fields]:
    """Place the fields by the contract's names alone; the second list holds those that mean nothing here."""
    placed = []
    rest = []
    for name, value in fields:
        place = _FIXED.get(name) or place_of(name)
        if place is None:
            rest.append((name, value))
        elif place is not SHARED_SECRET:
            placed.append((place, name, value))
    return placed, rest


def collected(fields: Fields) -> dict[str, str | list[str]]:
    """Return the values by name; a name given twice has a list."""
    kept: dict[str, str | list[str]] = {}
    for name, value in fields:
        before = kept.get(name)
        if isinstance(before, list):
            before.append(value)
        else:
            kept[name] = value if before is None else [before, value]
    return kept
