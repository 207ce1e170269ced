"""Record orders that are to be sent, each once, and the attempts to send them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import NamedTuple

from flask import current_app
from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from receiver.orders import Order
from receiver.orders.idempotency import digest, order_key
from receiver.relay import control_state
from receiver.relay.controls import Control
from receiver.relay.sender import Answer
from receiver.security.signing import is_webhook_id
from receiver.storage.clock import utc_now
from receiver.storage.columns import upsert
from receiver.storage.database import Database
from receiver.storage.relay_models import TransmissionAttemptRow, TransmissionRow

#: The relay's own entry of ``app.extensions``. It reads no other.
EXTENSION = "receiver.relay"


class Recorder(NamedTuple):
    """What ``order_received`` needs from the app."""

    database: Database
    #: Wakes a worker for a kind of job.
    hint: Callable[[str], None]


def order_received(order: Order, session: Session | None = None) -> str:
    """Record an order that was received, to be posted to the merchant's server. Return its event_id.

    With a session, it's part of the caller's transaction. Without one, it's on disk when this returns; that needs an
    app context. An event that's recorded already stays as it is. While the Order Controls are disabled, the order is
    held.
    """
    if session is not None:
        return record(session, order, now=utc_now())
    recorder: Recorder = current_app.extensions[EXTENSION]
    with recorder.database.write() as own_session:
        event_id = record(own_session, order, now=utc_now())
    recorder.hint("transmissions")
    return event_id


def identified(order: Order) -> Order:
    """Return the order with an event_id that can be signed: its own, or one made from that or from its other ids."""
    event_id = order_key(order, order.event)
    if not is_webhook_id(event_id):
        event_id = f"evt_{digest(event_id)}"
    return order.model_copy(update={"event_id": event_id})


def record(session: Session, order: Order, *, now: datetime) -> str:
    """Record an order for the Order Controls' URL, unless its event is recorded already. Return the event_id."""
    order = identified(order)
    event_id = order.event_id or ""
    is_enabled = control_state.is_enabled(session, until_commit=True)
    insert_once(session, order, event_id=event_id, due_at=now if is_enabled else None, now=now)
    return event_id


def insert_once(
    session: Session | Connection,
    order: Order,
    *,
    event_id: str,
    due_at: datetime | None,
    now: datetime,
    target: str = "",
) -> None:
    """Insert a transmission unless there's one of this event. Without ``due_at``, it's held."""
    values = {
        "event_id": event_id,
        "target": target,
        "order_id": order.order_id,
        "test": order.test,
        "order": order.model_dump_json(exclude_none=True),
        "created_at": now,
        "state": "open" if due_at else "held",
        "due_at": due_at,
    }
    session.execute(upsert(TransmissionRow).values(values).on_conflict_do_nothing())


def record_attempt(session: Session, row: TransmissionRow, control: Control, answer: Answer, *, at: datetime) -> None:
    """Record what was sent where, and what came back."""
    before = select(func.count()).where(TransmissionAttemptRow.transmission_pk == row.id)
    columns = asdict(answer) | {
        "headers_sent": json.dumps(answer.headers_sent),
        "body": answer.body.decode("utf-8", "replace").replace("\0", "\ufffd"),
    }
    del columns["retry_after"]
    session.add(
        TransmissionAttemptRow(
            transmission_pk=row.id,
            number=1 + (session.scalar(before) or 0),
            at=at,
            url=control.url,
            encoding=control.encoding,
            **columns,
        )
    )
