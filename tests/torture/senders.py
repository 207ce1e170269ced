"""Senders that post one order after the other, each again until it's acknowledged, as the service does."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from urllib3.exceptions import HTTPError

from tests.served import Reply, order_fields
from tests.waiting import SOON, wait_for

SENDERS = 4
Post = Callable[[Mapping[str, str]], Reply]


def customer_email(order_id: str) -> str:
    """Return the address of an order's customer; everybody orders once."""
    return f"{order_id.lower()}@kunde.de"


class Sender(threading.Thread):
    """One of them."""

    def __init__(self, post: Post, name: str, pause: float) -> None:
        super().__init__(name=name)
        self._post = post
        self._pause = pause
        self._enough = threading.Event()
        self._given_up = False
        #: Receipt by order_id.
        self.acknowledged: dict[str, str] = {}
        self.statuses: Counter[int] = Counter()

    def run(self) -> None:
        number = 0
        while not self._enough.wait(self._pause):
            number += 1
            order_id = f"{self.name}-{number}"
            fields = order_fields(
                order_id=order_id, event_id=f"evt_{order_id}", customer_email=customer_email(order_id)
            )
            while fields["order_id"] not in self.acknowledged and not self._given_up:
                self._send(fields)

    def finish(self) -> None:
        """Get the last order acknowledged and end."""
        self._enough.set()
        self.join(2 * SOON)
        assert not self.is_alive(), "the server no longer answers"

    def give_up(self) -> None:
        """End, whether the last order was acknowledged or not."""
        self._enough.set()
        self._given_up = True
        self.join()

    def _send(self, fields: dict[str, str]) -> None:
        try:
            reply = self._post(fields)
        except HTTPError:
            time.sleep(0.02)
            return
        self.statuses[reply.status] += 1
        if reply.status in {200, 202}:
            self.acknowledged[fields["order_id"]] = reply.content["receipt"]
        else:
            time.sleep(0.02)


class Sent(NamedTuple):
    """What was sent, and what was answered."""

    #: Receipts by order id.
    acknowledged: Mapping[str, str]
    statuses: Counter[int]


class Load:
    """What all senders send."""

    def __init__(self, post: Post, pause: float) -> None:
        self._senders = [Sender(post, f"S{number}", pause) for number in range(SENDERS)]
        for sender in self._senders:
            sender.start()

    @property
    def sent(self) -> Sent:
        """What all of them have sent so far."""
        acknowledged = {key: receipt for sender in self._senders for key, receipt in sender.acknowledged.copy().items()}
        return Sent(acknowledged, sum((sender.statuses for sender in self._senders), Counter()))

    def wait_until_orders_come_in(self) -> None:
        """Wait until one more order was acknowledged."""
        before = self._count()
        wait_for(lambda: self._count() > before)

    def finish(self) -> None:
        """Get everything acknowledged that was begun."""
        for sender in self._senders:
            sender.finish()

    def give_up(self) -> None:
        for sender in self._senders:
            sender.give_up()

    def _count(self) -> int:
        return sum(len(sender.acknowledged) for sender in self._senders)


@contextmanager
def load_on(post: Post, *, pause: float = 0.2) -> Iterator[Load]:
    """Send orders until the block ends; ``finish`` is called in it to have each of them acknowledged."""
    load = Load(post, pause)
    try:
        yield load
    finally:
        load.give_up()
