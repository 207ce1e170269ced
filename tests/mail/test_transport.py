"""Delivery of single mails, to a real SMTP server and into the outbox folder."""

from __future__ import annotations

import email
import os
import stat
import threading
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import Session

from receiver.mail.message import MailNotDelivered
from receiver.mail.transport import MailTransport
from receiver.settings.model import Settings
from tests import smtp_servers
from tests.deliveries import a_mail, failure_of, settings
from tests.smtp_servers import Mailbox, smtp_server, socket_server


def _read(content: bytes | str | None) -> EmailMessage:
    assert isinstance(content, bytes)
    message = email.message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_a_mail_arrives_whole(tmp_path: Path) -> None:
    mailbox = Mailbox()
    with smtp_server(mailbox) as port:
        transport = MailTransport(Settings(**settings(port)), tmp_path)
        assert transport.deliver(a_mail(attachments=(("Rechnung ä.pdf", "application/pdf", b"%PDF\0"),))) == (
            "handed to 127.0.0.1"
        )
        transport.close()
    (envelope,) = mailbox.mails
    message = _read(envelope.content)
    assert (envelope.mail_from, envelope.rcpt_tos) == ("shop@laden.de", ["zoe.mueller@kunde.de"])
    assert str(message["From"]) == "Zoë's Corner Shop <shop@laden.de>"
    assert (message["To"], message["Reply-To"]) == ("zoe.mueller@kunde.de", "merchant@laden.de")
    assert (message["Subject"], message["Message-ID"]) == ("Your order 1042", "<0123456789abcdef@laden.de>")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime.tzinfo is not None
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n") == "Grüße\n.\nLast line\n"
    assert html.get_content().strip() == "<p>Grüße</p>"
    (attachment,) = message.iter_attachments()
    assert attachment.get_filename() == "Rechnung ä.pdf"
    assert attachment.get_content() == b"%PDF\0"
    assert envelope.content is not None
    assert all(len(line) <= 998 and line.isascii() for line in envelope.content.splitlines())


def test_text_comes_before_html_in_one_alternative(tmp_path: Path) -> None:
    transport = MailTransport(Settings(), tmp_path)
    message = _read(Path(transport.deliver(a_mail())).read_bytes())
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


def test_a_mail_without_html_is_plain_text(tmp_path: Path) -> None:
    message = _read(Path(MailTransport(Settings(), tmp_path).deliver(a_mail(html=None, reply_to=None))).read_bytes())
    assert message.get_content_type() == "text/plain"
    assert message["Reply-To"] is None


def test_a_thread_keeps_its_connection(tmp_path: Path) -> None:
    mailbox = Mailbox()
    with smtp_server(mailbox) as port:
        transport = MailTransport(Settings(**settings(port)), tmp_path)
        for _ in range(3):
            transport.deliver(a_mail())
        transport.close()
    assert len(mailbox.peers) == 3
    assert len(set(mailbox.peers)) == 1


def test_each_thread_has_a_connection_of_its_own(tmp_path: Path) -> None:
    mailbox = Mailbox()
    with smtp_server(mailbox) as port:
        transport = MailTransport(Settings(**settings(port)), tmp_path)

        def deliver() -> None:
            transport.deliver(a_mail())
            transport.close()

        transport.deliver(a_mail())
        thread = threading.Thread(target=deliver)
        thread.start()
        thread.join()
        transport.close()
    assert len(set(mailbox.peers)) == 2


def test_an_old_connection_is_not_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("receiver.mail.transport.KEEP_SECONDS", -1)
    mailbox = Mailbox()
    with smtp_server(mailbox) as port:
        transport = MailTransport(Settings(**settings(port)), tmp_path)
        transport.deliver(a_mail())
        transport.deliver(a_mail())
        transport.close()
    assert len(set(mailbox.peers)) == 2


def test_a_connection_that_the_server_dropped_is_opened_again(tmp_path: Path) -> None:
    with socket_server(smtp_servers.one_mail_only) as port:
        transport = MailTransport(Settings(**settings(port)), tmp_path)
        for _ in range(3):
            assert transport.deliver(a_mail()) == "handed to 127.0.0.1"
        transport.close()


class Tired(Mailbox):
    """Takes one mail over each connection, and says so only when the next one comes."""

    async def handle_MAIL(self, server: Any, session: Session, *rest: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if session.peer in self.peers:
            return "421 4.7.0 No more over this connection"
        return await super().handle_MAIL(server, session, *rest)


def test_what_a_kept_connection_no_longer_takes_goes_over_another(tmp_path: Path) -> None:
    mailbox = Tired()
    with smtp_server(mailbox) as port:
        transport = MailTransport(Settings(**settings(port)), tmp_path)
        for _ in range(3):
            transport.deliver(a_mail())
        transport.close()
    assert len(set(mailbox.peers)) == 3


def test_what_a_server_has_begun_to_take_is_sent_once(tmp_path: Path) -> None:
    mailbox = Mailbox()
    with smtp_server(mailbox) as port:
        transport = MailTransport(Settings(**settings(port)), tmp_path)
        transport.deliver(a_mail())
        mailbox.data_answer = "451 4.3.0 Later"
        with pytest.raises(MailNotDelivered):
            transport.deliver(a_mail())
        transport.close()
    assert mailbox.begun == 2


def test_a_refused_mail_does_not_hinder_the_next(tmp_path: Path) -> None:
    mailbox = Mailbox(recipient_answer="550 5.1.1 no")
    with smtp_server(mailbox) as port:
        transport = MailTransport(Settings(**settings(port)), tmp_path)
        with pytest.raises(MailNotDelivered):
            transport.deliver(a_mail())
        mailbox.recipient_answer = "250 OK"
        transport.deliver(a_mail())
        transport.close()
    assert len(mailbox.mails) == 1


@pytest.mark.parametrize(
    "domain",
    ["example.com", "EXAMPLE.ORG", "mail.example.net", "ｅxample.com"],
)
def test_nothing_leaves_for_an_example_domain(domain: str) -> None:
    mailbox = Mailbox()
    with smtp_server(mailbox) as port:
        failure = failure_of(settings(port), a_mail(recipient=f"zoe.mueller@{domain}"))
    assert failure.permanent
    assert "Set MERCHANT_EMAIL to your own address" in str(failure)
    assert mailbox.mails == []


@pytest.mark.parametrize("domain", ["myexample.com", "example.com.de", "test.de"])
def test_a_domain_that_only_looks_like_an_example_gets_its_mail(domain: str, tmp_path: Path) -> None:
    mailbox = Mailbox()
    with smtp_server(mailbox) as port:
        transport = MailTransport(Settings(**settings(port)), tmp_path)
        transport.deliver(a_mail(recipient=f"zoe@{domain}"))
        transport.close()
    assert mailbox.mails[0].rcpt_tos == [f"zoe@{domain}"]


def test_testing_and_suppress_send_do_not_keep_mails_back(tmp_path: Path) -> None:
    mailbox = Mailbox()
    with smtp_server(mailbox) as port:
        with_flags = settings(port, TESTING=True, MAIL_SUPPRESS_SEND=True, MAIL_DEBUG=True)
        transport = MailTransport(Settings(**with_flags), tmp_path)
        transport.deliver(a_mail())
        transport.close()
    assert len(mailbox.mails) == 1


def test_without_a_server_the_mail_becomes_a_private_file(tmp_path: Path) -> None:
    transport = MailTransport(Settings(MAIL_SERVER=""), tmp_path)
    path = Path(transport.deliver(a_mail(recipient="zoe@example.com")))
    assert path.parent == tmp_path / "outbox"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.name.endswith("Z-0123456789abcdef@laden.de.eml")
    assert _read(path.read_bytes())["To"] == "zoe@example.com"


def test_a_second_delivery_is_a_second_file(tmp_path: Path) -> None:
    transport = MailTransport(Settings(), tmp_path)
    first, second = Path(transport.deliver(a_mail())), Path(transport.deliver(a_mail()))
    assert sorted((tmp_path / "outbox").iterdir()) == sorted({first, second})
    assert first.name.partition("-")[2] == second.name.partition("-")[2]


def test_a_message_id_makes_no_path(tmp_path: Path) -> None:
    path = Path(MailTransport(Settings(), tmp_path).deliver(a_mail(message_id="</../../etc/x@laden.de>")))
    assert path.parent == tmp_path / "outbox"


def test_an_outbox_that_cannot_be_written_is_tried_again_later(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file stands where the folder should be")
    with pytest.raises(MailNotDelivered, match="Can't save the email in") as caught:
        MailTransport(Settings(), tmp_path).deliver(a_mail())
    assert not caught.value.permanent


def test_a_file_that_could_not_be_finished_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def disk_full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("receiver.storage.private_files.os.fsync", disk_full)
    with pytest.raises(MailNotDelivered, match="No space left on device"):
        MailTransport(Settings(), tmp_path).deliver(a_mail())
    assert list((tmp_path / "outbox").iterdir()) == []


def test_what_a_killed_process_left_half_written_is_removed(tmp_path: Path) -> None:
    transport = MailTransport(Settings(), tmp_path)
    transport.clear_remains()
    whole = Path(transport.deliver(a_mail()))
    left, being_written = whole.with_name(".left.eml.new"), whole.with_name(".fresh.eml.new")
    for path in (left, being_written):
        path.touch()
    for path in (left, whole):
        os.utime(path, (0, 0))

    transport.clear_remains()

    assert set(whole.parent.iterdir()) == {whole, being_written}
