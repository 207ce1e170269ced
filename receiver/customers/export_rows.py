"""How what is kept of a person is written in what they are given."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from receiver.storage.models import CustomerRow, MailRow, OrderRow
from receiver.storage.relay_models import TransmissionRow

_ADDRESS = ("kind", "name", "company", "line1", "line2", "city", "region", "postcode", "country")
_DETAILS = ("email", "first_name", "last_name", "company", "phone", "locale", "accepts_marketing", "consent_source")


def order(row: OrderRow) -> dict[str, Any]:
    """Return an order that was read, and what it was read from."""
    return {
        "receipt": row.receipt,
        "order_id": row.order_id,
        "received_at": _text(row.received_at),
        "total": row.total,
        "currency": row.currency,
        "order": json.loads(row.order) if row.order else None,
        "fields_as_received": json.loads(row.fields),
    }


def unread(row: OrderRow) -> dict[str, Any]:
    """Return an order that was never read: parked, or dismissed."""
    return {
        "receipt": row.receipt,
        "received_at": _text(row.received_at),
        "fields_as_received": json.loads(row.fields),
    }


def mail(row: MailRow) -> dict[str, Any]:
    """Return a mail to them, or of their order."""
    return {"subject": row.subject, "written_at": _text(row.created_at), "state": row.state, "text": row.text}


def transmission(row: TransmissionRow) -> dict[str, Any]:
    """Return a transmission of their order, with when it was tried."""
    return {
        "event_id": row.event_id,
        "order_id": row.order_id,
        "recorded_at": _text(row.created_at),
        "state": row.state,
        "order": json.loads(row.order),
        "attempts": [{"at": _text(one.at), "status": one.status} for one in reversed(row.trail)],
    }


def customer(row: CustomerRow) -> dict[str, Any]:
    """Return what is kept of a registered customer."""
    return {
        **{name: getattr(row, name) for name in _DETAILS},
        "consent_at": _text(row.consent_at),
        "registered_at": _text(row.registered_at),
        "claimed_at": _text(row.claimed_at),
        "addresses": [
            {**{name: getattr(address, name) for name in _ADDRESS}, "used_at": _text(address.used_at)}
            for address in row.addresses
        ],
    }


def _text(when: datetime | None) -> str | None:
    return when.isoformat() if when else None
