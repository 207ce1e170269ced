"""Confirm the order to the customer by email, in the shop's name."""

from __future__ import annotations

from receiver.handlers import Context, Order, Skip, handler


@handler(after="register_customer")
def email_customer(order: Order, context: Context) -> str:
    """Email the order confirmation; replies go to the merchant."""
    if not order.customer.email:
        raise Skip("the order has no email address")
    context.mail(
        to=order.customer.email,
        template="order_confirmation",
        reply_to=context.settings["MERCHANT_EMAIL"],
        claim_url=context.claim_url(),
        account_url=context.account_url,
    )
    return "confirmation put into the outbox"
