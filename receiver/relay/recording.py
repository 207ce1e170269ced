"""An order received becomes a transmission, once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from flask import current_app
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from receiver.orders import Order
from receiver.orders.idempotency import digest, order_key
from receiver.relay import control_state
from receiver.security.signing import is_webhook_id
from receiver.storage.database import Database
from receiver.storage.relay_models import TransmissionRow

#: The relay's own entry of ``app.extensions``; it reads no other.
EXTENSION = "receiver.relay"


class Hints(Protocol):
    """What wakes the workers."""

    def hint(self, name: str) -> None:
        """Wake a worker for this kind of job."""


class Recorder(NamedTuple):
    """What records an order in a transaction of its own, and wakes the workers."""

    database: Database
    engine: Hints

    def record(self, order: Order) -> str:
        """Write a transmission and return its event_id; it is on disk then."""
        with self.database.write() as session:
            event_id = record(session, order, now=datetime.now(UTC))
        self.engine.hint("transmissions")
        return event_id


def order_received(order: Order, session: Session | None = None) -> str:
    """Record an order that was received, to be posted to the merchant's server; gives its event_id.

    With a session the record is part of the caller's transaction; without one it is on disk when this returns,
    which needs an app context. An event that is recorded already is left as it is. While the Order Control is
    disabled the transmission is held.
    """
    if session is not None:
        return record(session, order, now=datetime.now(UTC))
    recorder: Recorder = current_app.extensions[EXTENSION]
    return recorder.record(order)


def identified(order: Order) -> Order:
    """Return the order with an event_id that can be signed: its own, or one made from that or from its ids."""
    event_id = order_key(order, order.event)
    if not is_webhook_id(event_id):
        event_id = f"evt_{digest(event_id)}"
    return order.model_copy(update={"event_id": event_id})


def record(session: Session, order: Order, *, now: datetime) -> str:
    """Write a transmission, unless the event has one; and give the event_id."""
    order = identified(order)
    is_enabled = control_state.is_enabled(session)
    values = {
        "event_id": order.event_id,
        "order_id": order.order_id,
        "test": order.test,
        "order": order.model_dump_json(exclude_none=True),
        "created_at": now,
        "state": "open" if is_enabled else "held",
        "due_at": now if is_enabled else None,
    }
    session.execute(insert(TransmissionRow).values(values).on_conflict_do_nothing())
    return order.event_id or ""
