"""WooCommerce: https://woocommerce.com/document/webhooks/ and https://woocommerce.github.io/woocommerce-rest-api-docs/."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from receiver.orders import Fields
from receiver.orders.mapping import Shape
from receiver.security.schemes import HmacSignature
from receiver.sources.guide import Guide
from receiver.sources.sample import Sample
from receiver.sources.shared_rules import NO_ORDER, address, order_events
from receiver.sources.source import Source, source_kind

_PING = re.compile(rb"webhook_id=[0-9]{1,20}")


@source_kind("woocommerce")
class WooCommerce(Source):
    """An order in the form of the REST API, signed with the secret of WooCommerce → Settings → Advanced → Webhooks."""

    guide = Guide(
        "WooCommerce",
        (
            "Open **WooCommerce → Settings → Advanced → Webhooks** and press **Add webhook**.",
            "Set the status to **Active** and the topic to **Order updated**.",
            "Enter the address as **Delivery URL**, and the secret.",
            "Press **Save webhook**. WooCommerce sends a ping, which is answered.",
        ),
        is_chosen=True,
        verified_by="a signature over the body",
        notes="An order is handled when its status is processing or completed; “on hold” waits.",
        missing="The options of some add-ons, which keep them for themselves.",
        # https://github.com/woocommerce/woocommerce, ``WC_Webhook::failed_delivery``: after more than 5.
        when_quiet="WooCommerce disables a webhook after a few failed deliveries in a row, and tells nobody: see "
        "whether it's still Active under WooCommerce → Settings → Advanced → Webhooks.",
    )
    scheme = HmacSignature("X-WC-Webhook-Signature", encoding="base64")
    sample = Sample(
        {
            "id": "$number",
            "number": "SAMPLE",
            "status": "processing",
            "currency": "EUR",
            "date_created_gmt": "$%Y-%m-%dT%H:%M:%S",
            "total": "24.00",
            "total_tax": "4.00",
            "billing": {"first_name": "Ada", "last_name": "Quist", "email": "ada@buyer.example", "country": "DE"},
            "line_items": [
                {"product_id": 7, "name": "Mug", "sku": "MUG-1", "quantity": 2, "subtotal": "20.00", "price": 10}
            ],
        },
        {"X-WC-Webhook-Topic": "order.updated"},
    )
    kept_headers = ("x-wc-webhook-topic",)
    #: An order that's deleted is named by its id alone: ``WC_Webhook::build_payload``.
    shapes: ClassVar[Mapping[str, Shape]] = {"order.deleted": Shape(lacks=("status", "total"))}
    always_says_what_is_paid = True
    always_says_what_was_bought = True
    states: ClassVar[Mapping[str, bool]] = NO_ORDER
    orders_can_change = True
    rules: ClassVar[Mapping[str, Any]] = {
        "event": order_events(
            "header:x-wc-webhook-topic",
            "order.created order.updated order.restored",
            {"order.deleted": "order.cancelled"},
        ),
        "order_id": "id",
        "order_number": "number",
        "order_date": {"from": ["date_created_gmt", "date_paid_gmt"], "date": "%Y-%m-%dT%H:%M:%S"},
        "order_status": "status",
        # A part that went back is told by the list of refunds alone.
        "payment_status": {"from": "refunds[0].id", "present": "partially refunded"},
        # The newest refund is the first of the list.
        "refund_id": "refunds[0].id",
        "refund_total": "refunds[0].total",
        "subtotal": {"from": "$.line_items[*].subtotal", "sum": True},
        "tax_total": "total_tax",
        "discount_code": "coupon_lines[0].code",
        "shipping_method": "shipping_lines[0].method_title",
        "payment_gateway": "payment_method",
        "payment_reference": "transaction_id",
        # A guest is the customer 0.
        "customer.id": {"from": "customer_id", "words": {"0": ""}},
        "customer.is_guest": {"from": "customer_id", "words": {"0": "true"}, "other": "false"},
        "customer.email": "billing.email",
        "customer.first_name": "billing.first_name",
        "customer.last_name": "billing.last_name",
        "customer.phone": "billing.phone",
        **address("billing", "billing", "first_name+last_name company address_1 address_2 city state postcode country"),
        **address(
            "shipping", "shipping", "first_name+last_name company address_1 address_2 city state postcode country"
        ),
        "items": "$.line_items[*]",
        "items[].id": "@.product_id",
        "items[].name": "@.name",
        "items[].sku": "@.sku",
        "items[].quantity": "@.quantity",
        # Its price is a binary float of this.
        "items[].unit_price": {"from": "@.total", "divide": "@.quantity"},
        "items[].total": "@.subtotal",
        "items[].tax": "@.total_tax",
        # What begins with an underscore is for the shop's own use.
        "items[].options": {
            "from": "@.meta_data[?match(@.key, '[^_].*')]",
            "name": "display_key",
            "values": "display_value",
        },
    }

    def is_ping(self, headers: Mapping[str, str], fields: Fields, raw: bytes) -> bool:  # noqa: ARG002
        """Return whether it's what WooCommerce posts, unsigned, when a webhook is saved: ``webhook_id=7`` alone.

        https://github.com/woocommerce/woocommerce, ``WC_Webhook::deliver_ping``.
        """
        return _PING.fullmatch(raw) is not None
