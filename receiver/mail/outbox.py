"""The outbox: emails as jobs, written in the transaction of the work that sends them."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from receiver.mail.message import Attachment, Draft, MailNotDelivered
from receiver.mail.transport import MailTransport
from receiver.storage import jobs
from receiver.storage.clock import utc_now
from receiver.storage.columns import table_of
from receiver.storage.database import Database
from receiver.storage.job_queue import JobQueue
from receiver.storage.leases import Leases
from receiver.storage.models import MailRow

#: Puts emails into the outbox, with what `columns` returns of each.
ADD = insert(table_of(MailRow))


def add(session: Session, draft: Draft, *, now: datetime, handler: str | None = None, **of_order: Any) -> None:
    """Put an email into the outbox, in the caller's transaction."""
    session.execute(ADD, columns(draft, now=now, handler=handler, **of_order))


def columns(
    draft: Draft, *, now: datetime, order_pk: int | None = None, handler: str | None = None, test: bool = False
) -> dict[str, Any]:
    """Return the row of an email that's due now."""
    attachments = [[name, kind, base64.b64encode(data).decode()] for name, kind, data in draft.attachments]
    return {
        **vars(draft),
        "attachments": json.dumps(attachments),
        "state": "open",
        "due_at": now,
        "created_at": now,
        "order_pk": order_pk,
        "handler": handler,
        "test": test,
    }


def attachments_of(mail: MailRow) -> tuple[Attachment, ...]:
    """Return an email's attachments as its handler gave them."""
    return tuple((name, kind, base64.b64decode(data)) for name, kind, data in json.loads(mail.attachments))


def draft_of(mail: MailRow) -> Draft:
    """Return an email of the outbox as it was put there."""
    return Draft(
        message_id=mail.message_id,
        recipient=mail.recipient,
        subject=mail.subject,
        text=mail.text,
        html=mail.html,
        reply_to=mail.reply_to,
        attachments=attachments_of(mail),
    )


#: Emails that a process claims in one commit.
_CLAIMED_AT_ONCE = 16


class Outbox(JobQueue[MailRow]):
    """The job of sending emails, each at least once and always under its own Message-ID."""

    def __init__(
        self, database: Database, leases: Leases, transport: MailTransport, *, schedule: Sequence[int]
    ) -> None:
        super().__init__(database, leases, MailRow, most=_CLAIMED_AT_ONCE)
        self._transport = transport
        self._schedule = schedule

    def run(self, job: MailRow) -> None:
        """Send an email and write down at once what became of it: if the process ends before, it's sent again."""
        outcome = self._send(job)
        jobs.write_down(self.database, lambda connection: jobs.settle(connection, job, **outcome))

    def _send(self, mail: MailRow) -> dict[str, Any]:
        """Make one attempt and return the columns of its outcome."""
        try:
            where = self._transport.deliver(draft_of(mail))
        except MailNotDelivered as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - else it would be tried every 30 s, when its lease ends, for ever
            failure = MailNotDelivered(f"It couldn't be sent: {type(error).__name__}.", permanent=False)
        else:
            return {"state": "sent", "sent_at": utc_now(), "detail": where, "due_at": None}
        if failure.permanent or mail.attempts > len(self._schedule):
            return {"state": "failed", "detail": str(failure), "due_at": None}
        wait = timedelta(seconds=self._schedule[mail.attempts - 1])
        return {"state": "open", "detail": str(failure), "due_at": utc_now() + wait}


def check_mail(to: object, subject: object, reply_to: object, attachments: Sequence[object]) -> None:
    """Raise ValueError for a wrong argument now: at the handler's line, not when the email is stored or sent."""
    if not isinstance(to, str) or not to:
        raise ValueError(f"context.mail: to must be an email address, not {to!r}; raise Skip when the order has none")
    for name, text in (("to", to), ("subject", subject), ("reply_to", reply_to)):
        if text is None:
            continue
        if not isinstance(text, str):
            raise ValueError(f"context.mail: {name} must be text, not {text!r}")
        text.encode()  # raises UnicodeEncodeError for half of a surrogate pair, which can't be stored
    for attachment in attachments:
        match attachment:
            case str(), str(), bytes():
                continue
        raise ValueError("context.mail: each attachment must be (file name, media type, bytes)")
