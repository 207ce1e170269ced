"""Register the order's customer: the file to copy when you write a handler of your own."""

from __future__ import annotations

from receiver.handlers import Context, Order, Skip, handler


@handler
def register_customer(order: Order, context: Context) -> str:
    """Add the customer, or update their record."""
    if not order.customer.email:
        raise Skip("the order has no email address")
    is_new = context.register_customer(later=True)
    return "registered" if is_new else "already known, updated"
