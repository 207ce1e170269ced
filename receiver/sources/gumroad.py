"""Gumroad: https://help.gumroad.com/article/40-sale-api-ping and https://gumroad.com/ping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from receiver.security.schemes import Token
from receiver.sources.guide import Guide
from receiver.sources.sample import Sample
from receiver.sources.shared_rules import NO_ORDER, order_events
from receiver.sources.source import Source, source_kind


@source_kind("gumroad")
class Gumroad(Source):
    """A ping of a sale. Gumroad signs nothing: ``seller_id``, which Settings → Advanced shows, is the only proof."""

    guide = Guide(
        "Gumroad",
        (
            "Open **Settings → Advanced**.",
            "Enter the address as **Ping endpoint**, and press **Update settings**.",
            "Copy the **seller id** from the same page. It's the secret.",
        ),
        calls_it="seller id",
        verified_by="your seller id in the body",
        notes="Gumroad signs nothing. Its POSTs are verified by the seller id alone, so keep it to yourself.",
        is_untried=True,
    )
    scheme = Token(field="seller_id")
    sample = Sample(
        {
            "seller_id": "$secret",
            "sale_id": "$id",
            "sale_timestamp": "$time",
            "order_number": "$number",
            "product_id": "7",
            "product_name": "Mug",
            "quantity": "2",
            "price": "2000",
            "currency": "eur",
            "email": "ada@buyer.example",
            "full_name": "Ada Quist",
            "resource_name": "sale",
        },
        is_form=True,
    )
    always_says_what_was_bought = True
    states: ClassVar[Mapping[str, bool]] = NO_ORDER
    rules: ClassVar[Mapping[str, Any]] = {
        "event": order_events(
            "resource_name",
            "sale",
            {"refund": "order.refunded", "dispute": "order.disputed"},
        ),
        "order_id": "sale_id",
        "order_number": "order_number",
        "order_date": "sale_timestamp",
        "order_status": {"from": "refunded", "words": {"true": "refunded"}, "other": ""},
        "payment_status": {"from": "disputed", "words": {"true": "disputed"}, "other": ""},
        "currency": "currency",
        "total": {"from": "price", "minor": True},
        "payment_gateway": {"value": "gumroad"},
        "customer.id": "purchaser_id",
        "customer.email": "email",
        "customer.first_name": {"from": "full_name", "split": "first"},
        "customer.last_name": {"from": "full_name", "split": "last"},
        "items": "$",
        "items[].id": "@.product_id",
        "items[].name": "@.product_name",
        "items[].sku": ["@.short_product_id", "@.permalink"],
        "items[].quantity": "@.quantity",
        "items[].unit_price": {"from": "@.price", "minor": True, "divide": "@.quantity"},
        "items[].total": {"from": "@.price", "minor": True},
    }
