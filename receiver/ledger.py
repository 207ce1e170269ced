"""What is known of the recorded orders: a page of them, and one whole."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from receiver.columns import receipt_of
from receiver.errors import ConfigurationError
from receiver.models import OrderRow

#: Orders on a page.
PAGE = 50


def page(session: Session, *, state: str | None = None, everything: bool = False) -> list[dict[str, Any]]:
    """List the newest orders first: one page of real ones, or ``everything``, tests and ignored ones too."""
    statement = select(OrderRow).order_by(OrderRow.id.desc())
    if state:
        statement = statement.where(OrderRow.state == state)
    if not everything:
        statement = statement.limit(PAGE)
        if not state:
            statement = statement.where(OrderRow.state != "ignored", OrderRow.test.is_(False))
    return [summary(row) for row in session.scalars(statement)]


def find(session: Session, receipt: str) -> OrderRow:
    """Find an order by its receipt; raises ConfigurationError when there is none."""
    match = re.fullmatch(r"rcp_([0-9]{1,18})", receipt)
    row = session.get(OrderRow, int(match[1])) if match else None
    if row is None:
        raise ConfigurationError(f"No order has the receipt {receipt}; see `flask orders list --all`.")
    return row


def summary(row: OrderRow) -> dict[str, Any]:
    """Describe an order in one line."""
    return {
        "receipt": row.receipt,
        "order_id": row.order_id,
        "source": row.source,
        "state": row.state,
        "test": row.test,
        "email": row.email,
        "total": row.total,
        "currency": row.currency,
        "received_at": row.received_at.isoformat(),
    }


def whole(row: OrderRow) -> dict[str, Any]:
    """Describe an order with all that was received, read and done."""
    return {
        **summary(row),
        "proof": {"way": row.proof, "fingerprint": row.fingerprint, "webhook_id": row.webhook_id},
        "copies": row.copies,
        "differing_copies": row.differing_copies,
        "duplicate_of": row.duplicate_of,
        "notes": json.loads(row.notes) + (json.loads(row.order).get("notes", []) if row.order else []),
        "errors": json.loads(row.errors) if row.errors else [],
        "order": json.loads(row.order) if row.order else None,
        "fields": json.loads(row.fields),
        "handlers": [
            {"name": one.name, "state": one.state, "attempts": one.attempts, "detail": one.detail}
            for one in row.handlers
        ],
        "mails": [
            {"id": mail.id, "to": mail.recipient, "subject": mail.subject, "state": mail.state, "detail": mail.detail}
            for mail in row.mails
        ],
    }


def parked_receipts(session: Session) -> Sequence[str]:
    """Give the receipts of all parked orders, oldest first."""
    parked = select(OrderRow.id).where(OrderRow.state == "parked").order_by(OrderRow.id)
    return [receipt_of(pk) for pk in session.scalars(parked)]
