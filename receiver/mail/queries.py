"""What is known of the mails in the outbox: a page of them, one whole, and sending one again."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import Session, defer

from receiver.errors import NotPossible, NotThere
from receiver.orders.email_addresses import deliverable
from receiver.storage import pages
from receiver.storage.columns import receipt_of
from receiver.storage.models import MailRow

#: What a mail can be.
STATES = ("open", "sent", "failed")
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class Attached:
    """Name, type and size of one attachment."""

    name: str
    media_type: str
    #: In bytes.
    size: int


def newest(*, state: str | None = None, test: bool | None = None, before: int | None = None) -> Select[MailRow]:
    """Select mails without their wording, newest first: of a state, of tests or real orders, those before an id."""
    without_wording = (defer(MailRow.text), defer(MailRow.html), defer(MailRow.attachments))
    return pages.newest(MailRow, state=state, test=test, before=before).options(*without_wording)


def page(session: Session, *, state: str | None = None) -> list[dict[str, Any]]:
    """List the newest mails first: one page, tests too."""
    return [summary(row) for row in session.scalars(newest(state=state).limit(pages.SIZE))]


def find(session: Session, mail_id: int) -> MailRow:
    """Find a mail by its id; raises NotThere when there is none."""
    row = session.get(MailRow, mail_id) if mail_id <= _LARGEST_ID else None
    if row is None:
        raise NotThere(f"No mail has the id {str(mail_id)[:20]}; see `flask mail list`.")
    return row


def summary(row: MailRow) -> dict[str, Any]:
    """Describe a mail in one line."""
    return {
        "id": row.id,
        "to": row.recipient,
        "subject": row.subject,
        "state": row.state,
        "test": row.test,
        "receipt": receipt_of(row.order_pk) if row.order_pk else None,
        "handler": row.handler,
        "attempts": row.attempts,
        "created_at": row.created_at.isoformat(),
        "detail": row.detail,
    }


def attachments(row: MailRow) -> list[Attached]:
    """List a mail's attachments."""
    return [Attached(name, kind, len(base64.b64decode(data))) for name, kind, data in json.loads(row.attachments)]


def resend(session: Session, mail_id: int, *, now: datetime, to: str | None = None) -> str:
    """Queue an email to be sent now and return a sentence about it; raises NotPossible.

    It goes to the address ``to`` from now on, if one is given. The schedule of attempts begins anew. A mail that was
    sent is sent once more, under the same Message-ID.
    """
    row = find(session, mail_id)
    if row.lease_until is not None:
        raise NotPossible(f"Email {mail_id} is being sent right now. Try again in a moment.")
    was_sent = row.state == "sent"
    if to is not None:
        row.recipient = _deliverable(to)
    row.state = "open"
    row.attempts = 0
    row.due_at = now
    row.lease_token = row.lease_until = None
    if not was_sent:
        return "It's being sent again."
    row.detail = None
    return "It's being sent again with the same Message-ID, so email programs may show it only once."


def _deliverable(address: str) -> str:
    try:
        return deliverable(address.strip())
    except ValueError as error:
        raise NotPossible(f"The new address {error}.") from error
