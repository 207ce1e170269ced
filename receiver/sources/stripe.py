"""Stripe Checkout: https://docs.stripe.com/webhooks and https://docs.stripe.com/api/checkout/sessions/object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from receiver.security.schemes import HmacSignature
from receiver.sources.guide import Guide
from receiver.sources.sample import Sample
from receiver.sources.shared_rules import NO_ORDER, address, order_events
from receiver.sources.source import Source, source_kind

_SESSION = "data.object"
_ADDRESS = "line1 line2 city state postal_code country"


@source_kind("stripe")
class Stripe(Source):
    """A Checkout session, signed with the signing secret of its endpoint (``whsec_…``). It has no lines.

    Other objects of Stripe's are no orders, although they are paid too: ``payment_intent.succeeded`` is about the
    same money. A charge names no session but its payment, which is the session's ``payment_reference``.
    """

    guide = Guide(
        "Stripe Checkout",
        (
            "Open **Developers → Webhooks** and press **Add destination**, or **Add endpoint** in older accounts.",
            "Choose the events `checkout.session.completed` and `checkout.session.async_payment_succeeded`.",
            "Choose **Webhook endpoint** and enter the address as **Endpoint URL**.",
            "Open the new destination and reveal its **signing secret**, `whsec_…`.",
        ),
        calls_it="signing secret",
        verified_by="a signature over time and body",
        replay="the time",
        notes="A session that's completed and not paid yet, as with a bank debit, is ignored until the second event. "
        "So is one in setup mode, which sells nothing. "
        "A refund, `charge.refunded`, names no session: its order id is the payment's, `pi_…`, and it's shown beside "
        "its order all the same.",
        missing="The lines of the order. Other events, such as `payment_intent.succeeded`, are ignored.",
        # https://docs.stripe.com/webhooks
        when_quiet="Stripe tries each event for up to 3 days: under Developers → Webhooks, see whether the endpoint is "
        "disabled, and which deliveries failed.",
    )
    scheme = HmacSignature("Stripe-Signature", parts=(",", "t", "v1"), signed="{timestamp}.{body}")
    sample = Sample(
        {
            "id": "$id",
            "type": "checkout.session.completed",
            "livemode": True,
            "data": {
                "object": {
                    "id": "$id",
                    "object": "checkout.session",
                    "created": "$seconds",
                    "payment_status": "paid",
                    "currency": "eur",
                    "amount_subtotal": 2400,
                    "amount_total": 2400,
                    "customer_details": {"email": "ada@buyer.example", "name": "Ada Quist"},
                }
            },
        }
    )
    always_says_what_is_paid = True
    always_says_what_was_bought = True
    states: ClassVar[Mapping[str, bool]] = {**NO_ORDER, "no-payment-required": True, "setup": False}
    rules: ClassVar[Mapping[str, Any]] = {
        "event": order_events(
            "type",
            "checkout.session.completed checkout.session.async_payment_succeeded",
            {
                "checkout.session.async_payment_failed": "order.failed",
                "checkout.session.expired": "order.expired",
                "charge.refunded": "order.refunded",
                "charge.dispute.created": "order.disputed",
            },
        ),
        "order_id": ["$.data[?@.object=='charge'].payment_intent", f"{_SESSION}.id"],
        # Older versions of the API send the refunds, the newest first; the others what all have given back so far.
        "refund_id": f"{_SESSION}.refunds.data[0].id",
        "refund_total": {
            "from": [f"{_SESSION}.refunds.data[0].amount", f"{_SESSION}.amount_refunded"],
            "minor": True,
        },
        "order_number": f"{_SESSION}.client_reference_id",
        "order_date": {"from": f"{_SESSION}.created", "epoch": "s"},
        # A session in setup mode sells nothing: it keeps a card for later, and needs no payment.
        "payment_status": {
            "from": ["$.data[?@.mode=='setup'].mode", f"{_SESSION}.payment_status"],
            "when": {f"{_SESSION}.object": "checkout.session"},
        },
        "test": {"from": "livemode", "words": {"true": "false", "false": "true"}},
        "currency": f"{_SESSION}.currency",
        "total": {"from": f"{_SESSION}.amount_total", "minor": True},
        "subtotal": {"from": f"{_SESSION}.amount_subtotal", "minor": True},
        "discount_total": {"from": f"{_SESSION}.total_details.amount_discount", "minor": True},
        "shipping_total": {"from": f"{_SESSION}.total_details.amount_shipping", "minor": True},
        "tax_total": {"from": f"{_SESSION}.total_details.amount_tax", "minor": True},
        "payment_gateway": {"value": "stripe"},
        "payment_reference": f"{_SESSION}.payment_intent",
        "customer.id": f"{_SESSION}.customer",
        "customer.email": [
            f"{_SESSION}.{path}" for path in ("customer_details.email", "customer_email", "billing_details.email")
        ],
        "customer.first_name": {"from": f"{_SESSION}.customer_details.name", "split": "first"},
        "customer.last_name": {"from": f"{_SESSION}.customer_details.name", "split": "last"},
        "customer.phone": f"{_SESSION}.customer_details.phone",
        **address("billing", f"{_SESSION}.customer_details.address", f"- - {_ADDRESS}"),
        "billing.name": f"{_SESSION}.customer_details.name",
        **address("shipping", f"{_SESSION}.shipping_details.address", f"- - {_ADDRESS}"),
        "shipping.name": f"{_SESSION}.shipping_details.name",
        # Only a service in between that has asked for them sends the lines.
        "items": f"$.{_SESSION}.line_items.data[*]",
        "items[].name": "@.description",
        "items[].quantity": "@.quantity",
        "items[].unit_price": {"from": "@.price.unit_amount", "minor": True},
    }
