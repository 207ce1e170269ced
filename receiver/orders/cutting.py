"""A form that may have been cut: what is sure of it, and whether another body holds all of it."""

from __future__ import annotations

import re
from datetime import datetime

from receiver.orders.mapping import Mapping
from receiver.orders.names import Fields
from receiver.orders.parsing import FieldError, NotUnderstood, read

MAY_BE_INCOMPLETE = FieldError(
    "body",
    "may be incomplete: it came in chunks, without a Content-Length, and nothing here shows whether all of them "
    "arrived. Send it with a Content-Length, or sign it. It is kept, and runs once the merchant accepts it",
)

#: Ends of names, in small letters and without separators, whose values change with each attempt of the same event.
_PER_ATTEMPT = (
    "timestamp",
    "attempt",
    "attempts",
    "attemptnumber",
    "deliveryid",
    "hmac",
    "nonce",
    "requestid",
    "retry",
    "retries",
    "retrycount",
    "sentat",
    "signature",
)
_SEPARATORS = re.compile(r"[^a-z]+")
_HALF_AN_ESCAPE = re.compile(r"%[0-9A-Fa-f]?$")


def read_held_back(fields: Fields, mapping: Mapping | None, received_at: datetime) -> NotUnderstood:
    """Read a form that may have been cut: why it is held back, and the ids that are surely whole."""
    reading = read(fields, mapping, received_at)
    sure = read(fields[:-1], mapping, received_at)  # the last field may have been longer
    errors = reading.errors if isinstance(reading, NotUnderstood) else ()
    order_id = sure.order_id if isinstance(sure, NotUnderstood) else sure.order.order_id
    return NotUnderstood((MAY_BE_INCOMPLETE, *errors), order_id=order_id)


def is_cut_of(cut: Fields, whole: Fields) -> bool:
    """Return whether a cut form's fields are the beginning of the other's, which may be just as long.

    What changes with each attempt, such as a timestamp, makes no difference.
    """
    if not 0 < len(cut) <= len(whole):
        return False
    *sure, (name, value) = cut
    if not all(map(_is_same, sure, whole)):
        return False
    whole_name, whole_value = whole[len(sure)]
    if name == whole_name:
        return _is_per_attempt(name) or whole_value.startswith(_HALF_AN_ESCAPE.sub("", value))
    return not value and whole_name.startswith(_HALF_AN_ESCAPE.sub("", name))


def _is_same(one: tuple[str, str], other: tuple[str, str]) -> bool:
    return one == other or (one[0] == other[0] and _is_per_attempt(one[0]))


def _is_per_attempt(name: str) -> bool:
    return _SEPARATORS.sub("", name.lower()).endswith(_PER_ATTEMPT)
