"""The header guard, seen in the bytes that would be sent."""

from __future__ import annotations

import email
from collections.abc import Iterator
from email import policy
from email.header import decode_header, make_header
from email.utils import parseaddr
from typing import Any

import flask_mail
import pytest
from flask import Flask

from receiver.mail.message import (
    Draft,
    MailNotDelivered,
    compose,
    deterministic_message_id,
    new_message_id,
    one_line,
)
from receiver.orders.email_addresses import ascii_domain
from tests.fuzz.mails import ALWAYS

SENDER = ("Shop", "shop@laden.de")


@pytest.fixture(autouse=True)
def _application() -> Iterator[None]:
    app = Flask(__name__)
    flask_mail.Mail(app)
    with app.app_context():
        yield


def _mail(**changes: Any) -> Draft:
    values: dict[str, Any] = {
        "message_id": "<1@laden.de>",
        "recipient": "zoe@kunde.de",
        "subject": "Hello",
        "text": "text",
    }
    return Draft(**values | changes)


def _sent(mail: Draft) -> Any:
    return _read(compose(mail, SENDER).as_bytes())


def _read(raw: bytes) -> Any:
    return email.message_from_bytes(raw, policy=policy.default)


def test_texts_arrive_as_they_were_cleaned() -> None:
    for text in ('Zoë\'s, "Shop" <x@y.de>', "日本" * 20, "a" * 199, "Łódź – Kraków " * 9, "=?utf-8?q?x?="):
        raw = compose(_mail(subject=text), (text, "shop@laden.de")).as_bytes()
        message = email.message_from_bytes(raw, policy=policy.compat32)
        name, address = parseaddr(message["From"])
        assert str(make_header(decode_header(message["Subject"]))) == one_line(text)
        assert (str(make_header(decode_header(name))), address) == (one_line(text), "shop@laden.de")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("two\r\nBcc: lines", "two Bcc: lines"),
        ("nul\x00 and \x1b", "nul and"),
        ("=?utf-8?q?typed?=", "= ?utf-8?q?typed?="),
        ("x" * 300, "x" * 199 + "…"),
        ("lone \ud800", "lone"),
    ],
)
def test_a_text_becomes_one_line(text: str, line: str) -> None:
    assert one_line(text) == line


@pytest.mark.parametrize(
    ("address", "ascii_address"),
    [
        ("zoe.mueller+tag@kunde.de", "zoe.mueller+tag@kunde.de"),
        ("o'brien@kunde.ie", "o'brien@kunde.ie"),
        ("a..b.@kunde.jp", "a..b.@kunde.jp"),
        ("zoe@müller.de", "zoe@xn--mller-kva.de"),
        ("Zoe@KUNDE.de", "Zoe@kunde.de"),
    ],
)
def test_a_plain_address_goes_out(address: str, ascii_address: str) -> None:
    assert [found.addr_spec for found in _sent(_mail(recipient=address))["To"].addresses] == [ascii_address]


@pytest.mark.parametrize(
    "address",
    [
        *("", "@", "zoe", "zoe@", "@kunde.de", "zoe@kunde", "a@b.de,c@d.de", "a@b.de c@d.de", "a@b@c.de"),
        *("Zoe <zoe@kunde.de>", "<zoe@kunde.de>", '"zoe"@kunde.de', "zoe@kunde.de\r\nBcc: c@d.de", "zoe@kunde.de\n"),
        *("zoe@[127.0.0.1]", "zoe@-kunde.de", "zoe@kunde..de", "zoe@kunde.de.", "zoe\x00@kunde.de", "zo e@kunde.de"),
        *("=?utf-8?q?=0ABcc=3A_c=40d.de?=@kunde.de", "=?utf-8?q?x?=@kunde.de", "=?@kunde.de"),
        *("zoe(comment)@kunde.de", "x" * 65 + "@kunde.de", "zoe@" + "a." * 126 + "de", "zoe@" + "a" * 64 + ".de"),
    ],
)
def test_anything_but_one_plain_address_is_refused_for_good(address: str) -> None:
    with pytest.raises(MailNotDelivered, match=r"^The recipient's address is not one plain") as caught:
        compose(_mail(recipient=address), SENDER)
    assert caught.value.permanent


def test_a_local_part_outside_ascii_is_refused_with_the_reason() -> None:
    with pytest.raises(MailNotDelivered, match="has letters outside ASCII before its @"):
        compose(_mail(recipient="zoë@kunde.de"), SENDER)


@pytest.mark.parametrize(
    ("changes", "sender", "named"),
    [
        ({}, ("Shop", "a@b.de\nBcc: c@d.de"), "MAIL_DEFAULT_SENDER"),
        ({"message_id": "<1@laden.de>\r\nBcc: c@d.de"}, SENDER, "The Message-ID"),
        ({"message_id": "1@laden.de"}, SENDER, "The Message-ID"),
    ],
)
def test_other_addresses_and_ids_are_guarded_too(changes: dict[str, Any], sender: tuple[str, str], named: str) -> None:
    with pytest.raises(MailNotDelivered, match=f"^{named}") as caught:
        compose(_mail(**changes), sender)
    assert caught.value.permanent
    assert "d.de" not in str(caught.value)


@pytest.mark.parametrize("address", ["a@b.de, c@d.de", "zoë@kunde.de", "a@kunde.d", "a@b.de\r\nBcc: c@d.de"])
def test_a_reply_address_that_is_none_is_left_out(address: str) -> None:
    """It is the customer's on the merchant's notice, which must arrive all the same."""
    assert set(_sent(_mail(reply_to=address)).keys()) <= {*ALWAYS, "Subject"}
    assert _sent(_mail(reply_to="a@b.de"))["Reply-To"] == "a@b.de"


@pytest.mark.parametrize(
    ("domain", "in_ascii"),
    [
        ("Straße.DE", "xn--strae-oqa.de"),
        ("müller.de", "xn--mller-kva.de"),
        ("例え.jp", "xn--r8jz45g.jp"),
        ("☃.net", "xn--n3h.net"),
    ],
)
def test_a_domain_is_made_ascii_as_browsers_do(domain: str, in_ascii: str | None) -> None:
    """By IDNA 2003 ß were ss: another domain, and another's mailbox."""
    assert ascii_domain(domain) == in_ascii


def test_an_attachment_cannot_add_a_header_or_leave_its_folder() -> None:
    hostile = (
        ("../../x\r\nBcc: c@d.de.pdf", "application/pdf\r\nBcc: c@d.de", b"1"),
        ("", "text/plain; charset=x", b"2"),
        ('quo"te.txt', "text/csv", b"3"),
    )
    message = _sent(_mail(attachments=hostile))
    assert set(message.keys()) <= {*ALWAYS, "Subject"}
    parts = list(message.iter_attachments())
    assert [part.get_filename() for part in parts] == [".._.._x Bcc: c@d.de.pdf", "attachment", 'quo"te.txt']
    assert [part.get_content_type() for part in parts] == ["application/octet-stream"] * 2 + ["text/csv"]
    assert all(set(part.keys()) <= {*ALWAYS, "Content-Disposition"} for part in parts)


def test_a_lone_surrogate_in_the_text_does_no_harm() -> None:
    assert _sent(_mail(text="a\ud800b")).get_content().strip() == "a?b"


def test_a_message_id_is_the_same_for_the_same_mail_and_else_another() -> None:
    def made(*, event_id: str = "shop:evt_1", handler: str = "email_customer", run: int = 1, ordinal: int = 1) -> str:
        sender = "shop@laden.de"
        return deterministic_message_id(event_id=event_id, handler=handler, run=run, ordinal=ordinal, sender=sender)

    assert made() == "<198d5e6a8bf7606b1d9ecbb3a2da0b986e05e902@laden.de>"
    assert len({made(), made(event_id="shop:evt_2"), made(handler="x"), made(run=2), made(ordinal=2)}) == 5


def test_a_long_file_name_keeps_its_end_and_fits_a_header_line() -> None:
    raw = compose(_mail(attachments=(("🧾" * 300 + ".pdf", "application/pdf", b"1"),)), SENDER).as_bytes()
    assert max(len(line) for line in raw.splitlines()) <= 998
    (part,) = _read(raw).iter_attachments()
    assert part.get_filename() == "🧾" * 56 + ".pdf"


@pytest.mark.parametrize("domain", ["müller.de", "localhost", "", "a b.de", "x>\r\nBcc: c@d.de"])
def test_a_message_id_is_fit_for_its_header_whatever_the_domain(domain: str) -> None:
    sender = f"shop@{domain}"
    made = deterministic_message_id(event_id="\ud800\r\n>", handler="h", run=1, ordinal=1, sender=sender)
    assert new_message_id(sender) != new_message_id(sender)
    for message_id in (made, new_message_id(sender)):
        assert _sent(_mail(message_id=message_id))["Message-ID"] == message_id
