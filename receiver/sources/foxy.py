"""Foxy, JSON webhooks: https://wiki.foxycart.com/v/2.0/webhooks and https://api.foxy.io/rels/transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from receiver.security.schemes import HmacSignature
from receiver.sources.guide import Guide
from receiver.sources.sample import Sample
from receiver.sources.shared_rules import NO_ORDER, address, order_events
from receiver.sources.source import Source, source_kind

_ADDRESS = "first_name+last_name company address1 address2 city region postal_code country"


@source_kind("foxy")
class Foxy(Source):
    """A transaction with all that's zoomed in, signed with the webhook's encryption key."""

    guide = Guide(
        "Foxy",
        (
            "Open **Integrations → Webhooks** and add a webhook of the format **JSON**.",
            "Enter the address, and choose the event **transaction/created**.",
            "Zoom in on customer, items, item options, billing addresses, shipments, payments and discounts.",
            "Copy the **encryption key**. It's the secret.",
        ),
        calls_it="encryption key",
        verified_by="a signature over the body",
        notes="Foxy sends a hash of the customer's password along, which isn't kept.",
    )
    scheme = HmacSignature("Foxy-Webhook-Signature")
    sample = Sample(
        {
            "id": "$number",
            "transaction_date": "$%Y-%m-%dT%H:%M:%S+0000",
            "status": "captured",
            "currency_code": "EUR",
            "total_order": 20.0,
            "total_item_price": 20.0,
            "customer_email": "ada@buyer.example",
            "customer_first_name": "Ada",
            "customer_last_name": "Quist",
            "_embedded": {"fx:items": [{"name": "Mug", "code": "MUG-1", "quantity": 2, "price": 10.0}]},
        },
        {"Foxy-Webhook-Event": "transaction/created"},
    )
    kept_headers = ("foxy-webhook-event",)
    always_says_what_was_bought = True
    states: ClassVar[Mapping[str, bool]] = {**NO_ORDER, "capturing": False, "verified": False, "problem": False}
    orders_can_change = True
    rules: ClassVar[Mapping[str, Any]] = {
        "event": order_events(
            "header:foxy-webhook-event",
            "transaction/created transaction/modified transaction/captured transaction/refeed",
            {"transaction/refunded": "order.refunded", "transaction/voided": "order.voided"},
        ),
        "order_id": "id",
        "order_date": {"from": ["transaction_date", "date_created"], "date": "%Y-%m-%dT%H:%M:%S%z"},
        "payment_status": {"from": "status", "words": {"captured": "paid"}},
        "test": "is_test",
        "currency": "currency_code",
        "locale": "locale_code",
        "total": "total_order",
        "subtotal": "total_item_price",
        "discount_total": {"from": "$._embedded['fx:discounts'][*].amount", "sum": True, "negate": True},
        "discount_code": "_embedded.fx:discounts[0].code",
        "shipping_total": "total_shipping",
        "shipping_method": "_embedded.fx:shipments[0].shipping_service_description",
        "tax_total": "total_tax",
        "payment_gateway": "_embedded.fx:payments[0].gateway_type",
        "customer.id": "_embedded.fx:customer.id",
        "customer.email": ["customer_email", "_embedded.fx:customer.email"],
        "customer.first_name": "customer_first_name",
        "customer.last_name": "customer_last_name",
        "customer.phone": "_embedded.fx:billing_addresses[0].phone",
        "customer.is_guest": "_embedded.fx:customer.is_anonymous",
        **address("billing", "_embedded.fx:billing_addresses[0]", _ADDRESS),
        **address("shipping", "_embedded.fx:shipments[0]", _ADDRESS),
        "items": "$._embedded['fx:items'][*]",
        "items[].name": "@.name",
        "items[].sku": "@.code",
        "items[].quantity": "@.quantity",
        "items[].unit_price": "@.price",
        "items[].options": {"from": "@._embedded['fx:item_options'][*]"},
    }
