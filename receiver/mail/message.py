"""An email before it's sent, its Message-ID, and its bytes, made by Flask-Mail with a guard on every header."""

from __future__ import annotations

import re
from binascii import b2a_qp
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from email import policy
from email.mime.base import MIMEBase
from email.mime.nonmultipart import MIMENonMultipart
from email.mime.text import MIMEText
from typing import Any
from uuid import uuid4

import flask_mail

from receiver import errors
from receiver.mail.text_layout import cut
from receiver.orders.email_addresses import ATOM, ascii_domain, deliverable
from receiver.orders.idempotency import digest

#: How to send an email again when its address was wrong.
ANOTHER_ADDRESS = "flask mail resend ID --to ADDRESS"

_MESSAGE_ID = re.compile(rf"<{ATOM}{{1,200}}@{ATOM}{{1,250}}>")
_MEDIA_TYPE = re.compile(r"[a-z]+/[A-Za-z0-9.+-]{1,100}")
#: In characters.
_LONGEST_TEXT = 200
#: Only so many characters are cleaned: a single value of an order can be a quarter of a megabyte.
_LONGEST_LOOKED_AT = 2_000
#: In characters. So short a name fits on one line of a header in percent encoding (RFC 2231), which isn't folded.
_LONGEST_FILE_NAME = 60

#: File name, media type and content.
Attachment = tuple[str, str, bytes]


class MailNotDelivered(Exception):
    """Raised when an email isn't delivered. Its text says why, and holds no address and no secret."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        #: Whether every other attempt would fail the same way.
        self.permanent = permanent


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A rendered email to one recipient."""

    #: With its angle brackets (RFC 5322, 3.6.4); the same on every attempt.
    message_id: str
    recipient: str
    subject: str
    text: str
    html: str | None = None
    reply_to: str | None = None
    attachments: Sequence[Attachment] = ()


def deterministic_message_id(*, event_id: str, handler: str, run: int, ordinal: int, sender: str) -> str:
    """Return the Message-ID of one handler's email: the same for every attempt, a different one for any other email.

    ``sender`` is an address; its domain is the part after the @.
    """
    parts = [event_id, handler, str(run), str(ordinal)]
    return _message_id(digest("\0".join(parts))[:40], sender)


def new_message_id(sender: str) -> str:
    """Return a Message-ID that no other email has; the domain of the ``sender``'s address is the part after the @."""
    return _message_id(uuid4().hex, sender)


def _message_id(left: str, sender: str) -> str:
    return f"<{left}@{ascii_domain(sender.rpartition('@')[2]) or 'localhost'}>"


def checked_address(address: str, whose: str, then: str) -> str:
    """Return one plain address with its domain in ASCII (IDNA, RFC 5891).

    Raises a permanent MailNotDelivered for anything else: a list, a display name, two @, a control character. Its
    text is made of ``whose``, which describes the address, and ``then``, which says what to do.
    """
    try:
        return deliverable(address)
    except ValueError as error:
        raise MailNotDelivered(f"{whose} {error}; {then}", permanent=True) from error


def one_line(text: str) -> str:
    """Return a text that's safe in a header: on one line, without control characters, at most 200 characters long.

    Encoded words (RFC 2047) that somebody typed are broken up, so that they show as typed.
    """
    printable = errors.UNPRINTABLE.sub(" ", text[:_LONGEST_LOOKED_AT])
    return cut(" ".join(printable.replace("=?", "= ?").split()), _LONGEST_TEXT)


def compose(mail: Draft, sender: tuple[str, str]) -> flask_mail.Message:
    """Return Flask-Mail's message from a sender's display name and address.

    Raises a permanent MailNotDelivered when the recipient's or sender's address isn't valid.
    """
    if not _MESSAGE_ID.fullmatch(mail.message_id):
        raise MailNotDelivered("The Message-ID isn't of the form <left@right>.", permanent=True)
    name, address = sender
    recipient = checked_address(mail.recipient, "The recipient's address", f"send it to another: {ANOTHER_ADDRESS}")
    message = _Message(
        subject=one_line(mail.subject),
        recipients=[("", recipient)],
        body=mail.text,
        html=mail.html,
        sender="set below",
        attachments=[_attachment(*attachment) for attachment in mail.attachments],
        # RFC 3834, 5: keeps out-of-office replies away.
        extra_headers={"Auto-Submitted": "auto-generated"},
    )
    # Not given above: Flask-Mail would join name and address into one text and split it again at a comma in the name.
    message.sender = (
        one_line(name),
        checked_address(address, "MAIL_DEFAULT_SENDER", "once it is corrected: flask mail resend ID"),
    )
    if mail.reply_to:
        with suppress(ValueError):  # the merchant gets the email even if the customer's address is no good
            message.reply_to = ("", deliverable(mail.reply_to))
    message.msgId = mail.message_id
    return message


class _Exact(policy.Compat32):
    """A policy that leaves headers as they're encoded: Flask-Mail's own decodes long ones to fold them.

    With that, a display name's commas would lose their quotes.
    """

    def fold_binary(self, name: str, value: Any) -> bytes:
        """Return a header's line. For the plain ones that takes a tenth of the time that Python's own code takes."""
        if isinstance(value, str) and value.isascii() and value.isprintable() and value == value.strip():
            return f"{name}: {value}{self.linesep}".encode()
        return super().fold_binary(name, value)


_EXACT = _Exact(linesep="\r\n", max_line_length=None)


class _Message(flask_mail.Message):
    """A message with quoted-printable bodies, and headers exactly as encoded."""

    def _mimetext(self, text: str | None, subtype: str = "plain") -> MIMEText:
        part = MIMENonMultipart("text", subtype, charset="utf-8")
        part["Content-Transfer-Encoding"] = "quoted-printable"
        part.set_payload(b2a_qp((text or "").encode("utf-8", "replace")).decode())
        return part  # type: ignore[return-value]

    def _message(self) -> MIMEBase:
        message = super()._message()
        message.policy = _EXACT
        if self.alts and not self.attachments:
            _unwrap_the_only_part(message)
        return message


def _unwrap_the_only_part(message: MIMEBase) -> None:
    """Make text and HTML the message itself: inside a mixed part, some email programs show them as attachments."""
    parts: Any = message.get_payload()
    message.set_payload(parts[0].get_payload())
    # Python would search the bodies for a boundary that isn't in them; "=_" can't be in quoted-printable text.
    message.replace_header("Content-Type", f'multipart/alternative; boundary="=_{uuid4().hex}"')


def _attachment(name: str, media_type: str, content: bytes) -> flask_mail.Attachment:
    safe_name = one_line(name[-_LONGEST_FILE_NAME:]).replace("/", "_").replace("\\", "_") or "attachment"
    known_type = media_type if _MEDIA_TYPE.fullmatch(media_type) else "application/octet-stream"
    return flask_mail.Attachment(safe_name, known_type, content)
