"""Lemon Squeezy: https://docs.lemonsqueezy.com/help/webhooks and https://docs.lemonsqueezy.com/api/orders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from receiver.security.schemes import HmacSignature
from receiver.sources.guide import Guide
from receiver.sources.sample import Sample
from receiver.sources.shared_rules import NO_ORDER, order_events
from receiver.sources.source import Source, source_kind

_ORDER = "data.attributes"


@source_kind("lemonsqueezy")
class LemonSqueezy(Source):
    """An order of one product, signed with the signing secret of the webhook."""

    guide = Guide(
        "Lemon Squeezy",
        (
            "Open **Settings → Webhooks** and press **+**.",
            "Enter the address as **Callback URL**, and the secret as **Signing secret**.",
            "Tick the events **order_created** and **order_refunded**, and save.",
        ),
        calls_it="signing secret",
        is_chosen=True,
        verified_by="a signature over the body",
        missing="The address, and items after the first.",
    )
    scheme = HmacSignature("X-Signature")
    sample = Sample(
        {
            "meta": {"event_name": "order_created"},
            "data": {
                "id": "$id",
                "attributes": {
                    "order_number": 1,
                    "user_name": "Ada Quist",
                    "user_email": "ada@buyer.example",
                    "currency": "EUR",
                    "subtotal": 2000,
                    "tax": 400,
                    "total": 2400,
                    "status": "paid",
                    "created_at": "$time",
                    "first_order_item": {"product_id": 7, "product_name": "Mug", "price": 1000, "quantity": 2},
                },
            },
        }
    )
    always_says_what_is_paid = True
    always_says_what_was_bought = True
    states: ClassVar[Mapping[str, bool]] = NO_ORDER
    rules: ClassVar[Mapping[str, Any]] = {
        "event": order_events("meta.event_name", "order_created", {"order_refunded": "order.refunded"}),
        "order_id": "data.id",
        "order_number": f"{_ORDER}.order_number",
        "order_date": f"{_ORDER}.created_at",
        # Subscriptions and licence keys have a status too, and it's none of a payment.
        "payment_status": {
            "from": f"{_ORDER}.status",
            "when": {"meta.event_name": ["order_created", "order_refunded"]},
        },
        "refund_total": {"from": f"{_ORDER}.refunded_amount", "minor": True},
        "test": ["meta.test_mode", f"{_ORDER}.test_mode"],
        "currency": f"{_ORDER}.currency",
        "total": {"from": f"{_ORDER}.total", "minor": True},
        "subtotal": {"from": f"{_ORDER}.subtotal", "minor": True},
        "discount_total": {"from": f"{_ORDER}.discount_total", "minor": True},
        "tax_total": {"from": f"{_ORDER}.tax", "minor": True},
        "payment_gateway": {"value": "lemonsqueezy"},
        "customer.id": f"{_ORDER}.customer_id",
        "customer.email": f"{_ORDER}.user_email",
        "customer.first_name": {"from": f"{_ORDER}.user_name", "split": "first"},
        "customer.last_name": {"from": f"{_ORDER}.user_name", "split": "last"},
        "items": f"$.{_ORDER}.first_order_item",
        "items[].id": "@.product_id",
        "items[].name": "@.product_name",
        "items[].quantity": "@.quantity",
        "items[].unit_price": {"from": "@.price", "minor": True},
    }
