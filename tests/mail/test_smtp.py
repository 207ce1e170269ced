"""Connections to SMTP servers, good and faulty, and how their failures are explained."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from receiver.mail.transport import MailTransport
from receiver.settings.model import Settings
from tests import smtp_servers
from tests.deliveries import a_mail, failure_of, settings
from tests.smtp_servers import Mailbox, smtp_server, socket_server


@pytest.mark.parametrize(
    ("answers", "permanent", "words"),
    [
        (
            {"recipient_answer": "550 5.1.1 <zoe.mueller@kunde.de> unknown"},
            True,
            (
                "127.0.0.1 refused the recipient with 550 5.1.1: the mailbox doesn't exist. "
                "Check the recipient's address."
            ),
        ),
        (
            {"recipient_answer": "452 4.2.2 zoe.mueller is over quota"},
            False,
            "127.0.0.1 refused the recipient with 452 4.2.2: the mailbox is full. Check the recipient's address.",
        ),
        (
            {"recipient_answer": "450 come back"},
            False,
            (
                "127.0.0.1 refused the recipient with 450: the mailbox is busy, or the server asks to retry later. "
                "Check the recipient's address."
            ),
        ),
        (
            {"sender_answer": "553 5.7.1 owner"},
            False,
            "127.0.0.1 refused the sender with 553 5.7.1: the server's rules forbid it. Check MAIL_DEFAULT_SENDER.",
        ),
        (
            {"sender_answer": "530 5.7.0 Must issue a STARTTLS command first"},
            False,
            (
                "127.0.0.1 refused the sender with 530: the server wants a login or TLS first. "
                "Check MAIL_USERNAME, MAIL_PASSWORD and MAIL_USE_TLS."
            ),
        ),
        (
            {"data_answer": "554 5.9.9 owner"},
            True,
            "127.0.0.1 refused the message with 554 5.9.9: the server's rules forbid it. Check MAIL_DEFAULT_SENDER.",
        ),
        (
            {"data_answer": "599 owner"},
            True,
            "127.0.0.1 refused the message with 599. Check MAIL_DEFAULT_SENDER.",
        ),
        (
            {"recipient_answer": "451 4.7.1 Greylisted"},
            False,
            "127.0.0.1 refused the recipient with 451 4.7.1: the server asks to retry later. It will be retried.",
        ),
        (
            {"recipient_answer": "454 4.7.1 <zoe.mueller@kunde.de>: Relay access denied"},
            False,
            (
                "127.0.0.1 refused the recipient with 454 4.7.1: the server wants a login or TLS first. "
                "Check MAIL_USERNAME, MAIL_PASSWORD and MAIL_USE_TLS."
            ),
        ),
        (
            {"recipient_answer": "550 relay not permitted"},
            False,
            (
                "127.0.0.1 refused the recipient with 550: the server wants a login or TLS first. "
                "Check MAIL_USERNAME, MAIL_PASSWORD and MAIL_USE_TLS."
            ),
        ),
        (
            {"recipient_answer": "452 4.5.3 Too many recipients"},
            False,
            (
                "127.0.0.1 refused the recipient with 452 4.5.3: the server's limits are reached. "
                "Check the recipient's address."
            ),
        ),
        (
            {"data_answer": "552 5.3.4 too large"},
            True,
            "127.0.0.1 refused the message with 552 5.3.4: the message is too big. Send smaller attachments.",
        ),
        (
            {"data_answer": "451 owner"},
            False,
            "127.0.0.1 refused the message with 451: the server had an internal error. Check MAIL_DEFAULT_SENDER.",
        ),
    ],
)
def test_what_the_server_answered_is_said_in_words(answers: dict[str, str], permanent: bool, words: str) -> None:
    with smtp_server(Mailbox(**answers)) as port:  # type: ignore[arg-type]
        failure = failure_of(settings(port))
    assert str(failure) == words
    assert failure.permanent is permanent


def test_a_login_is_made(tmp_path: Path) -> None:
    mailbox = Mailbox()
    with smtp_server(mailbox, login=True) as port:
        transport = MailTransport(Settings(**settings(port, MAIL_USERNAME="owner", MAIL_PASSWORD="right")), tmp_path)
        transport.deliver(a_mail())
        transport.check()
    assert mailbox.logins == ["owner", "owner"]


def test_a_wrong_password_is_tried_again_later() -> None:
    with smtp_server(Mailbox(), login=True) as port:
        failure = failure_of(settings(port, MAIL_USERNAME="owner", MAIL_PASSWORD="wrong"))
    assert str(failure) == "127.0.0.1 refused the login with 535. Check MAIL_USERNAME and MAIL_PASSWORD."
    assert not failure.permanent


def test_a_password_outside_ascii_is_not_shown() -> None:
    with smtp_server(Mailbox(), login=True) as port:
        failure = failure_of(settings(port, MAIL_USERNAME="owner", MAIL_PASSWORD="wröng"))
    assert str(failure).endswith("MAIL_USERNAME or MAIL_PASSWORD isn't pure ASCII.")
    assert "wr" not in str(failure)
    assert failure.__suppress_context__


def test_starttls_with_a_trusted_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, trusted = smtp_servers.certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    mailbox = Mailbox()
    with smtp_server(mailbox, starttls=context) as port:
        transport = MailTransport(Settings(**settings(port, MAIL_USE_TLS=True)), tmp_path)
        transport.deliver(a_mail())
        transport.close()
    assert mailbox.tls == [True]


def test_tls_from_the_first_byte_wins_over_starttls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, trusted = smtp_servers.certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    mailbox = Mailbox()
    with smtp_server(mailbox, tls=context) as port:
        transport = MailTransport(Settings(**settings(port, MAIL_USE_TLS=True, MAIL_USE_SSL=True)), tmp_path)
        transport.deliver(a_mail())
        transport.close()
    assert len(mailbox.mails) == 1


def test_an_unknown_certificate_gets_no_mail(tmp_path: Path) -> None:
    context, _trusted = smtp_servers.certificate(tmp_path)
    mailbox = Mailbox()
    with smtp_server(mailbox, starttls=context) as port:
        failure = failure_of(settings(port, MAIL_USE_TLS=True))
    assert str(failure).startswith("The certificate of 127.0.0.1 can't be trusted (self")
    assert not failure.permanent
    assert mailbox.mails == []


def test_a_certificate_for_another_name_gets_no_mail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, trusted = smtp_servers.certificate(tmp_path, host="smtp.other.de")
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with smtp_server(Mailbox(), starttls=context) as port:
        failure = failure_of(settings(port, MAIL_USE_TLS=True))
    assert str(failure).startswith("The certificate of 127.0.0.1 can't be trusted")


def test_a_server_without_starttls_gets_no_mail() -> None:
    mailbox = Mailbox()
    with smtp_server(mailbox) as port:
        failure = failure_of(settings(port, MAIL_USE_TLS=True))
    assert str(failure).startswith("127.0.0.1 offers no STARTTLS or no login.")
    assert mailbox.mails == []


def test_tls_on_a_port_without_tls_names_the_ports() -> None:
    with smtp_server(Mailbox()) as port:
        failure = failure_of(settings(port, MAIL_USE_SSL=True))
    assert str(failure) == (
        "TLS with 127.0.0.1 failed. Check MAIL_PORT: 587 goes with MAIL_USE_TLS, 465 with MAIL_USE_SSL."
    )


def test_a_silent_server_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("receiver.mail.smtp.TIMEOUT_SECONDS", 0.2)
    with socket_server(smtp_servers.silent) as port:
        failure = failure_of(settings(port))
    assert str(failure).startswith("127.0.0.1 didn't answer within 10 s, or took")
    assert not failure.permanent


@pytest.mark.parametrize("talk", [smtp_servers.dripping, smtp_servers.dripping_after_the_greeting])
def test_a_server_that_never_ends_its_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, talk: Any) -> None:
    monkeypatch.setattr("receiver.mail.smtp.CONVERSATION_SECONDS", 0.5)
    with socket_server(talk) as port:
        failure = failure_of(settings(port))
    assert "took more than 60 s in all" in str(failure)
    assert not failure.permanent


@pytest.mark.parametrize("command", [b"", b"EHLO", b"MAIL", b"RCPT", b"DATA"])
@pytest.mark.parametrize(
    "flood", [b"250-one moment\r\n", b"220-" + b"a" * 4_000 + b"\r\n"], ids=["lines", "long lines"]
)
def test_an_endless_reply_ends_the_conversation_and_fills_no_memory(
    monkeypatch: pytest.MonkeyPatch, command: bytes, flood: bytes
) -> None:
    monkeypatch.setattr("receiver.mail.smtp.CONVERSATION_SECONDS", 3)
    with socket_server(smtp_servers.flooding(command, flood)) as port:
        tracemalloc.start()
        failure = failure_of(settings(port))
        _now, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert str(failure) == ("127.0.0.1 doesn't behave like a mail server. Check MAIL_SERVER and MAIL_PORT.")
    assert not failure.permanent
    assert most < 8_000_000


def test_many_mails_over_one_connection_each_have_their_own_replies(tmp_path: Path) -> None:
    """Together their replies are more than one mail's may be."""
    mailbox = Mailbox(recipient_answer="250 " + "a" * 400)
    with smtp_server(mailbox) as port:
        transport = MailTransport(Settings(**settings(port)), tmp_path)
        for _ in range(200):
            transport.deliver(a_mail())
        transport.close()
    assert (len(mailbox.mails), len(set(mailbox.peers))) == (200, 1)


@pytest.mark.parametrize("code", ["999", "600", "499"])
def test_only_a_code_from_500_to_599_fails_a_mail_for_good(code: str) -> None:
    for answers in ({"recipient_answer": f"{code} no"}, {"data_answer": f"{code} no"}):
        with smtp_server(Mailbox(**answers)) as port:  # type: ignore[arg-type]
            assert not failure_of(settings(port)).permanent


@pytest.mark.parametrize("answer", ["550 no", "550 5.1.1 no", "550 5.1.0 no", "550 5.2.1 no", "551 no"])
def test_a_refused_sender_is_not_explained_as_the_recipients_mailbox(answer: str) -> None:
    with smtp_server(Mailbox(sender_answer=answer)) as port:
        failure = failure_of(settings(port))
    assert "the server doesn't send email from this address" in str(failure)
    assert str(failure).endswith("Check MAIL_DEFAULT_SENDER.")
    assert "mailbox" not in str(failure)


@pytest.mark.parametrize(
    ("talk", "words"),
    [
        (smtp_servers.hanging_up, "127.0.0.1 closed the connection."),
        (smtp_servers.saying(b"554 5.7.1 not for zoe.mueller\r\n"), "127.0.0.1 refused the connection with 554."),
    ],
)
def test_a_server_that_does_not_want_us(talk: Any, words: str) -> None:
    with socket_server(talk) as port:
        failure = failure_of(settings(port))
    assert str(failure).startswith(words)
    assert not failure.permanent


def test_no_server_on_the_port() -> None:
    failure = failure_of(settings(smtp_servers.free_port()))
    assert (
        str(failure)
        == "127.0.0.1 refused the connection: nothing is listening on this port. Check MAIL_SERVER and MAIL_PORT."
    )
    assert not failure.permanent


def test_a_server_name_that_does_not_exist() -> None:
    failure = failure_of(settings(25, MAIL_SERVER="smtp.nowhere.invalid"))
    assert not failure.permanent
    assert "smtp.nowhere.invalid" in str(failure)


def test_a_server_name_that_is_none() -> None:
    failure = failure_of(settings(25, MAIL_SERVER=f"{'x' * 70}.de"))
    assert str(failure).startswith("MAIL_SERVER isn't a host name")
