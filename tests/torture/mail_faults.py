"""Mail servers that fail: each email is tried again or has failed, as it should, and orders are answered meanwhile."""

from __future__ import annotations

import socket
import ssl
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

import pytest

from receiver.storage.models import MailRow
from tests.end_to_end.starting import Starter
from tests.served import order_fields
from tests.smtp_servers import certificate, free_port, smtp_server, socket_server
from tests.torture.fleet import Fleet, fleet_at
from tests.torture.judging import judge
from tests.torture.mailbox import CountingMailbox, mail_settings
from tests.torture.moody import GOOD, MOODS, moody_server
from tests.torture.places import Place
from tests.torture.results import Result
from tests.torture.senders import Sent, customer_email
from tests.waiting import wait_for

#: Longest that one attempt takes, with plenty to spare.
_LONGEST = 240.0
#: Of a process: enough to try both emails of an order at once.
_THREADS = 4
#: Seconds until an email is tried again, and after so many attempts it fails.
_RETRIES = ",".join(["2"] * 40)


def every_failure(place: Place, starter: Starter, _random: Random, times: int) -> Result:
    """Have the server fail in so many ways, each with the emails of one order."""
    with (
        moody_server() as (server, port),
        fleet_at(place, starter, RETRY_SCHEDULE=_RETRIES, WORKER_THREADS=_THREADS, **mail_settings(port)) as fleet,
    ):
        orders = _Orders(fleet)
        wrong = 0
        for mood in MOODS[:times]:
            server.mood = mood
            mails = orders.add()
            wait_for(partial(_were_tried, mails), _LONGEST)
            wrong += sum(mail.state != ("failed" if mood.is_final else "open") for mail in mails())
            orders.failed.extend(mail.message_id for mail in mails() if mood.is_final)
            server.mood = GOOD  # before the next one, which would be right to refuse these too
            wait_for(lambda mails=mails: all(mail.state != "open" for mail in mails()), _LONGEST)  # type: ignore[misc]
        result = orders.judged(server.taken)
    return replace(result, tried=times, errors=result.errors + wrong)


def tls_failures(place: Place, starter: Starter, _random: Random, times: int) -> Result:
    """Offer no STARTTLS, or a certificate that nobody trusts, by turns; then serve as it should be."""
    port, mailbox = free_port(), CountingMailbox()
    settings = mail_settings(port) | {"MAIL_USE_TLS": True, "RETRY_SCHEDULE": _RETRIES}
    with _trusted(place) as good, fleet_at(place, starter, **settings) as fleet:
        orders = _Orders(fleet)
        bad, _ = certificate(place.folder, host="127.0.0.2")
        for number in range(times):
            with socket_server(_offering(bad if number % 2 else None), port):
                wait_for(partial(_were_tried, orders.add()), _LONGEST)
        with smtp_server(mailbox, starttls=good, port=port):
            result = orders.judged(mailbox.taken)
            fleet.end()  # before the server, which would leave open what still has a client
    return replace(result, tried=times)


def _offering(context: ssl.SSLContext | None) -> Callable[[socket.socket], None]:
    """Offer STARTTLS by a certificate, or none; an email that came over such a connection would be lost."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(b"220 here\r\n")
        with connection.makefile("rb") as reader:
            while line := reader.readline():
                if context and line.upper().startswith(b"STARTTLS"):
                    connection.sendall(b"220 go on\r\n")
                    context.wrap_socket(connection, server_side=True).close()
                    return
                connection.sendall(b"250-here\r\n250 STARTTLS\r\n" if context else b"250 here\r\n")

    return talk


#: Reads the emails of one order.
Mails = Callable[[], list[MailRow]]


class _Orders:
    """The orders that a fleet has taken while its mail server failed."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._acknowledged: dict[str, str] = {}
        self._statuses: Counter[int] = Counter()
        #: The Message-IDs of the emails that the server refused for good.
        self.failed: list[str] = []

    def add(self) -> Mails:
        """Post one, wait for its two emails, and return what reads them."""
        order_id = f"M-{len(self._acknowledged)}"
        reply = self._fleet.post(order_fields(order_id=order_id, customer_email=customer_email(order_id)))
        self._statuses[reply.status] += 1
        self._acknowledged[order_id] = reply.content["receipt"]
        shop = self._fleet.shop
        pk = next(row.id for row in shop.rows() if row.order_id == order_id)

        def mails() -> list[MailRow]:
            return [mail for mail in shop.rows(MailRow) if mail.order_pk == pk]

        wait_for(lambda: len(mails()) == 2, _LONGEST)
        return mails

    def judged(self, taken: Counter[str]) -> Result:
        return judge(self._fleet, Sent(self._acknowledged, self._statuses), taken, failed=self.failed)


def _were_tried(mails: Mails) -> bool:
    return all(mail.attempts and mail.detail for mail in mails())


@contextmanager
def _trusted(place: Place) -> Iterator[Any]:
    """Have processes that are started in the block trust a certificate, and yield the context that serves with it."""
    context, root = certificate(place.folder)
    trusted = root.rename(place.folder / "really-trusted.pem")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(trusted))
        yield context
