"""A mail server that counts what it took by Message-ID, and can hold an email whose DATA it has until it's let go."""

from __future__ import annotations

# ruff: noqa: ARG002 - aiosmtpd calls its handlers with more than they need here
import asyncio
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiosmtpd.smtp import Envelope, Session

from tests.smtp_servers import HOST, Mailbox, smtp_server
from tests.waiting import SOON

_MESSAGE_ID = re.compile(rb"^Message-ID:\s*(\S+)", re.IGNORECASE | re.MULTILINE)


class CountingMailbox(Mailbox):
    """A mailbox that keeps no emails, only their Message-IDs."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: Counter[str] = Counter()
        self._hold = threading.Event()
        self._entered = threading.Event()
        self._left = threading.Event()
        self._held = ""
        self._keeps = False

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        found = _MESSAGE_ID.search(envelope.content)
        assert found, "an email without a Message-ID"
        message_id = found[1].decode("ascii")
        if self._hold.is_set():
            self._hold.clear()
            self._held = message_id
            self._entered.set()
            while not self._left.is_set():
                await asyncio.sleep(0.002)
            if not self._keeps:
                return "451 4.3.0 Later"
        self.taken[message_id] += 1
        return "250 OK"

    def hold_next(self, *, keeps: bool) -> str:
        """Hold the next email and return its Message-ID; once it's let go it's kept or not, whoever still listens."""
        self._keeps = keeps
        self._entered.clear()
        self._left.clear()
        self._hold.set()
        assert self._entered.wait(SOON), "no email came"
        return self._held

    def let_go(self) -> None:
        """Go on with the email that's held."""
        self._left.set()


@contextmanager
def counting_mailbox() -> Iterator[tuple[CountingMailbox, dict[str, Any]]]:
    """Run such a server; gives the settings to send by it, too."""
    mailbox = CountingMailbox()
    with smtp_server(mailbox) as port:
        try:
            yield mailbox, mail_settings(port)
        finally:
            mailbox.let_go()


def mail_settings(port: int) -> dict[str, Any]:
    """Return the settings to send by a server on this machine, without TLS."""
    server: dict[str, Any] = {"MAIL_SERVER": HOST, "MAIL_PORT": port, "MAIL_USE_TLS": False}
    return server | {"MERCHANT_EMAIL": "merchant@laden.de", "MAIL_DEFAULT_SENDER": "shop@laden.de"}
