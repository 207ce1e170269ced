"""Ko-fi: https://ko-fi.com/manage/webhooks, which shows the documentation to whoever is signed in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from receiver.security.schemes import Token
from receiver.sources.guide import Guide
from receiver.sources.sample import Sample
from receiver.sources.shared_rules import NO_ORDER, address, order_events
from receiver.sources.source import Source, source_kind


@source_kind("kofi")
class KoFi(Source):
    """A shop order, donation, commission or payment for a subscription: JSON in the form's field ``data``.

    Ko-fi sends its verification token in it and signs nothing. Everything that it sends is paid.
    """

    guide = Guide(
        "Ko-fi",
        (
            "Open **More → API**.",
            "Enter the address as **Webhook URL** and press **Update**.",
            "Open **Advanced** and copy the **verification token**. It's the secret.",
        ),
        calls_it="verification token",
        verified_by="a token in the body",
        notes="Shop orders, donations, commissions and payments for a subscription are all taken as orders.",
        missing="Names and prices of items, which have a code only.",
        is_untried=True,
    )
    scheme = Token(field="data.verification_token")
    sample = Sample(
        {
            "verification_token": "$secret",
            "message_id": "$id",
            "kofi_transaction_id": "$id",
            "timestamp": "$time",
            "type": "Shop Order",
            "from_name": "Ada Quist",
            "email": "ada@buyer.example",
            "amount": "20.00",
            "currency": "EUR",
            "shop_items": [{"direct_link_code": "mug", "variation_name": "Mug", "quantity": 2}],
        },
        in_field="data",
    )
    always_says_what_was_bought = True
    states: ClassVar[Mapping[str, bool]] = NO_ORDER
    rules: ClassVar[Mapping[str, Any]] = {
        "event": {
            **order_events("data.type", ""),
            "words": dict.fromkeys(("Shop Order", "Donation", "Commission", "Subscription"), "order.completed"),
        },
        "order_id": ["data.kofi_transaction_id", "data.message_id"],
        "order_date": "data.timestamp",
        "currency": "data.currency",
        "total": "data.amount",
        "payment_gateway": {"value": "ko-fi"},
        "customer_note": "data.message",
        "customer.email": "data.email",
        "customer.first_name": {"from": "data.from_name", "split": "first"},
        "customer.last_name": {"from": "data.from_name", "split": "last"},
        "customer.phone": "data.shipping.telephone",
        **address(
            "shipping",
            "data.shipping",
            "full_name - street_address - city state_or_province postal_code country_code",
        ),
        "items": "$.data.shop_items[*]",
        # There's no name: the code is what stands at the end of the item's link.
        "items[].name": ["@.variation_name", "@.direct_link_code"],
        "items[].sku": "@.direct_link_code",
        "items[].quantity": "@.quantity",
    }
