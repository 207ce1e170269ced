"""Squarespace: https://developers.squarespace.com/commerce-apis, "Webhook subscriptions" and "Orders"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from receiver.security.schemes import HmacSignature
from receiver.sources.guide import Guide
from receiver.sources.sample import Sample
from receiver.sources.shared_rules import NO_ORDER, address, order_events
from receiver.sources.source import Source, source_kind

_ADDRESS = "firstName+lastName - address1 address2 city state postalCode countryCode"


@source_kind("squarespace")
class Squarespace(Source):
    """An order in the form of the Orders API, or the notice that there is one, which names its id alone.

    Both are signed with the secret of the webhook subscription, which is written in hex. There's no state of the
    payment: an order is there once it's paid.
    """

    guide = Guide(
        "Squarespace",
        (
            "Create a webhook subscription by Squarespace's API: topics `order.create` and `order.update`.",
            "Give the address as `endpointUrl`.",
            "Copy `secret` from the answer. It's written in hex.",
        ),
        calls_it="secret of the subscription, in hex",
        verified_by="a signature over the body",
        notes="The notice that names the order's id alone is taken, and whole orders in the form of the Orders API.",
        missing="In the notice, all but the id.",
    )
    scheme = HmacSignature("Squarespace-Signature", key="hex")
    sample = Sample(
        {
            "id": "$id",
            "orderNumber": "SAMPLE",
            "createdOn": "$time",
            "customerEmail": "ada@buyer.example",
            "billingAddress": {"firstName": "Ada", "lastName": "Quist", "countryCode": "DE"},
            "fulfillmentStatus": "PENDING",
            "lineItems": [
                {
                    "productId": "7",
                    "productName": "Mug",
                    "quantity": 2,
                    "unitPricePaid": {"value": "10.00", "currency": "EUR"},
                }
            ],
            "subtotal": {"value": "20.00", "currency": "EUR"},
            "grandTotal": {"value": "20.00", "currency": "EUR"},
        }
    )
    states: ClassVar[Mapping[str, bool]] = NO_ORDER
    orders_can_change = True
    rules: ClassVar[Mapping[str, Any]] = {
        "event": order_events("topic", "order.create order.update"),
        "order_id": ["data.orderId", "id"],
        "order_number": "orderNumber",
        "order_date": "createdOn",
        # How far the goods are says nothing of the money, unless it goes back.
        "order_status": {
            "from": ["fulfillmentStatus", "data.fulfillmentStatus"],
            "words": {"canceled": "cancelled"},
            "other": "",
        },
        "payment_status": {
            "from": "refundedTotal.value",
            "words": dict.fromkeys(("0", "0.0", "0.00"), ""),
            "other": "partially refunded",
        },
        "refund_total": "refundedTotal.value",
        "test": "testmode",
        "currency": "grandTotal.currency",
        "total": "grandTotal.value",
        "subtotal": "subtotal.value",
        "discount_total": "discountTotal.value",
        "discount_code": "discountLines[0].promoCode",
        "shipping_total": "shippingTotal.value",
        "shipping_method": "shippingLines[0].method",
        "tax_total": "taxTotal.value",
        "customer.email": "customerEmail",
        "customer.first_name": "billingAddress.firstName",
        "customer.last_name": "billingAddress.lastName",
        "customer.phone": ["billingAddress.phone", "shippingAddress.phone"],
        **address("billing", "billingAddress", _ADDRESS),
        **address("shipping", "shippingAddress", _ADDRESS),
        "items": "$.lineItems[*]",
        "items[].id": "@.productId",
        "items[].name": "@.productName",
        "items[].sku": "@.sku",
        "items[].quantity": "@.quantity",
        "items[].unit_price": "@.unitPricePaid.value",
        "items[].options": {
            "from": ["@.variantOptions[*]", "@.customizations[*]"],
            "name": ["optionName", "label"],
        },
    }
