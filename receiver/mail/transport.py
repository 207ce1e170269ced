"""Deliver one email: to the SMTP server through Flask-Mail or, without a server, as a file in ``instance/outbox``."""

from __future__ import annotations

import re
import smtplib
import threading
import time
from collections import defaultdict
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import flask_mail
from flask import Flask

from receiver.mail import smtp
from receiver.mail.message import ANOTHER_ADDRESS, Draft, MailNotDelivered, compose
from receiver.mail.smtp_failures import FAILURES, explain
from receiver.settings.model import Settings, plain
from receiver.storage import private_files
from receiver.storage.clock import utc_now

#: How long a thread uses one connection before it opens a new one.
KEEP_SECONDS = 30
#: A half-written file of this age was left by a killed process: writing one takes far less.
_REMAINS_AFTER_SECONDS = 3600
#: Addresses in these domains belong to nobody (RFC 2606), so an email to one is never sent.
_EXAMPLE_DOMAINS = re.compile(r"(?:.*\.)?example\.(?:com|net|org)")
_SETTINGS = ("MAIL_SERVER", "MAIL_PORT", "MAIL_USE_TLS", "MAIL_USE_SSL", "MAIL_USERNAME", "MAIL_PASSWORD")

#: The outbox folder's files by the Message-ID in their names.
OutboxFiles = dict[str, list[Path]]


class MailTransport:
    """What delivers emails, from any thread and without an application context."""

    def __init__(self, settings: Settings, instance: Path) -> None:
        self._folder = instance / "outbox"
        # Flask-Mail needs an app. With an app of its own, TESTING and MAIL_SUPPRESS_SEND can't make it drop emails
        # that are then reported as sent.
        self._app = Flask("receiver.mail.transport")
        self._app.config.from_mapping({name: plain(getattr(settings, name)) for name in _SETTINGS})
        self._mail = flask_mail.Mail(self._app)
        self._server = settings.MAIL_SERVER
        self._sender = (settings.SHOP_NAME, settings.MAIL_DEFAULT_SENDER)
        self._thread = threading.local()

    def deliver(self, mail: Draft) -> str:
        """Deliver the email and return a text that says where it went. Raises MailNotDelivered.

        If the connection is lost at the wrong moment, the email was sent and MailNotDelivered is raised all the same,
        so the next attempt sends the same Message-ID again.
        """
        message = compose(mail, self._sender)
        with self._app.app_context():
            if not self._server:
                return self._write(message)
            self._refuse_examples(message)
            self._send(message)
        return f"handed to {self._server}"

    def check(self) -> None:
        """Log in to the server and close the connection. Raises MailNotDelivered."""
        self.close()
        self._connection()
        self.close()

    def clear_remains(self) -> None:
        """Remove the half-written files that killed processes left in the outbox folder."""
        for path in self._folder.glob(".*.new"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > _REMAINS_AFTER_SECONDS:
                    path.unlink()

    def files(self) -> OutboxFiles:
        """List the outbox folder. That's slow if it holds many files."""
        found: OutboxFiles = defaultdict(list)
        for path in self._folder.glob("*.eml"):
            found[path.stem.partition("-")[2]].append(path)
        return found

    def forget(self, message_ids: Collection[str], files: OutboxFiles) -> int:
        """Remove the files of these emails from the outbox folder and from ``files``; return how many there were."""
        found = [path for message_id in message_ids for path in files.pop(_readable(message_id), ())]
        for path in found:
            path.unlink(missing_ok=True)
        return len(found)

    def close(self) -> None:
        """Close the calling thread's connection, if it has one."""
        connection = getattr(self._thread, "connection", None)
        self._thread.connection = None
        if connection is not None:
            with suppress(smtplib.SMTPException, OSError):
                connection.host.quit()
            connection.host.close()

    def _refuse_examples(self, message: flask_mail.Message) -> None:
        domain = message.recipients[0][1].rpartition("@")[2]
        if _EXAMPLE_DOMAINS.fullmatch(domain):
            raise MailNotDelivered(
                f"Nothing is sent to {domain}, which is reserved for examples (RFC 2606). Set MERCHANT_EMAIL "
                f"to your own address, then send this email there: {ANOTHER_ADDRESS}",
                permanent=True,
            )

    def _send(self, message: flask_mail.Message) -> None:
        kept = self._kept_connection()
        connection = kept or self._connection()
        try:
            connection.send(message, envelope_from=("", message.sender[1]))
        except FAILURES as failure:
            self.close()
            if kept is None or connection.was_heard:
                raise explain(failure, self._server) from None
            self._send(message)  # over a new connection: the server had closed the kept one

    def _kept_connection(self) -> smtp.VerifiedConnection | None:
        """Return the thread's connection; None if there's none, or it's too old."""
        kept: smtp.VerifiedConnection | None = getattr(self._thread, "connection", None)
        if kept is not None and time.monotonic() - self._thread.opened_at > KEEP_SECONDS:
            self.close()
            return None
        return kept

    def _connection(self) -> smtp.VerifiedConnection:
        """Open a connection, and keep it for the thread."""
        connection = smtp.VerifiedConnection(self._mail)
        try:
            connection.host = connection.configure_host()
        except FAILURES as failure:
            raise explain(failure, self._server) from None
        self._thread.connection = connection
        self._thread.opened_at = time.monotonic()
        return connection

    def _write(self, message: flask_mail.Message) -> str:
        """Write the email to a file of its own that only this user can read; return its path."""
        moment = utc_now()
        message.date = moment.timestamp()
        path = self._folder / f"{moment:%Y%m%dT%H%M%S.%fZ}-{_readable(message.msgId)}.eml"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            private_files.write(path, message.as_bytes().decode("ascii"), replace=True)
        except OSError as error:
            raise MailNotDelivered(
                f"Can't save the email in {self._folder}: {error.strerror}. Check permissions and disk space.",
                permanent=False,
            ) from None
        return str(path)


def _readable(message_id: str) -> str:
    """Return a Message-ID as a part of a file's name."""
    return re.sub(r"[^A-Za-z0-9@.-]", "_", message_id.strip("<>"))[:100]
