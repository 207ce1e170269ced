"""Fields to a typed order, or to every reason why they aren't one (order-post, "Parameters")."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from receiver.orders import values
from receiver.orders.field_errors import FieldError, gaps, given_twice, missing_id, read_each
from receiver.orders.mapping import Mapping, Reading
from receiver.orders.model import Order
from receiver.orders.names import Fields, Place, Placed, by_own_names, kind_of

_EVENT, _TEST = Place("order", 0, "event"), Place("order", 0, "test")
_EVENT_ID, _ORDER_ID = Place("order", 0, "event_id"), Place("order", 0, "order_id")
#: What decides what an order is, the event first.
_DECIDING = (_EVENT, Place("order", 0, "order_status"), Place("order", 0, "payment_status"))
_COMPLETED = "completed"
_COMPLETED_EVENT = "order.completed"
#: States of an order or a payment that make the order ignored.
_NOT_COMPLETED = frozenset({"cancelled", "canceled", "voided", "refunded", "draft", "pending", "unpaid", "failed"})
_LIST_INDEX = re.compile(r"\[[0-9]+\]$")
_DOES_NOT_ADD_UP = "total is not subtotal - discount_total + shipping_total + tax_total"
_FROM_THE_FUTURE = "order_date is more than a day after the order came in: it counts as missing"
#: How far apart clocks and time zones may be.
_CLOCKS_DIFFER = timedelta(days=1)


class Understood(NamedTuple):
    """A typed order, and what the request was decided to be."""

    order: Order
    #: ``completed``, or the word that made it ignored.
    decided: str


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


def read(fields: Fields, mapping: Mapping | None, received_at: datetime) -> Understood | NotUnderstood:
    """Read an order out of its fields; without a mapping by the contract's own names.

    ``received_at`` is aware UTC and stands in for a missing ``order_date``. A missing field and an empty one
    are the same, and outer white space does not count.
    """
    placed: Sequence[Placed]
    placed, rest = by_own_names(fields) if mapping is None else mapping.apply(fields)
    try:
        return _understood(placed, rest=rest, notes=(), received_at=received_at)
    except ValueError:
        # Pydantic stops at what it can't nest and knows no sent names, so each value is read once more by itself.
        return _read_one_by_one(placed, rest, mapping, received_at)


def _read_one_by_one(
    placed: Sequence[Placed], rest: Fields, mapping: Mapping | None, received_at: datetime
) -> Understood | NotUnderstood:
    """Find everything that's malformed, and read the order without what is only noted."""
    given = {
        place: Reading(place, name, value) for place, name, value in placed if place.part != "custom" and value.strip()
    }
    found, malformed = read_each(given, mapping)
    errors = [FieldError(given[place].name, reason) for place, reason in malformed.items() if kind_of(place.slot).parks]
    errors += [*given_twice(placed), *missing_id(given, mapping), *gaps(given)]
    if errors:
        return NotUnderstood(
            tuple(errors),
            found.get(_EVENT_ID),
            found.get(_ORDER_ID),
            decided=None if _EVENT in malformed else decide(*map(found.get, _DECIDING)),
            test=found.get(_TEST, False),
        )
    notes = tuple(f"{given[place].name} {reason}" for place, reason in malformed.items())
    well_formed = [one for one in placed if one[0] not in malformed]
    as_sent = [(given[place].name, given[place].value) for place in malformed]
    return _understood(well_formed, rest=[*rest, *as_sent], notes=notes, received_at=received_at)


def _understood(placed: Iterable[Placed], *, rest: Fields, notes: tuple[str, ...], received_at: datetime) -> Understood:
    """Return the order that the values make; ``rest`` is kept as ``extra``, as it came.

    Raises ValueError when they make none; its message has neither all the reasons nor the names that were sent.
    """
    nested = {"order_date": received_at, **_nested(placed), "extra": _collected(rest), "notes": notes}
    order = Order.model_validate(nested)
    if not _adds_up(order):
        order = order.model_copy(update={"notes": (*order.notes, _DOES_NOT_ADD_UP)})
    if order.order_date - received_at > _CLOCKS_DIFFER:
        order = order.model_copy(update={"order_date": received_at, "notes": (*order.notes, _FROM_THE_FUTURE)})
    return Understood(order, decide(order.event, order.order_status, order.payment_status))


def decide(event: str | None, *statuses: str | None) -> str:
    """Return ``completed``, or the word that makes the order ignored: its event, status or payment status."""
    if event not in {None, _COMPLETED_EVENT}:
        return f"event {_COMPLETED}" if event == _COMPLETED else str(event)
    for status in statuses:
        if status is not None and status.lower() in _NOT_COMPLETED:
            return status.lower()
    return _COMPLETED


def _nested(placed: Iterable[Placed]) -> dict[str, Any]:
    """Return the texts as the model nests them; raises ValueError for a gap in the items and a field given twice."""
    parts: dict[str, dict[str, Any]] = defaultdict(dict)
    items: dict[int, dict[str, Any]] = defaultdict(lambda: {"options": {}})
    custom: Fields = []
    for (part, row, field), name, value in placed:
        text = value.strip()
        if part == "custom":
            # The elements of a JSON list share one name.
            custom.append((_LIST_INDEX.sub("", field) if name.startswith("custom.") else field, value))
        elif not text:
            continue
        elif part == "options":
            _put(items[row]["options"], field, text)
        elif part != "items":
            _put(parts[part], field, text)
        elif field == "options":
            items[row]["options"] |= values.options(text)
        else:
            _put(items[row], field, text)
    if items.keys() != set(range(len(items))):
        raise ValueError("the items have a gap")
    top = parts.pop("order", {})
    return {**top, **parts, "items": [items[row] for row in sorted(items)], "custom": _collected(custom)}


def _put(target: dict[str, Any], field: str, text: str) -> None:
    if target.setdefault(field, text) != text:
        raise ValueError("a field is given twice")


def _collected(fields: Fields) -> dict[str, str | list[str]]:
    """Return the values by name; a name given twice has a list."""
    kept: dict[str, str | list[str]] = {}
    for name, value in fields:
        before = kept.get(name)
        if isinstance(before, list):
            before.append(value)
        else:
            kept[name] = value if before is None else [before, value]
    return kept


def _adds_up(order: Order) -> bool:
    """Return whether the totals add up, the subtotal with tax or without; where one is missing, they do."""
    if order.total is None or order.subtotal is None:
        return True
    zero = Decimal(0)
    before_tax = order.subtotal - (order.discount_total or zero) + (order.shipping_total or zero)
    return order.total in (before_tax, before_tax + (order.tax_total or zero))
