"""The outbox: a mail is a durable job, written with the work that wants it and sent by a worker."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from receiver.mail.transport import MailNotDelivered, MailTransport, OutgoingMail
from receiver.storage import jobs
from receiver.storage.database import Database
from receiver.storage.leases import Leases
from receiver.storage.models import MailRow

Attachment = tuple[str, str, bytes]


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A rendered email on its way into the outbox."""

    message_id: str
    recipient: str
    subject: str
    text: str
    html: str | None = None
    reply_to: str | None = None
    attachments: Sequence[Attachment] = ()


def add(
    session: Session,
    draft: Draft,
    *,
    now: datetime,
    order_pk: int | None = None,
    handler: str | None = None,
    test: bool = False,
) -> None:
    """Put a mail into the outbox, in the caller's transaction."""
    session.add(
        MailRow(
            state="open",
            due_at=now,
            order_pk=order_pk,
            handler=handler,
            test=test,
            message_id=draft.message_id,
            recipient=draft.recipient,
            reply_to=draft.reply_to,
            subject=draft.subject,
            text=draft.text,
            html=draft.html,
            attachments=json.dumps(
                [[name, kind, base64.b64encode(data).decode()] for name, kind, data in draft.attachments]
            ),
            created_at=now,
        )
    )


def attachments_of(mail: MailRow) -> tuple[Attachment, ...]:
    """Return a mail's attachments as its handler gave them."""
    return tuple((name, kind, base64.b64decode(data)) for name, kind, data in json.loads(mail.attachments))


class Outbox:
    """The job of sending emails, each at least once and always under its own Message-ID."""

    def __init__(
        self,
        database: Database,
        leases: Leases,
        transport: MailTransport,
        *,
        sender: tuple[str, str],
        schedule: Sequence[int],
    ) -> None:
        self._database = database
        self._leases = leases
        self._transport = transport
        self._sender = sender
        self._schedule = schedule

    def is_due(self) -> bool:
        """Return, by a read, whether an email is to be sent now."""
        return jobs.anything_due(self._database, MailRow, self._leases.free(MailRow))

    def run_next(self) -> bool:
        """Send the oldest due mail; False when none was due."""
        now = datetime.now(UTC)
        with self._database.write() as session:
            mail = jobs.claim(session, MailRow, now, self._leases.free(MailRow))
        if mail is None:
            return False
        with self._leases.kept(mail):
            outcome = self._send(mail)
            jobs.write_down(self._database, lambda session: jobs.settle(session, mail, **outcome))
        return True

    def _send(self, mail: MailRow) -> dict[str, Any]:
        """Make one attempt and give the columns of its outcome."""
        try:
            where = self._transport.deliver(self._outgoing(mail))
        except MailNotDelivered as error:
            return self._not_delivered(mail, error)
        except Exception as error:  # noqa: BLE001 - a mail that nobody foresaw must not be tried every 30 s for ever
            unforeseen = MailNotDelivered(f"It could not be sent: {type(error).__name__}.", permanent=False)
            return self._not_delivered(mail, unforeseen)
        return {"state": "sent", "sent_at": datetime.now(UTC), "detail": where, "due_at": None}

    def _not_delivered(self, mail: MailRow, error: MailNotDelivered) -> dict[str, Any]:
        if error.permanent or mail.attempts > len(self._schedule):
            return {"state": "failed", "detail": str(error), "due_at": None}
        wait = timedelta(seconds=self._schedule[mail.attempts - 1])
        return {"state": "open", "detail": str(error), "due_at": datetime.now(UTC) + wait}

    def _outgoing(self, mail: MailRow) -> OutgoingMail:
        return OutgoingMail(
            message_id=mail.message_id,
            sender=self._sender,
            to=mail.recipient,
            subject=mail.subject,
            text=mail.text,
            html=mail.html,
            reply_to=mail.reply_to,
            attachments=attachments_of(mail),
        )


def check_mail(to: object, subject: object, reply_to: object, attachments: Sequence[object]) -> None:
    """Raise ValueError for what would fail only when the mail is written down, far from the handler's line."""
    if not isinstance(to, str) or not to:
        raise ValueError(f"context.mail: to must be an e-mail address, not {to!r}; raise Skip when the order has none")
    for name, text in (("subject", subject), ("reply_to", reply_to)):
        if text is not None and not isinstance(text, str):
            raise ValueError(f"context.mail: {name} must be text, not {text!r}")
    if not all(_is_attachment(one) for one in attachments):
        raise ValueError("context.mail: each attachment must be (file name, media type, bytes)")


def _is_attachment(one: object) -> bool:
    if not isinstance(one, tuple | list) or len(one) != 3:
        return False
    name, media_type, content = one
    return isinstance(name, str) and isinstance(media_type, str) and isinstance(content, bytes)
