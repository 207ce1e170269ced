"""Book a parcel with the courier's API."""

from __future__ import annotations

import os
from datetime import timedelta

from receiver.handlers import Context, Order, RetryLater, Skip, handler

URL = "https://api.courier.example/parcels"


@handler(on_test=False, retries=3, timeout=20)
def book_courier(order: Order, context: Context) -> str:
    """Book a parcel; the idempotency key keeps a second attempt from booking another."""
    if not order.shipping or not order.shipping.postcode:
        raise Skip("no address to ship to")
    parcel = {"reference": order.order_id, "name": order.shipping.name, "postcode": order.shipping.postcode}
    url = os.environ.get("COURIER_URL", URL)
    answer = context.http.request("POST", url, json=parcel, headers={"Idempotency-Key": context.idempotency_key})
    if answer.status == 429:
        raise RetryLater("the courier is busy", after=timedelta(minutes=10))
    if answer.status != 201:
        raise RuntimeError(f"the courier answered {answer.status}")
    return f"parcel {answer.json()['number']}"
