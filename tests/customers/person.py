"""One person in every table and every file of a receiver, each value a word that is found wherever it's kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from receiver.orders.sample import dummy_order
from receiver.relay.recording import record
from tests.hostile_servers import Server, reply, serving
from tests.served import SECRET, Served, order_fields, signed

EMAIL = "canary.q7x@kunde.de"
#: What may be left of the person nowhere.
WORDS = ("canary.q7x", "Zanzibarina", "Wolkenstein", "Quoxstreet", "99887766", "Xylographie")
TOLD = {
    "customer_email": EMAIL,
    "customer_first_name": "Zanzibarina",
    "customer_last_name": "Wolkenstein",
    "customer_phone": "+49 30 99887766",
    "customer_company": "Xylographie KG",
    "customer_note": "Ring at Wolkenstein",
    "billing_name": "Zanzibarina Wolkenstein",
    "billing_line1": "Quoxstreet 7",
    "billing_city": "Berlin",
}
_HANDLERS = """
from sqlalchemy import text
from receiver.handlers import handler

@handler(retries=0)
def fails(order, context):
    raise RuntimeError(f"cannot handle {order.customer.email}, {order.customer.last_name}")

@handler(retries=0)
def speaks(order, context):
    context.once(order.customer.email)
    context.mail(to="warehouse@laden.de", template="order_notice")
    return f"packed for {order.customer.email}, {order.customer.last_name}"
"""


@contextmanager
def told_about(serve: Callable[..., Served], instance: Path) -> Iterator[Served]:
    """Serve a receiver that was told all about the person in every way, and whose website and servers repeat it."""
    (instance / "handlers" / "talkative.py").write_text(_HANDLERS, "utf-8")
    answer = f"{EMAIL}: Wolkenstein is not welcome".encode()
    with serving(reply("500 Error", answer)) as server:
        shop = serve(
            HANDLERS=[
                "register_customer",
                "email_customer",
                "notify_merchant",
                "append_csv",
                "forward",
                "fails",
                "speaks",
            ],
            CSV_FILE="orders.csv",
            RELAY_ALLOW_PRIVATE=True,
            FORWARD_URLS=[server.url("/stock")],
            FORWARD_SECRET=SECRET,
            sources={"pay": {"kind": "mollie", "secrets": ["live_0123456789abcdefghij"]}},
            **_website(server),
        )
        _tell(shop, server)
        yield shop


def _website(server: Server) -> dict[str, object]:
    body = {"email": "{email}", "name": "{name}"}
    return {"REGISTRAR": "http", "registrar": {"url": server.url("/users"), "allow_private": True, "body": body}}


def _tell(shop: Served, server: Server) -> None:
    """Send every kind of event, and whatever the kit makes of them."""
    first = order_fields(**TOLD, order_id="A-1")
    shop.kit.controls.save(enabled=True, url=server.url("/orders"), encoding="form", sends_secret_field=False)
    shop.post(first)
    shop.settled()
    shop.post(first | {"customer_note": "Wolkenstein, once more"})
    shop.post(order_fields(**TOLD, order_id="A-2", test="true"))
    shop.post(order_fields(**TOLD, order_id="A-3", order_status="pending"))
    shop.post(first | {"event": "order.updated", "billing_city": "Potsdam"})
    shop.post({"order_id": "A-1", "event": "order.refunded", "refund_total": "5", "reason": "Wolkenstein sent it back"})
    shop.post({"OrderRef": "P-1", "BuyerEmail": EMAIL, "Buyer": "Zanzibarina Wolkenstein", "Street": "Quoxstreet 7"})
    broken = json.dumps(first)[:-1].encode() + b",,}"
    shop.post(broken, headers=signed(broken), content_type="application/json")
    shop.post(first, prove=False)
    with shop.kit.database.write() as session:
        order = dummy_order(now=datetime.now(UTC), nonce="x")
        customer = order.customer.model_copy(update={"email": EMAIL, "last_name": "Wolkenstein"})
        record(session, order.model_copy(update={"customer": customer}), now=datetime.now(UTC))
    shop.kit.engine.hint("transmissions")
    shop.settled()
    shop.kit.refusals.flush()
    shop.kit.notices.look()


def holds(text: str) -> list[str]:
    """Return the person's words that a text holds, in any case."""
    return [word for word in WORDS if word.lower() in text.lower()]
