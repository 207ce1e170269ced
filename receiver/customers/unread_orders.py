"""Orders that were never read, parked and dismissed ones: find those that name a person, and empty them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from receiver.customers import purging
from receiver.customers.purging import Purged
from receiver.orders.email_addresses import normalised
from receiver.storage.database import Database
from receiver.storage.models import OrderRow

#: Longer values aren't searched: an email address is far shorter, and normalising a long text takes long.
_LONGEST = 1000
_UNREAD = or_(OrderRow.state == "parked", (OrderRow.state == "ignored") & OrderRow.order.is_(None))


def naming(session: Session, email: str) -> list[int]:
    """Return the ids of those with this normalised email in any of their values."""
    alone = re.compile(rf"(?<![\w.+%-]){re.escape(email)}(?![\w-]|\.\w)")
    rows = session.execute(select(OrderRow.id, OrderRow.fields).where(_UNREAD, OrderRow.fields.contains("@")))
    return [pk for pk, fields in rows if any(alone.search(value) for value in _addresses(fields))]


def empty(database: Database, pks: Sequence[int]) -> Iterator[Purged]:
    """Take the bodies out, batch by batch; what was parked is dismissed too, since nothing is left to read."""
    for batch in purging.batches(pks):
        with database.write() as session:
            theirs = update(OrderRow).where(OrderRow.id.in_(batch), _UNREAD).returning(OrderRow.id)
            empty_values = {"fields": "[]", "order": None, "errors": None, "email": None}
            emptied = session.scalars(theirs.values(state="ignored", **empty_values)).all()
        yield Purged(orders=len(emptied))


def _addresses(fields: str) -> Iterator[str]:
    for _, value in json.loads(fields):
        if isinstance(value, str) and "@" in value and len(value) <= _LONGEST:
            yield normalised(value)
