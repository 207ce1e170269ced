"""What the failures of an SMTP server mean, in words and for good or not."""

from __future__ import annotations

import re
import smtplib
import socket
import ssl

from receiver.mail.message import MailNotDelivered
from receiver.security.deadlines import TooMuchSent

#: For each step of the conversation.
TIMEOUT_SECONDS = 10
#: For connecting and logging in, and for one mail: a server that says a word every few seconds is not waited for.
CONVERSATION_SECONDS = 60

#: Enhanced status codes (RFC 3463, RFC 7372) without their class: what they say.
_ENHANCED = {
    "1.1": "the mailbox doesn't exist",
    "1.2": "the domain accepts no email",
    "1.3": "the address is malformed",
    "1.8": "the sender's domain doesn't exist or accepts no email",
    "1.10": "the domain accepts no email",
    "2.1": "the mailbox is switched off",
    "2.2": "the mailbox is full",
    "3.4": "the message is too big",
    "5.2": "the server's limits are reached",
    "5.3": "the server's limits are reached",
    "7.0": "the server's rules forbid it",
    "7.1": "the server's rules forbid it",
    "7.25": "the sending server has no reverse DNS name",
    "7.26": "the sending domain passes neither SPF nor DKIM",
}
_TOO_BIG = "3.4"
#: RFC 5321, 4.2.3, for servers that give no enhanced code. 530 is RFC 4954.
_BASIC = {
    421: "the server is closing the connection",
    450: "the mailbox is busy, or the server asks to retry later",
    451: "the server had an internal error",
    452: "the server is out of space",
    530: "the server wants a login or TLS first",
    550: "the mailbox doesn't exist, or the server's rules forbid it",
    551: "the mailbox has moved",
    552: "the mailbox is full or the message too big",
    553: "the address is malformed or not allowed",
    554: "the server's rules forbid it",
}

_NOT_FROM_HERE = "the server doesn't send email from this address"
#: What such codes say when they answer the sender: nothing of the recipient's mailbox.
_ENHANCED_OF_SENDER = _ENHANCED | dict.fromkeys(("1.0", "1.1", "1.2", "2.1", "2.2"), _NOT_FROM_HERE)
_BASIC_OF_SENDER = _BASIC | {
    450: "the server asks to retry later",
    550: _NOT_FROM_HERE,
    551: _NOT_FROM_HERE,
    552: "the server's limits are reached",
}

#: How servers say, by no code of its own, that they take mail to others from known senders only.
_NO_RELAY = re.compile(r"\brelay", re.IGNORECASE)

_LOGIN = "Check MAIL_USERNAME, MAIL_PASSWORD and MAIL_USE_TLS."
#: The first line that fits counts. Nothing here is the mail's fault, so each is worth another attempt.
_FAILURES: tuple[tuple[type[Exception], str], ...] = (
    (
        smtplib.SMTPAuthenticationError,
        "{server} refused the login with {status}. Check MAIL_USERNAME and MAIL_PASSWORD.",
    ),
    (
        smtplib.SMTPNotSupportedError,
        "{server} offers no STARTTLS or no login. Check MAIL_USE_TLS, MAIL_USERNAME and MAIL_PORT.",
    ),
    (
        smtplib.SMTPResponseException,
        "{server} refused the connection with {status}. Check MAIL_SERVER and MAIL_PORT.",
    ),
    (
        smtplib.SMTPServerDisconnected,
        "{server} closed the connection. Check MAIL_PORT, MAIL_USE_TLS and MAIL_USE_SSL if it happens again.",
    ),
    (smtplib.SMTPException, "{server} offers no supported login method. " + _LOGIN),
    (
        ssl.SSLCertVerificationError,
        "The certificate of {server} can't be trusted ({certificate}). Check MAIL_SERVER.",
    ),
    (
        ssl.SSLError,
        "TLS with {server} failed. Check MAIL_PORT: 587 goes with MAIL_USE_TLS, 465 with MAIL_USE_SSL.",
    ),
    (
        TimeoutError,
        (
            f"{{server}} did not answer within {TIMEOUT_SECONDS} s, or took more than {CONVERSATION_SECONDS} s in all. "
            "Check MAIL_SERVER, MAIL_PORT and firewall."
        ),
    ),
    (
        TooMuchSent,
        "{server} doesn't behave like a mail server. Check MAIL_SERVER and MAIL_PORT.",
    ),
    (socket.gaierror, "{server} wasn't found. Check MAIL_SERVER and this machine's DNS."),
    (
        ConnectionRefusedError,
        "{server} refused the connection: nothing is listening on this port. Check MAIL_SERVER and MAIL_PORT.",
    ),
    (
        UnicodeError,
        "MAIL_SERVER isn't a host name, or MAIL_USERNAME or MAIL_PASSWORD isn't pure ASCII.",
    ),
    (OSError, "Can't reach {server}. Check MAIL_SERVER, MAIL_PORT and this machine's network."),
)
#: What a connection can fail with.
FAILURES = tuple(kind for kind, _words in _FAILURES)


def explain(failure: Exception, server: str) -> MailNotDelivered:
    """Explain one of FAILURES in our own words: the server's may name the recipient.

    Permanent is only a 5xx answer to the recipient or the message (RFC 5321, 4.2.1); one to the sender, or one that
    wants a login (530, RFC 4954, and "relay access denied"), is a matter of the settings, which may be mended.
    """
    if isinstance(failure, smtplib.SMTPRecipientsRefused):
        ((code, text),) = failure.recipients.values()
        return _refused(server, "the recipient", "the recipient's address", code, text)
    if isinstance(failure, smtplib.SMTPSenderRefused):
        said = _refused(server, "the sender", "MAIL_DEFAULT_SENDER", failure.smtp_code, failure.smtp_error)
        return MailNotDelivered(str(said), permanent=False)
    if isinstance(failure, smtplib.SMTPDataError):
        return _refused(server, "the message", "MAIL_DEFAULT_SENDER", failure.smtp_code, failure.smtp_error)
    if isinstance(failure, smtplib.SMTPServerDisconnected) and isinstance(
        failure.__context__, TimeoutError | TooMuchSent
    ):
        failure = failure.__context__
    words = next(words for kind, words in _FAILURES if isinstance(failure, kind))
    status, certificate = getattr(failure, "smtp_code", ""), getattr(failure, "verify_message", "")
    message = words.format(server=server, status=status, certificate=certificate)
    return MailNotDelivered(message, permanent=False)


def _refused(server: str, what: str, look_at: str, code: int, text: bytes | str) -> MailNotDelivered:
    line = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    enhanced = re.match(r"[245]\.(\d{1,3}\.\d{1,3})\b", line)
    of_sender = what == "the sender"
    precise, basic = (_ENHANCED_OF_SENDER, _BASIC_OF_SENDER) if of_sender else (_ENHANCED, _BASIC)
    if enhanced and code != 530:
        status, cause = f"{code} {enhanced[0]}", precise.get(enhanced[1]) or basic.get(code)
    else:
        status, cause = f"{code}", basic.get(code)
    advice, wants_login = f"Check {look_at}.", code == 530 or _NO_RELAY.search(line) is not None
    if wants_login:
        cause, advice = _BASIC[530], _LOGIN
    elif enhanced and enhanced[1] == _TOO_BIG:
        advice = "Send smaller attachments."
    elif code < 500 and enhanced and enhanced[1].startswith("7."):  # how servers put strangers off: greylisting
        cause, advice = "the server asks to retry later", "It will be retried."
    reason = f": {cause}" if cause else ""
    message = f"{server} refused {what} with {status}{reason}. {advice}"
    return MailNotDelivered(message, permanent=500 <= code <= 599 and not wants_login)
