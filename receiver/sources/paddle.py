"""Paddle Billing: https://developer.paddle.com/webhooks/signature-verification and …/webhooks/transactions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from receiver.security.schemes import HmacSignature
from receiver.sources.guide import Guide
from receiver.sources.sample import Sample
from receiver.sources.shared_rules import NO_ORDER, order_events
from receiver.sources.source import Source, source_kind

_ADJUSTMENTS = ["adjustment.created", "adjustment.updated"]
_TRANSACTIONS = [
    f"transaction.{word}"
    for word in ("created", "updated", "ready", "billed", "paid", "completed", "past_due", "payment_failed", "canceled")
]


@source_kind("paddle")
class Paddle(Source):
    """A transaction, signed with the secret key of its notification destination. It names no customer but by id."""

    guide = Guide(
        "Paddle Billing",
        (
            "Open **Developer tools → Notifications** and press **New destination**.",
            "Choose the type **URL**, enter the address and tick `transaction.completed`.",
            "For refunds, tick `adjustment.created` and `adjustment.updated` too.",
            "Save, open the destination again and copy its **secret key**, `pdl_ntfset_…`.",
        ),
        calls_it="secret key",
        verified_by="a signature over time and body",
        replay="the time",
        missing="The customer. There's only an id, so `register_customer` and `email_customer` skip; Paddle emails its "
        "customers itself.",
        when_quiet="See whether the destination is still active under Paddle → Developer tools → Notifications.",
    )
    scheme = HmacSignature("Paddle-Signature", parts=(";", "ts", "h1"), signed="{timestamp}:{body}")
    sample = Sample(
        {
            "event_type": "transaction.completed",
            "data": {
                "id": "$id",
                "status": "completed",
                "currency_code": "EUR",
                "customer_id": "ctm_sample",
                "billed_at": "$time",
                "details": {
                    "totals": {"subtotal": "2000", "tax": "400", "total": "2400", "grand_total": "2400"},
                    "line_items": [
                        {
                            "product": {"id": "pro_sample", "name": "Mug"},
                            "quantity": 2,
                            "unit_totals": {"subtotal": "1000"},
                            "totals": {"subtotal": "2000", "tax": "400"},
                        }
                    ],
                },
            },
        }
    )
    always_says_what_is_paid = True
    always_says_what_was_bought = True
    states: ClassVar[Mapping[str, bool]] = {**NO_ORDER, "ready": False, "billed": False}
    orders_can_change = True
    rules: ClassVar[Mapping[str, Any]] = {
        "event": order_events("event_type", " ".join(_TRANSACTIONS)),
        # Paddle approves most refunds first; a credit gives no money back.
        "payment_status": {
            "from": "data.action",
            "when": {"event_type": _ADJUSTMENTS, "data.status": ["approved"]},
            "words": {"refund": "refunded", "chargeback": "chargeback"},
            "other": "",
        },
        "refund_id": {"from": "data.id", "when": {"event_type": _ADJUSTMENTS}},
        "refund_total": {"from": "data.totals.total", "minor": True, "when": {"event_type": _ADJUSTMENTS}},
        # paid and completed are two events of one sale.
        "event_id": {"from": "event_id", "words": {}, "other": ""},
        "order_id": ["data.transaction_id", "data.id"],
        "order_number": "data.invoice_number",
        "order_date": ["data.billed_at", "data.created_at"],
        "order_status": {"from": "data.status", "when": {"event_type": _TRANSACTIONS}},
        "currency": "data.currency_code",
        "total": {"from": ["data.details.totals.grand_total", "data.details.totals.total"], "minor": True},
        "subtotal": {"from": "data.details.totals.subtotal", "minor": True},
        "discount_total": {"from": "data.details.totals.discount", "minor": True},
        "tax_total": {"from": "data.details.totals.tax", "minor": True},
        "payment_gateway": {"value": "paddle"},
        "payment_reference": "data.payments[0].payment_attempt_id",
        "customer.id": "data.customer_id",
        # Only a service in between that has asked for them sends these two.
        "customer.email": "data.customer.email",
        "billing.country": "data.address.country_code",
        "items": "$.data.details.line_items[*]",
        "items[].name": "@.product.name",
        "items[].sku": "@.product.id",
        "items[].quantity": "@.quantity",
        "items[].unit_price": {"from": "@.unit_totals.subtotal", "minor": True},
        "items[].tax": {"from": "@.totals.tax", "minor": True},
        "items[].total": {"from": "@.totals.subtotal", "minor": True},
    }
