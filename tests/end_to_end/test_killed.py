"""What is left after the server was killed at any moment: every acknowledged order, once."""

from __future__ import annotations

import email
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from sqlalchemy import select, text
from urllib3.exceptions import HTTPError

from receiver.storage.models import AttemptRow, HandlerRow, MailRow, OrderRow
from tests.end_to_end.processes import Running
from tests.end_to_end.starting import Restarting
from tests.served import order_fields
from tests.waiting import SOON

KILLS = 12
SENDERS = 4
HANDLER = """
from sqlalchemy import text
from receiver.handlers import handler
from tests.waiting import SOON

@handler
def pack_parcel(order, context):
    context.session.execute(text("INSERT INTO parcels (order_id) VALUES (:id)"), {"id": order.order_id})
"""


class Sender(threading.Thread):
    """Sends one order after the other, each again until it is acknowledged, as the service does."""

    def __init__(self, shop: Running, name: str) -> None:
        super().__init__(name=name)
        self._shop = shop
        self._enough = threading.Event()
        self._given_up = False
        #: Receipt by order_id.
        self.acknowledged: dict[str, str] = {}
        self.statuses: Counter[int] = Counter()

    def run(self) -> None:
        number = 0
        while not self._enough.wait(0.2):
            number += 1
            fields = order_fields(order_id=f"{self.name}-{number}", event_id=f"evt_{self.name}_{number}")
            while fields["order_id"] not in self.acknowledged and not self._given_up:
                self._send(fields)

    def finish(self) -> None:
        """Get the last order acknowledged and end."""
        self._enough.set()
        self.join(30)
        assert not self.is_alive(), "the server no longer answers"

    def give_up(self) -> None:
        """End, whether the last order was acknowledged or not."""
        self._enough.set()
        self._given_up = True
        self.join()

    def _send(self, fields: dict[str, str]) -> None:
        try:
            reply = self._shop.post(fields)
        except HTTPError:
            time.sleep(0.02)
            return
        self.statuses[reply.status] += 1
        if reply.status in {200, 202}:
            self.acknowledged[fields["order_id"]] = reply.content["receipt"]


def test_a_dozen_kills_under_load_lose_nothing_and_double_nothing(
    launch: Callable[..., Running], add_handler: Callable[[str, str], None], instance: Path
) -> None:
    """Every order is sent until it is acknowledged, so there must be a row for each and no other."""
    add_handler("pack_parcel", HANDLER)
    retries = ",".join(["1"] * KILLS)  # a handler met by every kill is not given up, nor does it wait longer
    shop = launch(process=Restarting, WORKER_THREADS=2, RETRY_SCHEDULE=retries)
    server = cast("Restarting", shop.process)
    with shop.kit.database.write() as session:
        session.execute(text("CREATE TABLE parcels (order_id TEXT)"))
    shop.kit.database.engine.dispose()
    with sending(shop) as senders:
        for _ in range(KILLS):
            wait_until_orders_come_in(senders)
            time.sleep(random.uniform(0, 0.4))
            server.kill()
            shop.let_leases_run_out()  # as they have when the next server is started half a minute later
            server.start()
        for sender in senders:
            sender.finish()
    orders = shop.settled(60)

    assert {status for sender in senders for status in sender.statuses} <= {200, 202}
    acknowledged = {order_id: receipt for sender in senders for order_id, receipt in sender.acknowledged.items()}
    assert Counter((order.order_id, order.receipt) for order in orders) == Counter(acknowledged.items())
    assert {order.state for order in orders} == {"done"}
    assert_every_handler_finished_once(shop, list(acknowledged))
    assert_mails_doubled_at_most(shop, instance / "outbox", times=KILLS)
    if shop.kit.database.path:
        with shop.kit.database.read() as session:
            assert session.scalars(text("PRAGMA integrity_check")).all() == ["ok"]


@contextmanager
def sending(shop: Running) -> Iterator[list[Sender]]:
    senders = [Sender(shop, f"S{number}") for number in range(SENDERS)]
    for sender in senders:
        sender.start()
    try:
        yield senders
    finally:
        for sender in senders:
            sender.give_up()


def wait_until_orders_come_in(senders: list[Sender]) -> None:
    before = sum(len(sender.acknowledged) for sender in senders)
    deadline = time.monotonic() + SOON
    while sum(len(sender.acknowledged) for sender in senders) == before:
        assert time.monotonic() < deadline, "the restarted server takes no orders"
        time.sleep(0.005)


def assert_every_handler_finished_once(shop: Running, order_ids: list[str]) -> None:
    finished = (
        select(OrderRow.order_id, HandlerRow.name)
        .join(HandlerRow, HandlerRow.order_pk == OrderRow.id)
        .join(AttemptRow, AttemptRow.handler_pk == HandlerRow.id)
        .where(AttemptRow.state == "done")
    )
    with shop.kit.database.read() as session:
        runs = Counter((order_id, name) for order_id, name in session.execute(finished))
        parcels = Counter(session.scalars(text("SELECT order_id FROM parcels")))
    names = ("register_customer", "email_customer", "notify_merchant", "pack_parcel")
    assert runs == Counter((order_id, name) for order_id in order_ids for name in names)
    assert parcels == Counter(order_ids)


def assert_mails_doubled_at_most(shop: Running, outbox: Path, *, times: int) -> None:
    """One thread of a process sends mails here, so a kill can catch one between its delivery and its being settled."""
    files = [email.message_from_bytes(path.read_bytes()) for path in outbox.glob("*.eml")]
    delivered = Counter(str(mail["Message-ID"]) for mail in files)
    mails = shop.rows(MailRow)
    assert {mail.state for mail in mails} == {"sent"}
    assert len(mails) == 2 * len(shop.rows())
    assert set(delivered) == {mail.message_id for mail in mails}
    assert delivered.total() - len(delivered) <= times
