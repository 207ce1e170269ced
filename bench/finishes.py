"""How fast orders are finished, from the POST to registered, mailed twice over SMTP and settled; and the server's life.

A server with its workers on is watched from its start on: how soon it answers, what it takes at rest, how fast it
finishes orders, how fast it accepts meanwhile, and what memory that leaves it with.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from bench import orders
from bench.accepts import load
from bench.figures import (
    BUSY,
    BUSY_P99,
    BY_HAND,
    FINISH,
    IDLE,
    LOADED_MEMORY,
    REST_MEMORY,
    SMTPLIB,
    START,
    Figure,
)
from bench.floors import bare_smtplib
from bench.kits import MeasuredKit
from bench.server import SECRET, Served, serving

#: Emails of an order: the customer's and the merchant's.
EMAILS = 2
_SENDERS = 8
_REST_SECONDS = 5
#: What a start still does after the first answer isn't rest.
_SETTLE_SECONDS = 3
_LONGEST_SECONDS = 600


def of_floors(url: str, smtp_port: int, *, count: int) -> Iterator[Figure]:
    """Measure bare smtplib, and the hand-written receiver, whose orders are finished when they're answered."""
    yield Figure(FINISH, SMTPLIB, bare_smtplib(smtp_port, EMAILS * count))
    started = time.monotonic()
    _post(url, _bodies(count))
    yield Figure(FINISH, BY_HAND, EMAILS * count / (time.monotonic() - started))


def of_kit(kit: MeasuredKit, smtp_port: int, *, count: int, seconds: int) -> Iterator[Figure]:
    """Measure a kit from its start to the memory that all the load leaves it with."""
    with serving(kit, mailing(smtp_port)) as served:
        yield Figure(START, kit.name, served.start_seconds)
        yield Figure(IDLE, kit.name, _percent_at_rest(served))
        yield Figure(REST_MEMORY, kit.name, served.megabytes())
        yield Figure(FINISH, kit.name, EMAILS * finished_a_second(served, count))
        busy = load(f"{served.url}/orders", "busy", seconds=seconds)
        yield from (Figure(BUSY, kit.name, busy.rate), Figure(BUSY_P99, kit.name, busy.p99_milliseconds))
        yield Figure(LOADED_MEMORY, kit.name, served.megabytes())


def mailing(smtp_port: int) -> dict[str, str]:
    """Return the settings of a shop that sends its emails over SMTP."""
    return {
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": str(smtp_port),
        "MERCHANT_EMAIL": "merchant@shop.example",
        "MAIL_DEFAULT_SENDER": "shop@shop.example",
    }


def finished_a_second(served: Served, count: int) -> float:
    """Return orders a second, from the first POST until all are registered, mailed and settled."""
    # By the ids after the last ones: counting a million rows again and again would slow down what's measured.
    last_order, last_mail = (served.number(f"SELECT max(id) FROM {table}") for table in ("orders", "mails"))
    done = f"SELECT count(*) FROM orders WHERE id > {last_order} AND state = 'done'"
    sent = f"SELECT count(*) FROM mails WHERE id > {last_mail} AND state = 'sent' AND order_pk IS NOT NULL"
    started = time.monotonic()
    _post(served.url, _bodies(count))
    while served.number(done) < count or served.number(sent) < EMAILS * count:
        if time.monotonic() - started > _LONGEST_SECONDS:
            raise SystemExit(f"{count} orders aren't finished after {_LONGEST_SECONDS} s")
        time.sleep(0.05)
    return count / (time.monotonic() - started)


def _percent_at_rest(served: Served) -> float:
    """Return the processor time that all processes of a server take while nobody asks for anything, in percent."""
    time.sleep(_SETTLE_SECONDS)
    before = served.seconds()
    time.sleep(_REST_SECONDS)
    return 100 * (served.seconds() - before) / _REST_SECONDS


def _bodies(count: int) -> Sequence[str]:
    begun = time.time_ns()
    return [orders.body(f"{begun}-{one}", f"c{begun}-{one}@shop.example", SECRET) for one in range(count)]


def _post(url: str, bodies: Sequence[str]) -> None:
    if failed := orders.post(url, bodies, senders=_SENDERS):
        raise SystemExit(f"{failed} requests were not accepted; the figures mean nothing")
