"""The columns of an order: what's kept of a verified POST, and what follows from its reading."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic_core import to_json

from receiver.intake import questions
from receiver.intake.authentication import Proof
from receiver.orders import Fields, NotUnderstood, Understood, guard, guard_cut, mask, read, read_held_back
from receiver.orders.card_guard import Guarded
from receiver.orders.email_addresses import normalised
from receiver.orders.idempotency import blinded_key, body_key, content_digest, cut_key, digest, order_key
from receiver.orders.states import EVENTS, REFUNDED
from receiver.security.keyring import Keyring
from receiver.sources.source import Source
from receiver.storage import jobs


def new_row(
    fields: Fields,
    *,
    notes: tuple[str, ...],
    source: Source,
    proof: Proof,
    keyring: Keyring,
    secret_key: str,
    content_type: str | None,
    end_is_known: bool,
    received_at: datetime,
) -> dict[str, Any]:
    """Return an order's row; raises CardDataRefused.

    A body that may be incomplete is held back: it's parked, and never handled by itself. Beside the columns it says
    whether the order ``can_change``.
    """
    may_be_cut = is_maybe_cut(end_is_known=end_is_known, proof=proof, source=source)
    basis = basics(source=source, proof=proof, keyring=keyring, received_at=received_at)
    webhook_id = basis["webhook_id"]
    encoding = media_type(mask(keyring.redact_text(content_type or "")))
    guarded = _guarded(fields, keyring, source, may_be_cut)

    def read_by(fields: Fields, webhook_id: str | None) -> tuple[Understood | NotUnderstood, str]:
        if may_be_cut:
            return read_held_back(fields, source.mapping, received_at), cut_key(fields)
        reading = read(fields, source.mapping, received_at)
        return reading, _key(reading, fields, webhook_id)

    reading, key = read_by(guarded.fields, proof.webhook_id)
    if guarded.masked is not guarded.fields or webhook_id != proof.webhook_id:
        reading, masked_key = read_by(guarded.masked, webhook_id)
        key = key if key == masked_key else blinded_key(key, secret_key)
    return {
        **basis,
        "key": key,
        "can_change": source.orders_can_change,
        "encoding": encoding,
        "may_be_cut": may_be_cut,
        **_columns_of(guarded, notes),
        **what_was_read(reading, received_at, source=source, fields=guarded.masked),
    }


def basics(*, source: Source, proof: Proof, keyring: Keyring, received_at: datetime) -> dict[str, Any]:
    """Return the columns of any new row, whatever was read: where it came from, and what verified it."""
    return {
        "source": source.name,
        "proof": proof.way,
        "fingerprint": proof.fingerprint,
        "webhook_id": mask(keyring.redact_text(proof.webhook_id)) if proof.webhook_id else None,
        "webhook_timestamp": proof.webhook_timestamp,
        "received_at": received_at,
        "attempts": 0,
    }


def fields_as_kept(
    fields: Fields, notes: tuple[str, ...], keyring: Keyring, source: Source, *, may_be_cut: bool
) -> dict[str, Any]:
    """Return the columns of fields that were decoded out of a kept body; raises CardDataRefused."""
    return {**_columns_of(_guarded(fields, keyring, source, may_be_cut), notes), "may_be_cut": may_be_cut}


def is_maybe_cut(*, end_is_known: bool, proof: Proof, source: Source) -> bool:
    """Return whether a body may have been cut: nothing shows where it ends."""
    return not (end_is_known or proof.way == "signature" or source.accepts_chunked_forms)


def media_type(content_type: str | None) -> str:
    """Return a Content-Type without its parameters, in lower case."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    return kind.replace("\0", "\ufffd")  # PostgreSQL keeps no NUL


def _guarded(fields: Fields, keyring: Keyring, source: Source, may_be_cut: bool) -> Guarded:
    return guard_cut(keyring.redact_cut(fields), source.mapping) if may_be_cut else guard(keyring.redact(fields))


def _columns_of(guarded: Guarded, notes: tuple[str, ...]) -> dict[str, Any]:
    cleaned = to_json(guarded.masked)
    fields_digest = digest(cleaned)
    return {
        "fields": cleaned.decode(),
        "fields_digest": fields_digest,
        "content_digest": fields_digest,  # while it isn't understood; then its order's
        "notes": to_json([*notes, *guarded.notes]).decode(),
        "held_card_data": guarded.held_card_data,
    }


def what_was_read(
    reading: Understood | NotUnderstood, now: datetime, *, source: Source, fields: Fields
) -> dict[str, Any]:
    """Return the columns that follow from a reading of these fields; what the source says is no order is ignored."""
    if isinstance(reading, Understood):
        return of_order(reading, now)
    question = questions.asked_by(reading, fields)
    is_no_order = question in source.answers.no_orders
    return {
        "state": "ignored" if is_no_order else "parked",
        "test": reading.test,
        "decided": None if is_no_order else reading.decided,
        "order_id": reading.order_id,
        "errors": to_json(questions.as_kept(reading.errors)).decode(),
        "parked_as": question,
    }


def of_order(reading: Understood, now: datetime) -> dict[str, Any]:
    """Return the columns of an order that was understood; a test holds its own lease from the start.

    It's open where a handler may run on its event; whether one does is known when it's due.
    """
    order = reading.order
    is_event = reading.decided in EVENTS
    total = order.refund_total if reading.decided == REFUNDED else order.total
    columns = {
        "state": "open" if is_event else "ignored",
        "test": order.test,
        "decided": reading.decided,
        "content_digest": content_digest(order, reading.decided),
        "event_id": order.event_id,
        "order_id": order.order_id,
        "email": normalised(order.customer.email) if order.customer.email else None,
        "total": None if total is None else str(total),
        "currency": order.currency,
        "order": order.model_dump_json(exclude_none=True),
        "errors": None,
        "parked_as": None,
        "due_at": now if is_event else None,
    }
    if is_event and order.test:
        columns |= jobs.new_lease(now)
    return columns


def _key(reading: Understood | NotUnderstood, fields: Fields, webhook_id: str | None) -> str:
    if isinstance(reading, NotUnderstood):
        return body_key(fields, event_id=reading.event_id, webhook_id=webhook_id)
    return order_key(reading.order, reading.decided)
