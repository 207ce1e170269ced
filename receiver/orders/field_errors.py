"""What's wrong with an order's fields, in words for the merchant: malformed values, a missing id, gaps in the items."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from receiver.orders import values
from receiver.orders.mapping import Mapping, Reading
from receiver.orders.names import KINDS, Place, Placed, kind_of
from receiver.orders.repairs import repair

_MODEL_ORDER = {slot: position for position, slot in enumerate(KINDS)}
_ORDER_ID = Place("order", 0, "order_id")
_CURRENCY = Place("order", 0, "currency")
_ITEM_PARTS = ("items", "options")


@dataclass(frozen=True)
class FieldError:
    """One field that keeps an order from being understood; the message holds no value."""

    #: As the sender named it: form name, JSON path or mapped parameter.
    field: str
    message: str
    #: The word that the merchant is asked about, of an order whose state nobody knows.
    word: str | None = None


def read_each(given: dict[Place, Reading], mapping: Mapping | None) -> tuple[dict[Place, Any], dict[Place, str]]:
    """Return each well-formed value, and what's wrong with each malformed one in the order of the models."""
    found: dict[Place, Any] = {}
    malformed: dict[Place, str] = {}
    for place, reading in given.items():
        try:
            found[place] = kind_of(place.slot).read(reading.value.strip())
        except ValueError as error:
            form = mapping.date_form(place) if mapping else None
            malformed[place] = f'must fit date = "{form}", as the mapping has it' if form else str(error)
    for place, value in found.items():
        if kind_of(place.slot).has_currency_decimals:
            try:
                values.check_decimals(value, found.get(_CURRENCY))
            except ValueError as error:
                malformed[place] = str(error)
    return found, {place: malformed[place] for place in sorted(malformed, key=_in_model_order)}


def repaired(placed: Sequence[Placed], zone: ZoneInfo | None) -> tuple[Sequence[Placed], tuple[str, ...]]:
    """Return the values with those that are malformed read as shops write them, and a note for each that says how."""
    currency = next((value.strip().upper() for place, _, value in placed if place == _CURRENCY and value.strip()), None)
    notes = []
    result: list[Placed] = []
    for place, name, value in placed:
        found = None
        if place.part != "custom" and value.strip() and not _is_well_formed(place, value.strip(), currency):
            found = repair(place, value.strip(), currency, zone)
        if found is not None and found.note:
            notes.append(f"{name} {found.note}")
        result.append((place, name, value if found is None else found.text))
    return result, tuple(notes)


def _is_well_formed(place: Place, text: str, currency: str | None) -> bool:
    kind = kind_of(place.slot)
    try:
        read = kind.read(text)
        if kind.has_currency_decimals and isinstance(read, Decimal):
            values.check_decimals(read, currency)
    except ValueError:
        return False
    return True


def given_twice(placed: Iterable[Placed]) -> list[FieldError]:
    """Return an error for each of the contract's fields that was sent with two different values."""
    first: dict[Place, str] = {}
    twice: dict[Place, str] = {}
    for place, name, value in placed:
        text = value.strip()
        if text and place.part != "custom" and first.setdefault(place, text) != text:
            # An option's name may be anything, a secret too.
            twice[place] = f"items[{place.row}].options" if place.part == "options" else name
    return [FieldError(name, "is given twice, with two values: send it once") for name in twice.values()]


def missing_id(given: dict[Place, Reading], mapping: Mapping | None) -> list[FieldError]:
    """Return an error if no order id was sent."""
    if _ORDER_ID in given:
        return []
    if mapped := mapping.names_for(_ORDER_ID) if mapping else ():
        reason = (
            "is missing, and order_id is mapped from it: send the order's unique id there, or map another parameter"
        )
        return [FieldError(mapped[0], reason)]
    reason = "is missing: send the order's unique id, or map the parameter that holds it to order_id"
    return [FieldError(_ORDER_ID.field, reason)]


def gaps(given: dict[Place, Reading]) -> list[FieldError]:
    """Return an error for the first item field that comes after a gap or before the first number."""
    of_items = [place for place in given if place.part in _ITEM_PARTS]
    rows = {place.row for place in of_items}
    stray = rows - set(range(len(rows)))
    first = min((place for place in of_items if place.row in stray), key=_in_model_order, default=None)
    if first is None:
        return []
    reason = (
        "comes after a gap: number the items from 1 (in JSON: a list) and give each at least one field "
        "that is not empty"
    )
    return [FieldError(given[first].name, reason)]


def _in_model_order(place: Place) -> tuple[bool, int, int]:
    return place.part in _ITEM_PARTS, place.row, _MODEL_ORDER.get(place.slot, len(_MODEL_ORDER))
