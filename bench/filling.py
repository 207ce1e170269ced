"""Databases with many orders: a thousand come in by POST and are finished, and SQL multiplies what they left."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from urllib.parse import quote_plus

import urllib3

from bench import orders
from bench.finishes import mailing
from bench.floors import by_hand
from bench.kits import ROOT
from bench.multiplying import TIMES, multiply, spread
from bench.server import SECRET, SECRET_KEY, Served, serving_at
from bench.stores import Place, Store
from receiver import create_app
from receiver.app.components import Kit
from receiver.orders.sample import dummy_order
from receiver.relay.recording import record
from receiver.storage import migrations

#: Orders that really come in.
FIRST = 1000
_JOBS = ("orders", "mails", "transmissions")
_TRANSMISSIONS = 50
_HANDLER = """
from receiver.handlers import handler

@handler(retries=0)
def tell_the_warehouse(order, context):
    "Put the order's items on the warehouse's list."
    if order.order_id == "FAILS":
        raise ConnectionError("the warehouse does not answer")
"""
_LONGEST_SECONDS = 600


def kept_name(size: int) -> str:
    """Return the name by which a place of so many orders is kept; another schema needs other places."""
    return f"{size}-{migrations.newest()}"


def fill(store: Store, size: int, smtp_port: int) -> None:
    """Keep a place of so many orders, a thousand or ten times another size, unless it's kept already."""
    if store.keeps(kept_name(size)):
        return
    if size < FIRST or size % TIMES:
        raise SystemExit(f"{size} orders can't be made: a size is 1000, 10000, 100000 and so on")
    if size > FIRST:
        fill(store, size // TIMES, smtp_port)
    print(f"making {size:,} orders on {store.name} …", flush=True)
    with store.place(like=kept_name(size // TIMES) if size > FIRST else "") as place:
        if size > FIRST:
            multiply(place.engine, size // TIMES)
        else:
            _receive(place, smtp_port)
            spread(place.engine, FIRST)
        store.keep(place, kept_name(size))


@contextmanager
def kit_of(served: Served, place: Place) -> Iterator[Kit]:
    """Give the kit of a place in this process, and close its connections at the end."""
    overrides = {"DATABASE_URL": place.settings["DATABASE_URL"], "SECRET_KEY": SECRET_KEY, "RELAY_ALLOW_PRIVATE": True}
    kit: Kit = create_app(overrides, instance_path=served.instance).extensions["receiver"]
    yield kit
    kit.database.engine.dispose()


def _receive(place: Place, smtp_port: int) -> None:
    """Have orders of every kind come in, be finished, and be sent on."""
    settings = mailing(smtp_port) | {"RELAY_ALLOW_PRIVATE": "true"}
    with (
        by_hand(smtp_port) as shop,
        serving_at(place, ROOT, settings, handlers={"tell_the_warehouse.py": _HANDLER}) as served,
        kit_of(served, place) as kit,
    ):
        now = datetime.now(UTC)
        kit.controls.save(enabled=True, url=f"{shop}/empty")
        with kit.database.write() as session:
            for number in range(_TRANSMISSIONS):
                order = dummy_order(now=now, nonce=f"t{number}").model_copy(update={"test": False})
                record(session, order, now=now)
        special = [*_special()]
        usual = [orders.body(f"A-{one}", f"c{one}@shop.example", SECRET) for one in range(FIRST - len(special))]
        orders.post(served.url, [*usual, *special], senders=8)
        for _ in range(5):
            urllib3.request("POST", f"{served.url}/orders", fields={"order_id": "X", "shared_secret": "wrong"})
        deadline = time.monotonic() + _LONGEST_SECONDS
        while _is_busy(served):
            if time.monotonic() > deadline:
                raise SystemExit(f"{FIRST} orders aren't finished after {_LONGEST_SECONDS} s")
            time.sleep(0.2)
        if (stored := served.number("SELECT count(*) FROM orders")) != FIRST:
            raise SystemExit(f"{stored} orders are stored instead of {FIRST}")


def _is_busy(served: Served) -> bool:
    """Return whether a job is open, or an order isn't in the search yet."""
    unwritten = served.number("SELECT count(*) FROM order_search WHERE text IS NOT NULL") < FIRST
    return unwritten or any(served.number(f"SELECT count(*) FROM {table} WHERE state = 'open'") for table in _JOBS)


def _special() -> Iterator[str]:
    """Give orders that aren't simply done: refunded, pending, a test, parked, one whose handler fails."""
    for number in range(5):
        refunded = f"&order_id=A-{number}&event=order.refunded&currency=GBP&refund_total=5.00"
        yield f"shared_secret={quote_plus(SECRET)}{refunded}"
    pending = orders.body("PENDING", "pending@shop.example", SECRET).replace("&event=order.completed", "")
    yield pending.replace("order_status=completed", "order_status=pending")
    yield orders.body("TEST", "test@shop.example", SECRET) + "&test=true"
    yield orders.body("FAILS", "fails@shop.example", SECRET)
    yield f"shared_secret={quote_plus(SECRET)}&OrderRef=7788&BuyerEmail=ada%40shop.example&Product1Name=Mug&Total=12"
