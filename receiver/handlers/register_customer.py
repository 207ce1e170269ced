"""Register the order's customer: the file to copy when you write a handler of your own."""

from __future__ import annotations

from receiver.handlers import Context, Order, Skip, handler


@handler
def register_customer(order: Order, context: Context) -> str:
    """Add the customer, or bring what is known of them up to date."""
    if not order.customer.email:
        raise Skip("the order names no e-mail address")
    is_new = context.register_customer()
    return "registered" if is_new else "known already, brought up to date"
