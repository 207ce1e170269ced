"""Mail the warehouse what is to be packed."""

from __future__ import annotations

from receiver.handlers import Context, Order, Skip, handler


@handler
def tell_the_warehouse(order: Order, context: Context) -> str:
    """Mail what is to be packed."""
    if not order.shipping:
        raise Skip("nothing to ship")
    context.mail(to="warehouse@your-shop.example", template="warehouse")
    return f"{len(order.items)} items"
