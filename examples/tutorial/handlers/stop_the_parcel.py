"""Mail the warehouse what isn't to be shipped any more."""

from __future__ import annotations

from receiver.handlers import Context, Order, handler


@handler(events=("order.refunded", "order.cancelled"))
def stop_the_parcel(order: Order, context: Context) -> str:
    """Mail that the order was cancelled, or how much of it was refunded."""
    context.mail(to="warehouse@your-shop.example", template="stop_the_parcel")
    return f"{order.event}: {order.order_id}"
