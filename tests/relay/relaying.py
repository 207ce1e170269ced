"""The relay with a clock that tests move, and the merchant's servers that it posts to."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from urllib3 import PoolManager

from receiver.app.components import Kit
from receiver.orders import Customer, Item, Order
from receiver.relay.controls import Controls
from receiver.relay.recording import record
from receiver.relay.transmissions import Transmissions
from receiver.security.http_client import new_pool
from receiver.storage.relay_models import TransmissionAttemptRow, TransmissionRow
from tests.hostile_servers import Answerer, Request, Server, reply
from tests.served import SECRET

ACCEPTED = reply("202 Accepted", b'{"status": "accepted"}', Content_Type="application/json")
START = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)


def an_order(**changes: Any) -> Order:
    """Return a small completed order with ids of its own."""
    nonce = secrets.token_hex(6)
    values: dict[str, Any] = {
        "event_id": f"evt_{nonce}",
        "order_id": f"A-{nonce}",
        "order_date": START,
        "currency": "EUR",
        "total": Decimal("18.50"),
        "customer": Customer(email="zoe@shop.example", first_name="Zoë"),
        "items": (Item(name="Mug", quantity=1, unit_price=Decimal("18.50")),),
    }
    return Order(**values | changes)


class Shop:
    """A merchant's server whose answer the test changes."""

    def __init__(self) -> None:
        self.answer: Answerer = ACCEPTED
        self.server: Server

    @property
    def requests(self) -> list[Request]:
        return self.server.requests


class Relay:
    """The relay of one instance, at a time that the test sets."""

    def __init__(self, kit: Kit, pool: PoolManager | None = None) -> None:
        self.kit = kit
        self.now = START
        self.controls = Controls(
            kit.database,
            secret_key=kit.settings.SECRET_KEY.get_secret_value(),
            https_only=False,
            allow_private=True,
            now=lambda: self.now,
        )
        self.transmissions = Transmissions(
            kit.database,
            kit.leases,
            self.controls,
            pool or new_pool(allow_private=True, https_only=False),
            forward_secret=SECRET,
            now=lambda: self.now,
        )

    def receive(self, **changes: Any) -> str:
        """Receive an order; return its event_id."""
        with self.kit.database.write() as session:
            return record(session, an_order(**changes), now=self.now)

    def work(self) -> int:
        """Run every job that's due now; return how many there were."""
        count = 0
        while self.transmissions.run_next():
            count += 1
        return count

    def work_until(self, end: timedelta) -> None:
        """Move the clock from one due time to the next, and run what is due, until so long after the start."""
        while (due := self.next_due()) is not None and due <= START + end:
            self.now = max(self.now, due)
            self.work()
        self.now = START + end

    def next_due(self) -> datetime | None:
        """Return when the next job is due."""
        return min((row.due_at for row in self.rows() if row.state == "open" and row.due_at), default=None)

    def rows(self) -> Sequence[TransmissionRow]:
        """Read all transmissions."""
        with self.kit.database.read() as session:
            return session.scalars(select(TransmissionRow).order_by(TransmissionRow.id)).all()

    def row(self) -> TransmissionRow:
        """Read the newest transmission."""
        return self.rows()[-1]

    def states(self) -> list[str]:
        """Return the state of every transmission."""
        return [row.state for row in self.rows()]

    def attempts(self) -> Sequence[TransmissionAttemptRow]:
        """Read all attempts."""
        with self.kit.database.read() as session:
            return session.scalars(select(TransmissionAttemptRow).order_by(TransmissionAttemptRow.id)).all()
