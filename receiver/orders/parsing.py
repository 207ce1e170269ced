"""Fields to a typed order, or to all the reasons why they are none at once (order-post, "Parameters")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from receiver.orders import values
from receiver.orders.building import build_order, decide
from receiver.orders.field_types import Kind
from receiver.orders.mapping import Mapping, Reading
from receiver.orders.model import Order
from receiver.orders.names import KINDS, TEXT, Fields, Place, Placed, by_own_names

_MODEL_ORDER = {slot: position for position, slot in enumerate(KINDS)}

_ORDER_ID = Place("order", 0, "order_id")
_CURRENCY = Place("order", 0, "currency")
_EVENT_ID = Place("order", 0, "event_id")
_EVENT = Place("order", 0, "event")
#: What decides what an order is, the event first.
_DECIDING = (_EVENT, Place("order", 0, "order_status"), Place("order", 0, "payment_status"))
_TEST = Place("order", 0, "test")
#: What is said of an order that is not understood, where it is well-formed.
_TELLING = (_ORDER_ID, _EVENT_ID, _TEST, *_DECIDING)
_ITEM_PARTS = ("items", "options")


@dataclass(frozen=True)
class FieldError:
    """One field that keeps an order from being understood; the message holds no value."""

    #: As the sender named it: form name, JSON path or mapped parameter.
    field: str
    message: str


class Understood(NamedTuple):
    """A typed order, and what the request was decided to be."""

    order: Order
    #: ``completed``, or the word that made it ignored.
    decided: str


@dataclass(frozen=True)
class NotUnderstood:
    """Every reason why the fields are no order."""

    errors: tuple[FieldError, ...]
    #: The event's id, if it was sent and is well-formed.
    event_id: str | None = None
    #: The order's id, likewise.
    order_id: str | None = None
    #: What the request was decided to be all the same; None where the event is malformed.
    decided: str | None = None
    #: Whether it says that it is a test.
    test: bool = False


def read(fields: Fields, mapping: Mapping | None, received_at: datetime) -> Understood | NotUnderstood:
    """Read an order out of its fields; without a mapping by the contract's own names.

    ``received_at`` is aware UTC and stands in for a missing ``order_date``. A missing field and an empty one
    are the same, and outer white space does not count.
    """
    placed: Sequence[Placed]
    if mapping is None:
        placed, rest = by_own_names(fields)
    else:
        placed, rest = mapping.apply(fields)
    try:
        order = build_order(placed, rest=rest, notes=(), received_at=received_at)
    except ValueError:
        return _read_one_by_one(placed, rest, mapping, received_at)
    return _understood(order)


def _understood(order: Order) -> Understood:
    return Understood(order, decide(order.event, order.order_status, order.payment_status))


def _read_one_by_one(
    placed: Sequence[Placed], rest: Fields, mapping: Mapping | None, received_at: datetime
) -> Understood | NotUnderstood:
    """Find everything that is malformed, and read the order without what is only noted."""
    given = {
        place: Reading(place, name, value) for place, name, value in placed if place.part != "custom" and value.strip()
    }
    malformed = _malformed(given, mapping)
    errors = [FieldError(given[place].name, reason) for place, reason in malformed.items() if _kind(place).parks]
    errors += [*_missing_id(given, mapping), *_gaps(given)]
    if errors:
        telling = [place for place in _TELLING if place in given and place not in malformed]
        said: dict[Place, Any] = {place: _kind(place).read(given[place].value.strip()) for place in telling}
        return NotUnderstood(
            tuple(errors),
            said.get(_EVENT_ID),
            said.get(_ORDER_ID),
            decided=None if _EVENT in malformed else decide(*map(said.get, _DECIDING)),
            test=said.get(_TEST, False),
        )
    notes = tuple(f"{given[place].name} {reason}" for place, reason in malformed.items())
    well_formed = [one for one in placed if one[0] not in malformed]
    as_sent = [(given[place].name, given[place].value) for place in malformed]
    order = build_order(well_formed, rest=[*rest, *as_sent], notes=notes, received_at=received_at)
    return _understood(order)


def _malformed(given: dict[Place, Reading], mapping: Mapping | None) -> dict[Place, str]:
    """Return what is wrong with each malformed value, in the order of the models."""
    found: dict[Place, Any] = {}
    malformed: dict[Place, str] = {}
    for place, reading in given.items():
        try:
            found[place] = _kind(place).read(reading.value.strip())
        except ValueError as error:
            form = mapping.date_form(place) if mapping else None
            malformed[place] = f'must fit date = "{form}", as the mapping has it' if form else str(error)
    malformed |= _too_many_decimals(found)
    return {place: malformed[place] for place in sorted(malformed, key=_in_model_order)}


def _too_many_decimals(found: dict[Place, Any]) -> dict[Place, str]:
    currency = found.get(_CURRENCY)
    wrong: dict[Place, str] = {}
    for place, value in found.items():
        if _kind(place).has_currency_decimals:
            try:
                values.check_decimals(value, currency)
            except ValueError as error:
                wrong[place] = str(error)
    return wrong


def _missing_id(given: dict[Place, Reading], mapping: Mapping | None) -> list[FieldError]:
    if _ORDER_ID in given:
        return []
    mapped = mapping.names_for(_ORDER_ID) if mapping else ()
    if mapped:
        reason = (
            "is missing, and order_id is mapped from it: send the order's unique id there, or map another parameter"
        )
        return [FieldError(mapped[0], reason)]
    reason = "is missing: send the order's unique id, or map the parameter that holds it to order_id"
    return [FieldError(_ORDER_ID.field, reason)]


def _gaps(given: dict[Place, Reading]) -> list[FieldError]:
    """Return an error for the first item field that stands after a gap or before the first number."""
    rows = {place.row for place in given if place.part in _ITEM_PARTS}
    stray = rows - set(range(len(rows)))
    if not stray:
        return []
    first = min((place for place in given if place.part in _ITEM_PARTS and place.row in stray), key=_in_model_order)
    return [
        FieldError(
            given[first].name,
            "comes after a gap: number the items from 1 (in JSON: a list) and give each at least one field "
            "that is not empty",
        )
    ]


def _kind(place: Place) -> Kind:
    return KINDS.get((place.part, place.field), TEXT)


def _in_model_order(place: Place) -> tuple[bool, int, int]:
    return (
        place.part in _ITEM_PARTS,
        place.row,
        _MODEL_ORDER.get((place.part, place.field), len(_MODEL_ORDER)),
    )
