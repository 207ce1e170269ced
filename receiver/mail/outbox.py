"""The outbox: emails as jobs, written in the transaction of the work that sends them."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from receiver.mail.message import Attachment, Draft, MailNotDelivered
from receiver.mail.transport import MailTransport
from receiver.storage import jobs
from receiver.storage.clock import utc_now
from receiver.storage.database import Database
from receiver.storage.leases import Leases
from receiver.storage.models import MailRow


def add(
    session: Session,
    draft: Draft,
    *,
    now: datetime,
    order_pk: int | None = None,
    handler: str | None = None,
    test: bool = False,
) -> None:
    """Put an email into the outbox, in the caller's transaction."""
    attachments = [[name, kind, base64.b64encode(data).decode()] for name, kind, data in draft.attachments]
    columns = asdict(draft) | {"attachments": json.dumps(attachments)}
    session.add(
        MailRow(state="open", due_at=now, created_at=now, order_pk=order_pk, handler=handler, test=test, **columns)
    )


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


class Outbox:
    """The job of sending emails, each at least once and always under its own Message-ID."""

    def __init__(
        self, database: Database, leases: Leases, transport: MailTransport, *, schedule: Sequence[int]
    ) -> None:
        self._database = database
        self._leases = leases
        self._transport = transport
        self._schedule = schedule

    def is_due(self) -> bool:
        """Return, by a read, whether an email is to be sent now."""
        return jobs.anything_due(self._database, MailRow, self._leases.free(MailRow))

    def run_next(self) -> bool:
        """Send the oldest due email; return whether there was one."""
        now = utc_now()
        with self._database.write() as session:
            mail = jobs.claim(session, MailRow, now, self._leases.free(MailRow))
        if mail is None:
            return False
        with self._leases.kept(mail):
            outcome = self._send(mail)
            jobs.write_down(self._database, lambda session: jobs.settle(session, mail, **outcome))
        return True

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
    for name, text in (("subject", subject), ("reply_to", reply_to)):
        if text is not None and not isinstance(text, str):
            raise ValueError(f"context.mail: {name} must be text, not {text!r}")
    for attachment in attachments:
        match attachment:
            case str(), str(), bytes():
                continue
        raise ValueError("context.mail: each attachment must be (file name, media type, bytes)")
