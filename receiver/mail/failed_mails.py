"""The alert about an email of an order that couldn't be sent at any attempt."""

from __future__ import annotations

from sqlalchemy import BigInteger, select, type_coerce
from sqlalchemy.orm import Session

from receiver.mail import order_words
from receiver.mail.alerts import Alert, CaseKind
from receiver.mail.reported import MAIL_HAS_FAILED
from receiver.storage.models import MailRow, OrderRow


def _described(session: Session, pk: int) -> Alert | None:
    mail = session.get(MailRow, pk)
    row = session.get(OrderRow, mail.order_pk) if mail is not None and mail.order_pk is not None else None
    if mail is None or row is None:
        return None
    number = order_words.number(row)
    return Alert(
        headline=f"{order_words.named(row)}: an email couldn't be sent",
        short=f"{order_words.unnamed(row)}: an email couldn't be sent",
        facts=(
            ("Order", number),
            ("Receipt", row.receipt),
            ("Email", mail.subject),
            ("To", mail.recipient),
            ("Handler", mail.handler or ""),
            ("Error", mail.detail or ""),
            ("Attempts", str(mail.attempts)),
        ),
        lines=(
            "It isn't retried any more. Once you've fixed the cause, send it on its page, to any address.",
            f"Or in a terminal: flask mail resend {mail.id}",
        ),
        buttons=(("Open email", f"mail/{mail.id}"), ("Open order", f"orders/{row.receipt}")),
        order_pk=row.id,
    )


MAIL_FAILED = CaseKind(
    kind="mail_failed",
    cases=select(
        MailRow.id.label("pk"),
        type_coerce(MailRow.created_at, BigInteger).label("since"),
        MailRow.id.label("counted"),
    ).where(*MAIL_HAS_FAILED),
    describe=_described,
    one="An email couldn't be sent",
    several="{} emails couldn't be sent",
    path="mail?state=failed",
)
