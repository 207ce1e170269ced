"""Book a parcel with the courier's API."""

from __future__ import annotations

from pydantic import BaseModel, Field, SecretStr

from receiver.handlers import Context, Order, RetryLater, Skip, handler, retry_after


class CourierSettings(BaseModel):
    """The table ``[handlers.book_courier]``."""

    token: SecretStr
    url: str = Field("https://api.courier.example/parcels", description="where parcels are booked")


@handler(on_test=False, retries=3, timeout=20, settings=CourierSettings)
def book_courier(order: Order, context: Context[CourierSettings]) -> str:
    """Book a parcel; the idempotency key keeps a second attempt from booking another."""
    if not order.shipping or not order.shipping.postcode:
        raise Skip("no address to ship to")
    parcel = {"reference": order.order_id, "name": order.shipping.name, "postcode": order.shipping.postcode}
    headers = {
        "Authorization": f"Bearer {context.own.token.get_secret_value()}",
        "Idempotency-Key": context.idempotency_key,
    }
    answer = context.http.request("POST", context.own.url, json=parcel, headers=headers)
    if answer.status == 429:
        raise RetryLater("the courier is busy", after=retry_after(answer))
    if answer.status != 201:
        raise RuntimeError(f"the courier answered {answer.status}")
    return f"parcel {answer.json()['number']}"
