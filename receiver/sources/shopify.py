"""Shopify: https://shopify.dev/docs/apps/build/webhooks and https://shopify.dev/docs/api/admin-rest/latest/resources/order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from receiver.orders.mapping import Shape
from receiver.security.schemes import HmacSignature
from receiver.sources.guide import Guide
from receiver.sources.sample import Sample
from receiver.sources.shared_rules import NO_ORDER, address, order_events
from receiver.sources.source import Source, source_kind

#: What gave money back, or will: a refund may have failed, or put goods back on the shelf alone.
_GAVE_BACK = "transactions[?@.kind=='refund' && @.status!='failure' && @.status!='error']"


@source_kind("shopify")
class Shopify(Source):
    """An order in the form of the Admin API, signed with the key that Settings → Notifications → Webhooks shows."""

    guide = Guide(
        "Shopify",
        (
            "Open **Settings → Notifications → Webhooks**.",
            "Copy the key that “your webhooks will be signed with”. It's the secret.",
            "Press **Create webhook**. Choose the event **Order payment** and the format **JSON**.",
            "Enter the address as **URL** and save. **Send test notification** sends a made-up order.",
        ),
        calls_it="signing key",
        verified_by="a signature over the body",
        notes="Other events may come to the same address: **Refund create** reports each refund, and **Order "
        "cancellation** each cancellation. **Order update** reports a refund too, so choose one of these two.",
        missing="Nothing that the kit needs. Orders of a point of sale have no customer.",
        # https://shopify.dev/docs/apps/build/webhooks/troubleshooting-webhooks
        when_quiet="Shopify sends each order 8 times within 4 hours at most, and deletes a webhook of an app whose "
        "POSTs all fail: see whether it's still under Settings → Notifications → Webhooks, or in the app that made it.",
    )
    scheme = HmacSignature("X-Shopify-Hmac-SHA256", encoding="base64")
    sample = Sample(
        {
            "id": "$number",
            "name": "#SAMPLE",
            "created_at": "$time",
            "financial_status": "paid",
            "currency": "EUR",
            "total_price": "24.00",
            "total_line_items_price": "20.00",
            "total_tax": "4.00",
            "email": "ada@buyer.example",
            "customer": {"first_name": "Ada", "last_name": "Quist"},
            "line_items": [{"product_id": 7, "name": "Mug", "sku": "MUG-1", "quantity": 2, "price": "10.00"}],
        },
        {"X-Shopify-Topic": "orders/paid"},
    )
    kept_headers = ("x-shopify-topic",)
    #: A refund, a fulfilment and a transaction each name their order; the latter two have a status.
    shapes: ClassVar[Mapping[str, Shape]] = {
        "orders/cancelled": Shape(has=("cancelled_at",)),
        "orders/delete": Shape(lacks=("financial_status", "total_price")),
        "refunds/create": Shape(has=("order_id",), lacks=("financial_status", "status")),
    }
    always_says_what_is_paid = True
    always_says_what_was_bought = True
    states: ClassVar[Mapping[str, bool]] = NO_ORDER
    #: https://help.shopify.com/en/manual/fulfillment/managing-orders/exporting-orders
    columns: ClassVar[Mapping[str, str]] = {
        "Id": "id",
        "Name": "name",
        "Created at": "created_at",
        "Cancelled at": "cancelled_at",
        "Financial Status": "financial_status",
        "Currency": "currency",
        "Total": "total_price",
        "Discount Amount": "total_discounts",
        "Discount Code": "discount_codes[0].code",
        "Shipping": "total_shipping_price_set.shop_money.amount",
        "Shipping Method": "shipping_lines[0].title",
        "Taxes": "total_tax",
        "Payment Method": "payment_gateway_names[0]",
        "Notes": "note",
        "Email": "email",
        "Phone": "phone",
        "Accepts Marketing": "buyer_accepts_marketing",
        **{
            f"{one} {name}": f"{one.lower()}_address.{key}"
            for one in ("Billing", "Shipping")
            for name, key in (
                *(("Name", "name"), ("Company", "company"), ("Phone", "phone"), ("City", "city"), ("Zip", "zip")),
                *(("Address1", "address1"), ("Address2", "address2")),
                *(("Province", "province_code"), ("Country", "country_code")),
            )
        },
        **{f"Lineitem {name}": f"line_items[].{name}" for name in ("name", "sku", "quantity", "price")},
    }
    orders_can_change = True
    rules: ClassVar[Mapping[str, Any]] = {
        "event": order_events(
            "header:x-shopify-topic",
            "orders/create orders/paid orders/updated orders/fulfilled orders/partially_fulfilled",
            {
                "orders/cancelled": "order.cancelled",
                "orders/delete": "order.cancelled",
                # Its transactions tell whether money went back.
                "refunds/create": "order.no_refund",
            },
        ),
        # A refund has an order_id, and an id of its own.
        "order_id": ["order_id", "id"],
        "order_number": ["name", "order_number"],
        "order_date": ["processed_at", "created_at"],
        "order_status": {"from": "cancelled_at", "present": "cancelled"},
        "payment_status": {"from": [f"$.{_GAVE_BACK}.kind", "financial_status"], "words": {"refund": "refunded"}},
        "refund_id": {"from": "id", "when": {"header:x-shopify-topic": ["refunds/create"]}},
        # Of an order, what all its refunds have given back so far.
        "refund_total": {
            "from": [f"$.{path}{_GAVE_BACK}.amount" for path in ("", "refunds[*].")],
            "sum": True,
        },
        "currency": ["currency", "transactions[0].currency"],
        "total": "total_price",
        "subtotal": "total_line_items_price",
        "discount_total": "total_discounts",
        "discount_code": "discount_codes[0].code",
        "shipping_total": "total_shipping_price_set.shop_money.amount",
        "shipping_method": "shipping_lines[0].title",
        "tax_total": "total_tax",
        "locale": "customer_locale",
        "payment_gateway": "payment_gateway_names[0]",
        "customer_note": "note",
        "customer.email": ["email", "contact_email", "customer.email"],
        "customer.first_name": ["customer.first_name", "billing_address.first_name"],
        "customer.last_name": ["customer.last_name", "billing_address.last_name"],
        "customer.phone": ["phone", "billing_address.phone", "customer.phone", "shipping_address.phone"],
        "customer.accepts_marketing": "buyer_accepts_marketing",
        **address("billing", "billing_address", "name company address1 address2 city province_code zip country_code"),
        **address("shipping", "shipping_address", "name company address1 address2 city province_code zip country_code"),
        "items": "$.line_items[*]",
        "items[].id": "@.product_id",
        "items[].name": "@.name",
        "items[].sku": "@.sku",
        "items[].quantity": "@.quantity",
        "items[].unit_price": "@.price",
        "items[].tax": {"from": "@.tax_lines[*].price", "sum": True},
        "items[].options": {"from": "@.properties[*]"},
    }
