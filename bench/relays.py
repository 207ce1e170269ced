"""How fast recorded orders are sent on: each signed, posted, its attempt recorded and settled, 16 servers at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import insert, text

from bench.figures import RELAY, URLLIB3, Figure
from bench.floors import bare_urllib3
from bench.kits import MeasuredKit
from bench.server import Served, serving
from receiver.orders.sample import dummy_order
from receiver.security import signing
from receiver.storage.columns import table_of
from receiver.storage.relay_models import TransmissionRow

#: As many servers, because the kit sends only one order at a time to each.
AT_ONCE = 16
_LONGEST_SECONDS = 300


def of_floor(url: str, *, count: int) -> Iterator[Figure]:
    """Measure bare urllib3 with the body of the same order."""
    body = _order("floor").encode()
    yield Figure(RELAY, URLLIB3, bare_urllib3(f"{url}/empty", body, posts=count, at_once=AT_ONCE))


def of_kit(kit: MeasuredKit, url: str, *, count: int) -> Iterator[Figure]:
    """Measure a kit from the first settled order to the last, as their rows say; the first waits for a sweep."""
    settings = {
        "WORKER_THREADS": str(AT_ONCE),  # of each of the 2 processes; transmissions take half of them
        "FORWARD_SECRET": signing.new_secret(),
        "RELAY_ALLOW_PRIVATE": "true",
    }
    with serving(kit, settings) as served:
        _record(served, url, count)
        yield Figure(RELAY, kit.name, _settled_a_second(served, count))


def _record(served: Served, url: str, count: int) -> None:
    now = datetime.now(UTC)
    rows = [
        {
            "event_id": f"fwd_{number}",
            "target": f"{url}/empty?server={number % AT_ONCE}",
            "order_id": str(number),
            "test": False,
            "order": _order(str(number)),
            "created_at": now,
            "state": "open",
            "due_at": now,
        }
        for number in range(count)
    ]
    with served.engine.begin() as connection:
        connection.execute(insert(table_of(TransmissionRow)), rows)


def _order(nonce: str) -> str:
    return dummy_order(now=datetime.now(UTC), nonce=nonce).model_dump_json(exclude_none=True)


def _settled_a_second(served: Served, count: int) -> float:
    deadline = time.monotonic() + _LONGEST_SECONDS
    while served.number("SELECT count(*) FROM transmissions WHERE state = 'delivered'") < count:
        if time.monotonic() > deadline:
            raise SystemExit(f"{count} orders aren't sent on after {_LONGEST_SECONDS} s")
        time.sleep(0.1)
    with served.engine.connect() as connection:
        first, last = connection.execute(text("SELECT min(settled_at), max(settled_at) FROM transmissions")).one()
    return 1000 * (count - 1) / int(last - first)
