"""Find the outbox's emails, list them, and send one again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, or_
from sqlalchemy.orm import Session, defer

from receiver.errors import NotPossible, NotThere
from receiver.orders.email_addresses import deliverable
from receiver.orders.folding import folded
from receiver.storage import pages, search
from receiver.storage.columns import receipt_of
from receiver.storage.models import MailRow

#: The states of an email.
STATES = ("open", "sent", "failed")
#: Orders whose emails a search shows.
_MOST_ORDERS = 1000
#: SQLite raises OverflowError for a larger number.
_LARGEST_ID = 2**63 - 1


def newest(
    *conditions: ColumnElement[bool], state: str | None = None, test: bool | None = None, before: int | None = None
) -> Select[MailRow]:
    """Select emails without their contents, newest first: only those in a state, of tests, or before an id."""
    without_contents = (defer(MailRow.text), defer(MailRow.html), defer(MailRow.attachments))
    return pages.newest(MailRow, *conditions, state=state, test=test, before=before).options(*without_contents)


def about(session: Session, words: str) -> ColumnElement[bool]:
    """Return the condition of emails of the newest orders that hold all words, and of others to or about them."""
    of_orders = MailRow.order_pk.in_(search.ids(session, words, most=_MOST_ORDERS))
    parts = [f"%{word}%" for word in folded(words).split()]
    holds = (or_(func.lower(MailRow.recipient).like(part), func.lower(MailRow.subject).like(part)) for part in parts)
    return or_(of_orders, and_(MailRow.order_pk.is_(None), *holds)) if parts else false()


def page(session: Session, *, state: str | None = None) -> list[dict[str, Any]]:
    """Return the first page of the list of emails, tests included."""
    return [summary(row) for row in session.scalars(newest(state=state).limit(pages.SIZE))]


def find(session: Session, mail_id: int) -> MailRow:
    """Return the email with an id. Raises NotThere."""
    row = session.get(MailRow, mail_id) if mail_id <= _LARGEST_ID else None
    if row is None:
        raise NotThere(f"No mail has the id {str(mail_id)[:20]}; see `flask mail list`.")
    return row


def summary(row: MailRow) -> dict[str, Any]:
    """Return what the list shows of an email."""
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


def resend(session: Session, mail_id: int, *, now: datetime, to: str | None = None) -> str:
    """Make an email due now, with all its attempts before it, and return a sentence about that.

    With ``to``, it goes to that address from now on. An email that was sent is sent once more, with the same
    Message-ID. Raises NotThere, and NotPossible while it's being sent or if ``to`` isn't an address.
    """
    row = find(session, mail_id)
    if row.lease_until is not None:
        raise NotPossible(f"Email {mail_id} is being sent right now. Try again in a moment.")
    was_sent = row.state == "sent"
    if to is not None:
        try:
            row.recipient = deliverable(to.strip())
        except ValueError as error:
            raise NotPossible(f"The new address {error}.") from error
    row.state = "open"
    row.attempts = 0
    row.due_at = now
    if not was_sent:
        return "It's being sent again."
    row.detail = None
    return "It's being sent again with the same Message-ID, so email programs may show it only once."
