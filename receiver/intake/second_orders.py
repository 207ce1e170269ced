"""Why a form that may have been cut doesn't run by itself: there's an order of its id already."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from receiver.intake.copies import HAS_RUN, fields_of
from receiver.orders import FieldError, Fields, Mapping, Understood, is_cut_of, is_same_form, read
from receiver.storage.models import IS_HELD_BACK, OrderRow

_BEGIN = "may be incomplete, and"


def in_the_way(session: Session, row: OrderRow, mapping: Mapping | None) -> FieldError | None:
    """Return why a form that may have been cut doesn't run by itself; None when it may.

    It may be a broken copy of an order of its id, or the beginning of one that's held back as well.
    """
    fields = fields_of(row.fields)
    if (order_id := _id_of_order(fields, mapping, row)) is None:
        return None
    others = select(OrderRow).where(
        OrderRow.source == row.source, OrderRow.order_id == order_id, OrderRow.id != row.id, OrderRow.test.is_(False)
    )
    is_order = OrderRow.decided == "completed", OrderRow.state.in_(HAS_RUN)
    first = session.scalar(others.where(*is_order).order_by(OrderRow.id).limit(1))
    if first is not None:
        return _says(row, f"{first.receipt} has the same order_id and was taken for an order")
    for other in session.scalars(others.where(IS_HELD_BACK).order_by(OrderRow.id)):
        if _is_longer(other, fields, mapping):
            return _says(row, f"{other.receipt} is held back too, has the same order_id and holds more: run that one")
    return None


def names_another(errors: Sequence[FieldError]) -> bool:
    """Return whether this is why one doesn't run."""
    return any(error.message.startswith(_BEGIN) for error in errors)


def _is_longer(other: OrderRow, fields: Fields, mapping: Mapping | None) -> bool:
    """Return whether another form contains all of this one and more, and is an order as far as it goes."""
    theirs = fields_of(other.fields)
    if is_same_form(fields, theirs) or not is_cut_of(fields, theirs):
        return False
    return _id_of_order(theirs, mapping, other) is not None


def _id_of_order(fields: Fields, mapping: Mapping | None, row: OrderRow) -> str | None:
    """Return the order id of what would be handled as an order; None for anything else."""
    reading = read(fields, mapping, row.received_at)
    if isinstance(reading, Understood) and reading.decided == "completed" and not reading.order.test:
        return reading.order.order_id
    return None


def _says(row: OrderRow, reason: str) -> FieldError:
    return FieldError(
        "body",
        f"{_BEGIN} {reason}. If this is an order of its own: "
        f"flask orders replay {row.receipt} --accept-incomplete --second-order; if not: "
        f"flask orders dismiss {row.receipt}",
    )
