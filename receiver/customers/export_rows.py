"""How a person's rows are written in their export."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from receiver.storage.models import CustomerRow, MailRow, OrderRow
from receiver.storage.relay_models import TransmissionRow

_ADDRESS = ("kind", "name", "company", "line1", "line2", "city", "region", "postcode", "country", "used_at")
_PERSON = ("email", "first_name", "last_name", "company", "phone", "locale")
_CONSENT = ("accepts_marketing", "consent_source", "consent_at")


def order(row: OrderRow) -> dict[str, Any]:
    """Return an order that was read, and what it was read from."""
    books = _values(row, "receipt", "order_id", "received_at", "total", "currency")
    return {
        **books,
        "order": json.loads(row.order) if row.order else None,
        "fields_as_received": json.loads(row.fields),
    }


def unread(row: OrderRow, body: str | None) -> dict[str, Any]:
    """Return a parked or dismissed order; ``body`` is its text if it couldn't even be decoded."""
    as_received: dict[str, Any] = {"fields_as_received": json.loads(row.fields)}
    if body is not None:
        as_received = {"body_as_received": body}
    return {**_values(row, "receipt", "received_at"), **as_received}


def mail(row: MailRow) -> dict[str, Any]:
    """Return an email to them."""
    return {"written_at": row.created_at.isoformat(), **_values(row, "subject", "state", "text")}


def transmission(row: TransmissionRow) -> dict[str, Any]:
    """Return a transmission of their order, and when each attempt was made."""
    return {
        **_values(row, "event_id", "order_id", "state"),
        "recorded_at": row.created_at.isoformat(),
        "order": json.loads(row.order),
        "attempts": [_values(one, "at", "status") for one in reversed(row.trail)],
    }


def customer(row: CustomerRow) -> dict[str, Any]:
    """Return what's stored about a registered customer."""
    addresses = [_values(address, *_ADDRESS) for address in row.addresses]
    return {**_values(row, *_PERSON, *_CONSENT, "registered_at", "claimed_at"), "addresses": addresses}


def _values(row: Any, *names: str) -> dict[str, Any]:
    """Return the columns of these names; times as ISO 8601 text in UTC."""
    values = {name: getattr(row, name) for name in names}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}
