"""Post what is to be packed to the warehouse's API."""

from receiver.handlers import Skip, handler

URL = "https://warehouse.your-shop.example/api/parcels"


@handler(on_test=False)
def post_to_warehouse(order, context):
    """Order a parcel; its idempotency key keeps a second attempt from ordering another."""
    if not order.shipping:
        raise Skip("nothing to ship")
    answer = context.http.request(
        "POST",
        URL,
        json={
            "number": order.order_number or order.order_id,
            "method": order.shipping_method,
            "to": order.shipping.model_dump(exclude_none=True),
            "items": [{"sku": item.sku, "name": item.name, "quantity": item.quantity or 1} for item in order.items],
        },
        headers={"Idempotency-Key": context.idempotency_key},
    )
    if not 200 <= answer.status < 300:
        raise RuntimeError(f"the warehouse answered {answer.status}")
    return "ordered"
