"""Explain an SMTP server's errors in our own words, and whether another attempt could help."""

from __future__ import annotations

import re
import smtplib
import socket
import ssl

from receiver.mail.message import MailNotDelivered
from receiver.security.deadlines import TooMuchSent

#: How long one step of the conversation may take.
TIMEOUT_SECONDS = 10
#: How long a login may take in all, and one email: a server that sends a word every few seconds isn't waited for.
CONVERSATION_SECONDS = 60

#: What a refusal means, by its enhanced code without the class (RFC 3463, RFC 7372), else by its basic code (RFC 5321,
#: 4.2.3; 530: RFC 4954).
_CAUSES = {
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
    "421": "the server is closing the connection",
    "450": "the mailbox is busy, or the server asks to retry later",
    "451": "the server had an internal error",
    "452": "the server is out of space",
    "530": "the server wants a login or TLS first",
    "550": "the mailbox doesn't exist, or the server's rules forbid it",
    "551": "the mailbox has moved",
    "552": "the mailbox is full or the message too big",
    "553": "the address is malformed or not allowed",
    "554": "the server's rules forbid it",
}
_RETRY_LATER = "the server asks to retry later"
#: The same codes say nothing about the recipient's mailbox when they answer the sender.
_CAUSES_OF_SENDER = (
    _CAUSES
    | dict.fromkeys(
        ("1.0", "1.1", "1.2", "2.1", "2.2", "550", "551"), "the server doesn't send email from this address"
    )
    | {"450": _RETRY_LATER, "552": "the server's limits are reached"}
)

#: How servers say that only known senders may send to others. There's no code for it.
_NO_RELAY = re.compile(r"\brelay", re.IGNORECASE)

_LOGIN = "Check MAIL_USERNAME, MAIL_PASSWORD and MAIL_USE_TLS."
#: The first class that fits counts. None of these is the email's fault, so each is worth another attempt.
_FAILURES: dict[type[Exception], str] = {
    smtplib.SMTPAuthenticationError: (
        "{server} refused the login with {status}. Check MAIL_USERNAME and MAIL_PASSWORD."
    ),
    smtplib.SMTPNotSupportedError: (
        "{server} offers no STARTTLS or no login. Check MAIL_USE_TLS, MAIL_USERNAME and MAIL_PORT."
    ),
    smtplib.SMTPResponseException: ("{server} refused the connection with {status}. Check MAIL_SERVER and MAIL_PORT."),
    smtplib.SMTPServerDisconnected: (
        "{server} closed the connection. Check MAIL_PORT, MAIL_USE_TLS and MAIL_USE_SSL if it happens again."
    ),
    smtplib.SMTPException: "{server} offers no supported login method. " + _LOGIN,
    ssl.SSLCertVerificationError: ("The certificate of {server} can't be trusted ({certificate}). Check MAIL_SERVER."),
    ssl.SSLError: "TLS with {server} failed. Check MAIL_PORT: 587 goes with MAIL_USE_TLS, 465 with MAIL_USE_SSL.",
    TimeoutError: (
        f"{{server}} didn't answer within {TIMEOUT_SECONDS} s, or took more than {CONVERSATION_SECONDS} s in all. "
        "Check MAIL_SERVER, MAIL_PORT and firewall."
    ),
    TooMuchSent: "{server} doesn't behave like a mail server. Check MAIL_SERVER and MAIL_PORT.",
    socket.gaierror: "{server} wasn't found. Check MAIL_SERVER and this machine's DNS.",
    ConnectionRefusedError: (
        "{server} refused the connection: nothing is listening on this port. Check MAIL_SERVER and MAIL_PORT."
    ),
    UnicodeError: "MAIL_SERVER isn't a host name, or MAIL_USERNAME or MAIL_PASSWORD isn't pure ASCII.",
    OSError: "Can't reach {server}. Check MAIL_SERVER, MAIL_PORT and this machine's network.",
}
#: What a connection can fail with.
FAILURES = tuple(_FAILURES)


def explain(failure: Exception, server: str) -> MailNotDelivered:
    """Return one of FAILURES in our own words: the server's may name the recipient.

    Only a 5xx answer to the recipient or the message is permanent (RFC 5321, 4.2.1). One to the sender, or one that
    wants a login (530, RFC 4954, and "relay access denied"), is about the settings, which the merchant can correct.
    """
    match failure:
        case smtplib.SMTPRecipientsRefused():
            ((code, text),) = failure.recipients.values()
            return _refused(server, "the recipient", "the recipient's address", code, text)
        case smtplib.SMTPSenderRefused(smtp_code=code, smtp_error=text):
            said = _refused(server, "the sender", "MAIL_DEFAULT_SENDER", code, text, causes=_CAUSES_OF_SENDER)
            return MailNotDelivered(str(said), permanent=False)
        case smtplib.SMTPDataError(smtp_code=code, smtp_error=text):
            return _refused(server, "the message", "MAIL_DEFAULT_SENDER", code, text)
        case smtplib.SMTPServerDisconnected(__context__=TimeoutError() | TooMuchSent() as reason):
            failure = reason  # smtplib reports both as a lost connection
    words = next(words for kind, words in _FAILURES.items() if isinstance(failure, kind))
    status, certificate = getattr(failure, "smtp_code", ""), getattr(failure, "verify_message", "")
    return MailNotDelivered(words.format(server=server, status=status, certificate=certificate), permanent=False)


def _refused(
    server: str, what: str, look_at: str, code: int, text: bytes | str, causes: dict[str, str] = _CAUSES
) -> MailNotDelivered:
    line = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    match = re.match(r"[245]\.(\d{1,3}\.\d{1,3})\b", line) if code != 530 else None
    status, enhanced = (f"{code} {match[0]}", match[1]) if match else (f"{code}", "")
    cause, advice = causes.get(enhanced) or causes.get(f"{code}"), f"Check {look_at}."
    wants_login = code == 530 or _NO_RELAY.search(line) is not None
    if wants_login:
        cause, advice = _CAUSES["530"], _LOGIN
    elif enhanced == "3.4":
        advice = "Send smaller attachments."
    elif code < 500 and enhanced.startswith("7."):  # greylisting: servers put off senders that they don't know
        cause, advice = _RETRY_LATER, "It will be retried."
    reason = f": {cause}" if cause else ""
    message = f"{server} refused {what} with {status}{reason}. {advice}"
    return MailNotDelivered(message, permanent=500 <= code <= 599 and not wants_login)
