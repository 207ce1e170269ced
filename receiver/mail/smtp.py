"""One connection to the SMTP server: limits in time and bytes, verified TLS, login."""

from __future__ import annotations

import smtplib
import socket
from typing import Any, cast

import flask_mail

from receiver.mail.smtp_failures import CONVERSATION_SECONDS, FAILURES, TIMEOUT_SECONDS
from receiver.security.deadlines import DeadlineSocket, deadline_after, tls_context

#: For all replies to a login together, or to one email: smtplib would keep an endless reply in memory.
MOST_REPLY_BYTES = 64 * 1024
#: The code of a server that closes the connection (RFC 5321, 3.8).
_CLOSING = 421


class _Heard(smtplib.SMTP):
    """A connection that knows whether the server still listens."""

    #: Whether the server has answered to the email that's being sent, and goes on listening.
    was_heard = False

    def mail(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        """Begin an email."""
        self.was_heard = False
        code, answer = super().mail(*args, **kwargs)
        self.was_heard = code != _CLOSING
        return code, answer


class _Plain(_Heard):
    def _get_socket(self, *args: Any) -> socket.socket:  # smtplib's own hook, used by its SMTP_SSL too
        made: socket.socket = super()._get_socket(*args)  # type: ignore[misc]
        return _limited(DeadlineSocket(made.family, made.type, made.proto, fileno=made.detach()))


class _Encrypted(_Heard, smtplib.SMTP_SSL):
    def _get_socket(self, *args: Any) -> socket.socket:
        return _limited(super()._get_socket(*args))  # type: ignore[misc]


def _limited(sock: Any) -> DeadlineSocket:
    """Set how long a login or one email may take from now on, and how many bytes the replies to it may have."""
    limited = cast("DeadlineSocket", sock)
    limited.allowance = MOST_REPLY_BYTES
    limited.deadline, limited.patience = deadline_after(CONVERSATION_SECONDS), TIMEOUT_SECONDS
    return limited


class VerifiedConnection(flask_mail.Connection):
    """Flask-Mail's connection, with time limits and a verified certificate."""

    host: _Heard | None

    @property
    def was_heard(self) -> bool:
        """Return whether the server has answered to the last email; if not, it has taken nothing of it."""
        return self.host is not None and self.host.was_heard

    def configure_host(self) -> _Heard:
        """Connect, start TLS as the settings say, and log in. Raises one of FAILURES."""
        place = (self.mail.server, self.mail.port)
        host: _Heard
        if self.mail.use_ssl:
            host = _Encrypted(*place, timeout=TIMEOUT_SECONDS, context=tls_context())
        else:
            host = _Plain(*place, timeout=TIMEOUT_SECONDS)
        try:
            if self.mail.use_tls and not self.mail.use_ssl:
                host.starttls(context=tls_context())
                _limited(host.sock)
            if self.mail.username:
                host.login(self.mail.username, self.mail.password or "")
        except FAILURES:
            host.close()
            raise
        return host

    def send(self, *args: Any, **kwargs: Any) -> None:
        """Send one email, with a time limit of its own. Raises one of FAILURES."""
        _limited(cast("smtplib.SMTP", self.host).sock)
        super().send(*args, **kwargs)
