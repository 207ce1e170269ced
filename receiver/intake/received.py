"""The result of a delivery that isn't refused, and the HTTP status that it's answered with."""

from __future__ import annotations

from typing import Any, NamedTuple

#: What a delivery can come to -> the status: 202 for what is still to be handled, 200 for what needs nothing more.
STATUSES = {
    "accepted": 202,
    "parked": 202,
    # In quarantine until its shop was asked.
    "waiting": 202,
    "duplicate": 200,
    "ignored": 200,
    # A test order whose handlers run before the answer.
    "tested": 200,
    # A set-up ping, which isn't on disk.
    "ping": 200,
}


class Received(NamedTuple):
    """The result of a delivery that's on disk, or was a set-up ping."""

    #: A word of STATUSES.
    status: str
    pk: int
    receipt: str
    order_id: str | None
    #: Why it's parked, field by field.
    errors: list[dict[str, Any]]
