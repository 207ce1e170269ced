"""What one outgoing mail is, and its bytes: a header guard around Flask-Mail's message."""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from email import charset, policy
from email.mime.base import MIMEBase
from email.mime.nonmultipart import MIMENonMultipart
from email.mime.text import MIMEText
from typing import Any
from uuid import uuid4

import flask_mail

from receiver.orders.email_addresses import ATOM, ascii_domain, deliverable
from receiver.orders.idempotency import digest

#: How a mail that cannot be delivered to its address is sent to a right one.
ANOTHER_ADDRESS = "flask mail resend ID --to ADDRESS"

_MESSAGE_ID = re.compile(rf"<{ATOM}{{1,200}}@{ATOM}{{1,250}}>")
_MEDIA_TYPE = re.compile(r"[a-z]+/[A-Za-z0-9.+-]{1,100}")
_LONGEST_TEXT = 200
#: Letters of a text, spaces among them, that are looked at for those.
_LONGEST_LOOKED_AT = 2_000
#: Stays one line of a header in percent encoding (RFC 2231), which is not folded.
_LONGEST_FILE_NAME = 60
_UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}


class MailNotDelivered(Exception):
    """Raised with the reason why an email wasn't delivered; the text holds no address and no secret."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        #: Whether another attempt is bound to fail the same way.
        self.permanent = permanent


@dataclass(frozen=True, kw_only=True)
class OutgoingMail:
    """One email to one recipient."""

    #: With its angle brackets (RFC 5322, 3.6.4); the same on every attempt.
    message_id: str
    #: Display name and address.
    sender: tuple[str, str]
    to: str
    subject: str
    text: str
    html: str | None = None
    reply_to: str | None = None
    #: File name, media type and content of each.
    attachments: tuple[tuple[str, str, bytes], ...] = ()


def deterministic_message_id(*, event_id: str, handler: str, run: int, ordinal: int, sender: str) -> str:
    """Make the Message-ID of one handler's mail: the same for every attempt, another for every other mail.

    ``sender`` is an address; its domain stands on the right.
    """
    parts = [event_id, handler, str(run), str(ordinal)]
    return _message_id(digest("\0".join(parts))[:40], sender)


def new_message_id(sender: str) -> str:
    """Make a Message-ID that no other mail has, with the domain of the sender's address on the right."""
    return _message_id(uuid4().hex, sender)


def _message_id(left: str, sender: str) -> str:
    return f"<{left}@{ascii_domain(sender.rpartition('@')[2]) or 'localhost'}>"


def checked_address(address: str, whose: str, then: str) -> str:
    """Return one plain address with its domain in ASCII (IDNA).

    Raises a permanent MailNotDelivered for anything else: a list, a display name, two @, a control character.
    ``whose`` names the address in the message, which never holds it, and ``then`` says what to do.
    """
    try:
        return deliverable(address)
    except ValueError as error:
        raise MailNotDelivered(f"{whose} {error}; {then}", permanent=True) from error


def one_line(text: str) -> str:
    """Return a text that can stand in a header: control characters become spaces, long texts are cut.

    Encoded words (RFC 2047) that somebody typed are broken up, so that they show as typed.
    """
    printable = "".join(
        " " if unicodedata.category(mark) in _UNPRINTABLE else mark for mark in text[:_LONGEST_LOOKED_AT]
    )
    line = " ".join(printable.replace("=?", "= ?").split())
    return line if len(line) <= _LONGEST_TEXT else f"{line[: _LONGEST_TEXT - 1]}…"


def compose(mail: OutgoingMail) -> flask_mail.Message:
    """Make Flask-Mail's message of a mail; raises a permanent MailNotDelivered for an unfit address."""
    if not _MESSAGE_ID.fullmatch(mail.message_id):
        raise MailNotDelivered("The Message-ID is not of the form <left@right>.", permanent=True)
    name, address = mail.sender
    message = _Message(
        subject=one_line(mail.subject),
        recipients=[
            ("", checked_address(mail.to, "The recipient's address", f"send it to another: {ANOTHER_ADDRESS}"))
        ],
        body=mail.text,
        html=mail.html,
        sender="set below",
        attachments=[_attachment(*attachment) for attachment in mail.attachments],
        # RFC 3834, 5: keeps out-of-office replies away.
        extra_headers={"Auto-Submitted": "auto-generated"},
    )
    # A tuple given above is glued into one text and taken apart again, commas and brackets included.
    message.sender = (
        one_line(name),
        checked_address(address, "MAIL_DEFAULT_SENDER", "once it is corrected: flask mail resend ID"),
    )
    if mail.reply_to:
        with suppress(ValueError):  # a customer's address that nobody can reply to keeps no notice from the merchant
            message.reply_to = ("", deliverable(mail.reply_to))
    message.msgId = mail.message_id
    return message


class _Message(flask_mail.Message):
    """A message with quoted-printable bodies, and headers exactly as encoded."""

    def _mimetext(self, text: str | None, subtype: str = "plain") -> MIMEText:
        quoted = charset.Charset("utf-8")
        quoted.body_encoding = charset.QP
        part = MIMENonMultipart("text", subtype)
        part.set_payload((text or "").encode("utf-8", "replace").decode(), quoted)
        return part  # type: ignore[return-value]

    def _message(self) -> MIMEBase:
        message = super()._message()
        if self.alts and not self.attachments:
            _unwrap_the_only_part(message)
        # Flask-Mail's policy decodes long headers to fold them: a display name's commas would come back bare.
        message.policy = policy.compat32.clone(linesep="\r\n", max_line_length=None)
        return message


def _unwrap_the_only_part(message: MIMEBase) -> None:
    """Make text and HTML the message itself; in a mixed part some readers show them as attachments."""
    parts: Any = message.get_payload()
    message.set_payload(parts[0].get_payload())
    message.set_type("multipart/alternative")


def _attachment(name: str, media_type: str, content: bytes) -> flask_mail.Attachment:
    safe_name = one_line(name[-_LONGEST_FILE_NAME:]).replace("/", "_").replace("\\", "_") or "attachment"
    known_type = media_type if _MEDIA_TYPE.fullmatch(media_type) else "application/octet-stream"
    return flask_mail.Attachment(safe_name, known_type, content)
