"""Something of every kind in a receiver, so that every page of the console has something to show."""

from __future__ import annotations

from datetime import UTC, datetime

from receiver.orders.sample import dummy_order
from receiver.relay.recording import record
from tests.served import Served, order_fields

FOREIGN = {"OrderRef": "7788", "BuyerEmail": "ada@shop.example", "Product1Name": "Mug", "Total": "£1.234,56"}

BROKEN_HANDLER = """
from receiver.handlers import handler

@handler(retries=0)
def tell_the_warehouse(order, context):
    "Put the order's items on the warehouse's list."
    raise ConnectionError("the warehouse does not answer")
"""


def fill(shop: Served) -> None:
    """Send something of every kind: done, failed, parked, ignored, refunded, tested, refused, transmitted."""
    shop.post(order_fields(customer_first_name="<script>alert(1)</script>", item_1_name="A" * 300))
    shop.post(order_fields(order_status="pending"))
    shop.post(order_fields(order_id="R-1"))
    shop.post({"order_id": "R-1", "event": "order.refunded", "currency": "GBP", "refund_total": "5.00"})
    shop.post(order_fields(test="true"))
    shop.post(FOREIGN)
    shop.post(order_fields(), prove=False)
    kit = shop.kit
    kit.controls.save(enabled=True, url=shop.url, encoding="form", sends_secret_field=True)
    kit.transmissions.send_test()
    with kit.database.write() as session:
        record(session, dummy_order(now=datetime.now(UTC), nonce="x"), now=datetime.now(UTC))
    shop.settled()
    kit.refusals.flush()
