"""Fields to a typed order, or to every reason why they aren't one (order-post, "Parameters")."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any, NamedTuple, Self

from receiver.orders import values
from receiver.orders.field_errors import FieldError, gaps, given_twice, missing_id, read_each, repaired
from receiver.orders.mapping import Mapping, Reading
from receiver.orders.model import Order
from receiver.orders.names import TEXT, Fields, Place, Placed, by_own_names, collected, kind_of
from receiver.orders.states import EVENTS, UPDATED, UPDATED_EVENT, Words, decide
from receiver.orders.whole_orders import doubts

_EVENT, _TEST = Place("order", 0, "event"), Place("order", 0, "test")
_EVENT_ID, _ORDER_ID = Place("order", 0, "event_id"), Place("order", 0, "order_id")
#: What decides what an order is, the event first.
_DECIDING = (_EVENT, Place("order", 0, "order_status"), Place("order", 0, "payment_status"))
#: First of the fields of a sample that the receiver has sent to itself: a test, whatever its shop's words say.
SAMPLE = ("header:x-order-sample", "yes")
_FORMAT_VERSION = Place("order", 0, "format_version")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_LIST_INDEX = re.compile(r"\[[0-9]+\]$")
_DOES_NOT_ADD_UP = "total is not subtotal - discount_total + shipping_total + tax_total"
_DOES_IT_MEAN_PAID = "holds a word that nobody knows here: does it mean paid? Answer once for this source"
_NOTHING_ELSE = (
    "is all that was understood: no customer, no total and no items. Map the parameters that hold them, "
    "and read it again"
)
_FROM_THE_FUTURE = "order_date is more than a day after the order came in: it counts as missing"
#: How far apart clocks and time zones may be.
_CLOCKS_DIFFER = timedelta(days=1)


class Understood(NamedTuple):
    """A typed order, and what the request was decided to be."""

    #: Its ``event`` is what was decided, if that's one of EVENTS, and else what was sent.
    order: Order
    #: ``completed``, ``refunded``, ``cancelled``, ``updated``, or the word that made it ignored.
    decided: str

    @classmethod
    def of(cls, order: Order, decided: str) -> Self:
        """Return an order as what it was decided to be."""
        event = EVENTS.get(decided, order.event)
        return cls(order if order.event == event else order.model_copy(update={"event": event}), decided)


@dataclass(frozen=True)
class NotUnderstood:
    """Every reason why the fields aren't an order."""

    errors: tuple[FieldError, ...]
    #: The event's id, if it was sent and is well-formed.
    event_id: str | None = None
    #: The order's id, likewise.
    order_id: str | None = None
    #: What the request was decided to be all the same; None where the event is malformed.
    decided: str | None = None
    #: Whether it says that it's a test.
    test: bool = False
    #: Whether no order's id was understood, or nothing but that: it may hold no order at all.
    may_be_no_order: bool = False


def read(fields: Fields, mapping: Mapping | None, received_at: datetime) -> Understood | NotUnderstood:
    """Read an order out of its fields; without a mapping by the contract's own names.

    ``received_at`` is aware UTC and stands in for a missing ``order_date``. A missing field and an empty one
    are the same, and outer white space does not count.
    """
    if fields and fields[0] == SAMPLE:
        return _as_test(read(fields[1:], mapping, received_at))
    placed: Sequence[Placed]
    placed, rest = by_own_names(fields) if mapping is None or not mapping.rules else mapping.apply(fields)
    order: Order | NotUnderstood
    try:
        order = _order(placed, rest=rest, notes=(), received_at=received_at)
    except ValueError:
        # Pydantic stops at what it can't nest and knows no sent names, so each value is read once more by itself.
        order, placed = _read_one_by_one(placed, rest, mapping, received_at)
    return order if isinstance(order, NotUnderstood) else _decided(order, fields, placed, rest, mapping)


def _as_test(reading: Understood | NotUnderstood) -> Understood | NotUnderstood:
    if isinstance(reading, NotUnderstood):
        return replace(reading, test=True)
    return reading._replace(order=reading.order.model_copy(update={"test": True}))


def _read_one_by_one(
    placed: Sequence[Placed], rest: Fields, mapping: Mapping | None, received_at: datetime
) -> tuple[Order | NotUnderstood, Sequence[Placed]]:
    """Find all malformed values, repair what can be, and read the order without those that are only noted."""
    placed, repairs = repaired(placed, mapping.zone if mapping else None)
    given = {
        place: Reading(place, name, value)
        for place, name, value in placed
        if place.part != "custom" and not values.is_nothing(value)
    }
    found, malformed = read_each(given, mapping)
    errors = [FieldError(given[place].name, reason) for place, reason in malformed.items() if kind_of(place.slot).parks]
    errors += [*given_twice(placed), *missing_id(given, mapping), *gaps(given)]
    if errors:
        words = mapping.words if mapping else Words()
        decision = decide(*map(found.get, _DECIDING), words=words)
        not_understood = NotUnderstood(
            tuple(errors),
            found.get(_EVENT_ID),
            found.get(_ORDER_ID),
            decided=None if _EVENT in malformed or decision.outcome == "unknown" else decision.as_kept,
            test=found.get(_TEST, False),
            may_be_no_order=_ORDER_ID not in given,
        )
        return not_understood, placed
    notes = (*repairs, *(f"{given[place].name} {reason}" for place, reason in malformed.items()))
    well_formed = [one for one in placed if one[0] not in malformed]
    as_sent = [(given[place].name, given[place].value) for place in malformed]
    return _order(well_formed, rest=[*rest, *as_sent], notes=notes, received_at=received_at), well_formed


def _order(placed: Iterable[Placed], *, rest: Fields, notes: tuple[str, ...], received_at: datetime) -> Order:
    """Return the order made of these values; ``rest`` becomes its ``extra``, unchanged.

    Raises ValueError when they make none; its message has neither all the reasons nor the names that were sent.
    """
    nested = {"order_date": received_at, **_nested(placed), "extra": collected(rest), "notes": notes}
    order = Order.model_validate(nested)
    if not _adds_up(order):
        order = order.model_copy(update={"notes": (*order.notes, _DOES_NOT_ADD_UP)})
    if order.order_date - received_at > _CLOCKS_DIFFER:
        order = order.model_copy(update={"order_date": received_at, "notes": (*order.notes, _FROM_THE_FUTURE)})
    return order


def _decided(
    order: Order, fields: Fields, placed: Sequence[Placed], rest: Fields, mapping: Mapping | None
) -> Understood | NotUnderstood:
    """Return what an order is decided to be: parked if nobody knows its words, or if it holds next to nothing."""
    words = mapping.words if mapping else Words()
    decision = decide(order.event, order.order_status, order.payment_status, words=words)
    is_mapped = mapping is not None and bool(mapping.rules)
    holds_something = order.total is not None or bool(order.customer.email or order.items or order.refund_total)
    if decision.outcome != "unknown" and (is_mapped or holds_something):
        if mapping is not None and (errors := doubts(order, decision, fields, mapping)):
            is_bare = order.total is None and not order.items
            return NotUnderstood(errors, order.event_id, order.order_id, test=order.test, may_be_no_order=is_bare)
        return Understood.of(order, decision.as_kept)
    names = {place: name for place, name, value in placed if not values.is_nothing(value)}
    is_foreign = not (is_mapped or holds_something or _FORMAT_VERSION in names)
    if decision.outcome == "unknown":
        if decision.word == order.event and not is_mapped and not (is_foreign and rest):
            # Under our own names an event that isn't the contract's is ignored.
            return Understood.of(order, UPDATED if order.event == UPDATED_EVENT else decision.word)
        place = next(place for place in _DECIDING[::-1] if _said(order, place) == decision.word)
        errors = (FieldError(names.get(place, place.field), _DOES_IT_MEAN_PAID, decision.word),)
        return NotUnderstood(errors, order.event_id, order.order_id, test=order.test)
    if is_foreign and any(value.strip() for _, value in rest):
        errors = (FieldError("order_id", _NOTHING_ELSE),)
        ids = order.event_id, order.order_id
        return NotUnderstood(errors, *ids, decided=decision.as_kept, test=order.test, may_be_no_order=True)
    return Understood.of(order, decision.as_kept)


def _said(order: Order, place: Place) -> object:
    return getattr(order, place.field)


def _nested(placed: Iterable[Placed]) -> dict[str, Any]:
    """Return the texts as the model nests them; raises ValueError for a gap in the items and a field given twice."""
    parts: dict[str, dict[str, Any]] = defaultdict(dict)
    items: dict[int, dict[str, Any]] = defaultdict(lambda: {"options": {}})
    custom: Fields = []
    nothing = values.NOTHING
    for (part, row, field), name, value in placed:
        if part == "custom":
            # The elements of a JSON list share one name.
            custom.append((_LIST_INDEX.sub("", field) if name.startswith("custom.") else field, value))
            continue
        text = value.strip()
        if text in nothing:
            continue
        if "&" in text and kind_of((part, field)) is TEXT and (text := _ENTITY.sub(_unescaped, text)) in nothing:
            continue
        if part == "items":
            if field == "options":
                items[row]["options"] |= values.options(text)
                continue
            target = items[row]
        else:
            target = items[row]["options"] if part == "options" else parts[part]
        if target.setdefault(field, text) != text:
            raise ValueError("a field is given twice")
    if items.keys() != set(range(len(items))):
        raise ValueError("the items have a gap")
    top = parts.pop("order", {})
    return {**top, **parts, "items": [items[row] for row in sorted(items)], "custom": collected(custom)}


def _unescaped(entity: re.Match[str]) -> str:
    return unescape(entity[0])


def _adds_up(order: Order) -> bool:
    """Return whether the totals add up, with tax in the subtotal or on top; if one is missing, they count as right."""
    if order.total is None or order.subtotal is None:
        return True
    zero = Decimal(0)
    before_tax = order.subtotal - (order.discount_total or zero) + (order.shipping_total or zero)
    return order.total in (before_tax, before_tax + (order.tax_total or zero))
