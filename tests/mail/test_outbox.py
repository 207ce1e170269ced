"""The outbox: every mail is sent at least once, under one Message-ID, by schedule until it arrives or has failed."""

from __future__ import annotations

import email
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from receiver.app.components import Kit
from receiver.mail import outbox
from receiver.mail.message import Draft
from receiver.mail.transport import MailTransport
from receiver.storage.models import MailRow
from tests.deliveries import settings
from tests.served import refuse_writes
from tests.smtp_servers import Mailbox, free_port, smtp_server

MESSAGE_ID = "<0123456789abcdef@laden.de>"
MakeApp = Callable[..., Flask]


def put(kit: Kit, **changes: Any) -> None:
    """Put one email that's due now into the outbox."""
    values: dict[str, Any] = {
        "message_id": MESSAGE_ID,
        "recipient": "zoe.mueller@kunde.de",
        "subject": "Your order 1042",
        "text": "Grüße",
    }
    with kit.database.write() as session:
        outbox.add(session, Draft(**values | changes), now=datetime.now(UTC))


def mail(kit: Kit) -> MailRow:
    """Return the only email there is."""
    with kit.database.read() as session:
        return session.scalars(select(MailRow)).one()


def make_due(kit: Kit) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    with kit.database.write() as session:
        session.execute(update(MailRow).where(MailRow.state == "open").values(due_at=past, lease_until=None))


def parsed(content: bytes | str | None) -> EmailMessage:
    assert isinstance(content, bytes)
    return email.message_from_bytes(content, policy=policy.default)


def test_a_mail_whose_sending_cannot_be_written_down_at_once_is_sent_once(
    sending: Callable[..., Kit], mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = sending()
    put(kit)
    refuse_writes(monkeypatch, kit, times=2, after=(kit.transport, "deliver"))

    assert kit.outbox.run_next()
    assert (mail(kit).state, mail(kit).lease_token, mail(kit).attempts) == ("sent", None, 1)
    assert len(mailbox.mails) == 1


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def sending(make_app: MakeApp, mailbox: Mailbox) -> Iterator[Callable[..., Kit]]:
    """Make kits that send to the mailbox over SMTP."""
    with smtp_server(mailbox) as port:
        kits: list[Kit] = []

        def make(**more: Any) -> Kit:
            kits.append(make_app(**settings(port, **more)).extensions["receiver"])
            return kits[-1]

        yield make
        for kit in kits:
            kit.transport.close()


def test_a_mail_is_handed_to_the_server_and_settled(sending: Callable[..., Kit], mailbox: Mailbox) -> None:
    kit = sending(SHOP_NAME="Zoë's Corner Shop")
    put(kit, html="<p>Grüße</p>")

    assert kit.outbox.run_next()
    (envelope,) = mailbox.mails
    message = parsed(envelope.content)
    assert envelope.rcpt_tos == ["zoe.mueller@kunde.de"]
    assert (message["Message-ID"], message["Subject"]) == (MESSAGE_ID, "Your order 1042")
    assert message["From"] == "Zoë's Corner Shop <shop@laden.de>"
    row = mail(kit)
    assert (row.state, row.detail, row.attempts, row.due_at) == ("sent", "handed to 127.0.0.1", 1, None)
    assert (row.lease_token, row.lease_until) == (None, None)
    assert row.sent_at is not None
    assert abs(datetime.now(UTC) - row.sent_at) < timedelta(seconds=30)
    assert not kit.outbox.run_next()


def test_attachments_and_the_reply_address_arrive(sending: Callable[..., Kit], mailbox: Mailbox) -> None:
    kit = sending()
    attachments = [("Rechnung ä.pdf", "application/pdf", b"%PDF\0\xff"), ("ticket.txt", "text/plain", b"A-1")]
    put(kit, attachments=attachments, reply_to="merchant@laden.de")
    kit.outbox.run_next()

    message = parsed(mailbox.mails[0].content)
    assert message["Reply-To"] == "merchant@laden.de"
    arrived = [
        (part.get_filename(), part.get_content_type(), part.get_payload(decode=True))
        for part in message.iter_attachments()
    ]
    assert arrived == attachments


def test_without_a_server_the_mail_becomes_a_file(kit: Kit, instance: Path) -> None:
    put(kit)
    assert kit.outbox.run_next()

    (path,) = (instance / "outbox").glob("*.eml")
    assert parsed(path.read_bytes())["Message-ID"] == MESSAGE_ID
    assert (mail(kit).state, mail(kit).detail) == ("sent", str(path))


def test_a_failed_delivery_is_retried_by_the_schedule_under_the_same_message_id(
    sending: Callable[..., Kit], mailbox: Mailbox
) -> None:
    kit = sending(RETRY_SCHEDULE=[60, 300])
    put(kit)
    mailbox.data_answer = "451 4.3.0 try later"
    for number, wait in enumerate([60, 300], 1):
        make_due(kit)
        assert kit.outbox.run_next()
        row = mail(kit)
        assert (row.state, row.attempts, row.lease_token) == ("open", number, None)
        assert row.due_at is not None
        assert timedelta(seconds=wait - 30) < row.due_at - datetime.now(UTC) <= timedelta(seconds=wait)
        assert "451" in (row.detail or "")
        assert not kit.outbox.run_next()

    mailbox.data_answer = "250 OK"
    make_due(kit)
    kit.outbox.run_next()
    assert (mail(kit).state, mail(kit).attempts) == ("sent", 3)
    assert [parsed(envelope.content)["Message-ID"] for envelope in mailbox.mails] == [MESSAGE_ID]


def test_after_the_last_wait_the_mail_has_failed(make_app: MakeApp) -> None:
    """The server is gone for good: one attempt and one for each wait."""
    kit: Kit = make_app(**settings(free_port()), RETRY_SCHEDULE=[1, 1]).extensions["receiver"]
    put(kit)
    for _ in range(3):
        make_due(kit)
        assert kit.outbox.run_next()

    row = mail(kit)
    assert (row.state, row.attempts, row.due_at, row.sent_at) == ("failed", 3, None, None)
    assert "MAIL_SERVER" in (row.detail or "")


@pytest.mark.parametrize(
    "changes",
    [{"recipient": "zoe@example.com"}, {"recipient": "two@a.de, three@b.de"}, {"message_id": "no brackets"}],
)
def test_what_no_attempt_can_deliver_fails_at_once(
    sending: Callable[..., Kit], mailbox: Mailbox, changes: dict[str, str]
) -> None:
    kit = sending()
    put(kit, **changes)
    kit.outbox.run_next()

    assert (mail(kit).state, mail(kit).attempts, mail(kit).due_at) == ("failed", 1, None)
    assert len(mail(kit).detail or "") > 20
    assert mailbox.mails == []


def test_a_mailbox_that_does_not_exist_fails_at_once(sending: Callable[..., Kit], mailbox: Mailbox) -> None:
    kit = sending()
    mailbox.recipient_answer = "550 5.1.1 no such user"
    put(kit)
    kit.outbox.run_next()

    assert (mail(kit).state, mail(kit).attempts) == ("failed", 1)
    assert "the mailbox doesn't exist" in (mail(kit).detail or "")


def test_a_failed_mail_does_not_hinder_the_next(sending: Callable[..., Kit], mailbox: Mailbox) -> None:
    kit = sending()
    put(kit, recipient="not an address", message_id="<1@laden.de>")
    put(kit, message_id="<2@laden.de>")
    while kit.outbox.run_next():
        pass

    assert [parsed(envelope.content)["Message-ID"] for envelope in mailbox.mails] == ["<2@laden.de>"]


class Crash(BaseException):
    """Stands for the process's end."""


def test_a_crash_between_delivery_and_settling_sends_the_same_message_id_again(
    sending: Callable[..., Kit], mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = sending()
    put(kit)
    deliver = MailTransport.deliver

    def deliver_and_crash(transport: MailTransport, outgoing: Draft) -> str:
        deliver(transport, outgoing)
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(MailTransport, "deliver", deliver_and_crash)
        with pytest.raises(Crash):
            kit.outbox.run_next()
    assert mail(kit).state == "open"
    assert not kit.outbox.run_next()

    later = sending()
    make_due(later)
    assert later.outbox.run_next()
    assert [parsed(envelope.content)["Message-ID"] for envelope in mailbox.mails] == [MESSAGE_ID, MESSAGE_ID]
    assert (mail(later).state, mail(later).attempts) == ("sent", 2)


def test_a_sender_that_lost_its_lease_does_not_undo_what_another_settled(
    sending: Callable[..., Kit], mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = sending()
    put(kit)
    deliver = MailTransport.deliver

    def overtaken(transport: MailTransport, outgoing: Draft) -> str:
        with kit.database.write() as session:
            session.execute(update(MailRow).values(lease_token="another run", state="sent", detail="by another"))
        return deliver(transport, outgoing)

    monkeypatch.setattr(MailTransport, "deliver", overtaken)
    kit.outbox.run_next()

    assert (mail(kit).detail, mail(kit).lease_token) == ("by another", "another run")


def test_a_mail_that_nobody_foresaw_is_retried_by_the_schedule(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(_mail: object) -> str:
        raise RuntimeError("ada@shop.example")

    monkeypatch.setattr(kit.transport, "deliver", explode)
    put(kit)
    assert kit.outbox.run_next()

    assert (mail(kit).state, mail(kit).detail) == ("open", "It couldn't be sent: RuntimeError.")
    assert not kit.outbox.run_next()
