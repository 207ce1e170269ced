"""Notify the merchant of the order by email."""

from __future__ import annotations

from receiver.handlers import Context, Order, handler


@handler
def notify_merchant(order: Order, context: Context) -> str:
    """Email the order's notice to the merchant; replies go to the customer."""
    context.mail(
        to=context.settings["MERCHANT_EMAIL"],
        template="order_notice",
        reply_to=order.customer.email,
        console_url=f"{context.settings['PUBLIC_URL'].rstrip('/')}/admin/orders/{context.receipt}",
    )
    return "notice put into the outbox"
