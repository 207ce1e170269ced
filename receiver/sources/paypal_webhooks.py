"""PayPal webhooks: https://developer.paypal.com/api/rest/webhooks/rest/ and …/api/rest/webhooks/event-names/."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from receiver.sources.guide import Guide
from receiver.sources.paypal_signature import SignedChecksum
from receiver.sources.shared_rules import NO_ORDER, order_events
from receiver.sources.source import Source, source_kind

_UNIT = "resource.purchase_units[0]"
_ORDER = {"event_type": ["CHECKOUT.ORDER.COMPLETED"]}
_BACK = {"event_type": ["PAYMENT.CAPTURE.REFUNDED", "PAYMENT.CAPTURE.REVERSED"]}
_GUIDE = Guide(
    "PayPal webhooks",
    (
        "Open **developer.paypal.com → Apps & Credentials**, choose **Live** and your app.",
        "Press **Add Webhook** and enter the address.",
        "Tick **Checkout order completed**, **Payment capture refunded** and **Payment capture reversed**, and save.",
        "Copy the **Webhook ID** from the list. It's the secret.",
    ),
    calls_it="webhook id",
    verified_by="a signature over a checksum of the body, with PayPal's certificate",
    notes="Captures that are completed are about the same money, and are ignored.",
    when_quiet="Look at **Event Logs** on developer.paypal.com, which lists each webhook with your server's answer.",
    is_untried=True,
)


@source_kind("paypal-webhooks")
class PayPalWebhooks(Source):
    """An order of PayPal's Orders API, version 2; the webhook id keeps out what's sent to others."""

    guide = _GUIDE
    asks = SignedChecksum("paypal.com")
    always_says_what_is_paid = True
    always_says_what_was_bought = True
    states: ClassVar[Mapping[str, bool]] = NO_ORDER
    rules: ClassVar[Mapping[str, Any]] = {
        "event": order_events(
            "event_type",
            "CHECKOUT.ORDER.COMPLETED",
            {"PAYMENT.CAPTURE.REFUNDED": "order.refunded", "PAYMENT.CAPTURE.REVERSED": "order.chargeback"},
        ),
        "order_id": ["resource.supplementary_data.related_ids.order_id", "resource.id"],
        "order_number": [f"{_UNIT}.invoice_id", "resource.invoice_id"],
        "order_date": "resource.create_time",
        "order_status": {"from": "resource.status", "when": _ORDER},
        "payment_status": {"from": f"{_UNIT}.payments.captures[0].status", "when": _ORDER},
        "refund_id": {"from": "resource.id", "when": _BACK},
        "refund_total": {"from": "resource.amount.value", "when": _BACK},
        "currency": [
            "resource.gross_amount.currency_code",
            f"{_UNIT}.amount.currency_code",
            "resource.amount.currency_code",
        ],
        "total": ["resource.gross_amount.value", f"{_UNIT}.amount.value"],
        "subtotal": f"{_UNIT}.amount.breakdown.item_total.value",
        "discount_total": f"{_UNIT}.amount.breakdown.discount.value",
        "shipping_total": f"{_UNIT}.amount.breakdown.shipping.value",
        "tax_total": f"{_UNIT}.amount.breakdown.tax_total.value",
        "shipping_method": f"{_UNIT}.shipping.method",
        "payment_gateway": {"value": "paypal"},
        "payment_reference": f"{_UNIT}.payments.captures[0].id",
        "customer.id": "resource.payer.payer_id",
        "customer.email": "resource.payer.email_address",
        "customer.first_name": "resource.payer.name.given_name",
        "customer.last_name": "resource.payer.name.surname",
        "customer.phone": "resource.payer.phone.phone_number.national_number",
        "shipping.name": f"{_UNIT}.shipping.name.full_name",
        "shipping.line1": f"{_UNIT}.shipping.address.address_line_1",
        "shipping.line2": f"{_UNIT}.shipping.address.address_line_2",
        "shipping.city": f"{_UNIT}.shipping.address.admin_area_2",
        "shipping.region": f"{_UNIT}.shipping.address.admin_area_1",
        "shipping.postcode": f"{_UNIT}.shipping.address.postal_code",
        "shipping.country": f"{_UNIT}.shipping.address.country_code",
        "items": "$.resource.purchase_units[0].items[*]",
        "items[].name": "@.name",
        "items[].sku": "@.sku",
        "items[].quantity": "@.quantity",
        "items[].unit_price": "@.unit_amount.value",
    }


@source_kind("paypal-webhooks-sandbox")
class PayPalSandboxWebhooks(PayPalWebhooks):
    """The same from PayPal's sandbox: everything is a test."""

    guide = replace(
        _GUIDE,
        title="PayPal webhooks of the sandbox",
        clicks=(_GUIDE.clicks[0].replace("Live", "Sandbox"), *_GUIDE.clicks[1:]),
        notes="Every order is a test order.",
    )
    asks = SignedChecksum("sandbox.paypal.com")
    rules: ClassVar[Mapping[str, Any]] = {**PayPalWebhooks.rules, "test": {"value": "true"}}
