"""Register the order's customer: the file to copy when you write a handler of your own."""

from __future__ import annotations

from datetime import UTC, datetime

from receiver.customers.records import apply_order
from receiver.customers.registrars import registrations
from receiver.handlers import Context, Order, Skip, handler


@handler
def register_customer(order: Order, context: Context) -> str:
    """Add the customer, or bring what is known of them up to date."""
    if not order.customer.email:
        raise Skip("the order names no e-mail address")
    now = datetime.now(UTC)
    customer, is_new = apply_order(context.session, order, now=now)
    if context.settings["REGISTRAR"] in registrations.WEBSITES:
        registrations.want(context.session, customer, now=now)
    return "registered" if is_new else "known already, brought up to date"
