"""A form that may have been cut: what is sure of it."""

from __future__ import annotations

from datetime import datetime

from receiver.orders.mapping import Mapping
from receiver.orders.names import Fields
from receiver.orders.parsing import FieldError, NotUnderstood, read

MAY_BE_INCOMPLETE = FieldError(
    "body",
    "may be incomplete: it arrived in chunks without a Content-Length, so we can't tell whether all of it "
    "arrived. Send it with a Content-Length, or sign it. It is kept, and runs once the merchant accepts it",
)


def read_held_back(fields: Fields, mapping: Mapping | None, received_at: datetime) -> NotUnderstood:
    """Read a form that may have been cut: why it is held back, and what is surely whole of its ids and its decision."""
    reading = read(fields, mapping, received_at)
    errors = reading.errors if isinstance(reading, NotUnderstood) else ()
    sure = read(fields[:-1], mapping, received_at)  # the last field may have been longer
    if isinstance(sure, NotUnderstood):
        order_id, decided, test = sure.order_id, sure.decided, sure.test
    else:
        order_id, decided, test = sure.order.order_id, sure.decided, sure.order.test
    return NotUnderstood((MAY_BE_INCOMPLETE, *errors), order_id=order_id, decided=decided, test=test)
