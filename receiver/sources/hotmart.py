"""Hotmart, webhooks 2.0: https://developers.hotmart.com/docs/en/2.0.0/webhook/."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from receiver.security.schemes import Token
from receiver.sources.guide import Guide
from receiver.sources.sample import Sample
from receiver.sources.shared_rules import NO_ORDER, address, order_events
from receiver.sources.source import Source, source_kind

_UNPAID = (
    "billet-printed printed-billet waiting-payment delayed no-funds overdue processing-transaction started"
    " pre-order under-analisys blocked"
)

#: Of the sample.
_BUYER = {"email": "ada@buyer.example", "name": "Ada Quist"}
_SALE = {
    "transaction": "$id",
    "status": "APPROVED",
    "order_date": "$milliseconds",
    "price": {"value": 20.0, "currency_value": "EUR"},
}


@source_kind("hotmart")
class Hotmart(Source):
    """A sale. Hotmart sends its hottok in a header and signs nothing. *Approved* and *complete* are one."""

    guide = Guide(
        "Hotmart",
        (
            "Open **Tools → Webhook (API and notifications)** and press **Register webhook**.",
            "Enter the address, and choose version **2.0**.",
            "Tick `PURCHASE_APPROVED`, `PURCHASE_COMPLETE`, `PURCHASE_CANCELED` and `PURCHASE_REFUNDED`.",
            "Save, and copy the **hottok** from the tab **Authentication**. It's the secret.",
        ),
        calls_it="hottok",
        verified_by="a token in a header",
        is_untried=True,
    )
    scheme = Token(header="X-HOTMART-HOTTOK")
    sample = Sample(
        {
            "event": "PURCHASE_APPROVED",
            "version": "2.0.0",
            "data": {"product": {"id": 7, "name": "Mug"}, "buyer": _BUYER, "purchase": _SALE},
        }
    )
    always_says_what_is_paid = True
    always_says_what_was_bought = True
    states: ClassVar[Mapping[str, bool]] = {**NO_ORDER, **dict.fromkeys(_UNPAID.split(), False)}
    rules: ClassVar[Mapping[str, Any]] = {
        "event": order_events(
            "event",
            "PURCHASE_APPROVED PURCHASE_COMPLETE",
            {
                "PURCHASE_CANCELED": "order.cancelled",
                "PURCHASE_REFUNDED": "order.refunded",
                "PURCHASE_CHARGEBACK": "order.chargeback",
                "PURCHASE_PROTEST": "order.disputed",
                "PURCHASE_EXPIRED": "order.expired",
            },
        ),
        "order_id": "data.purchase.transaction",
        "order_date": {"from": ["data.purchase.order_date", "data.purchase.approved_date"], "epoch": "ms"},
        "payment_status": "data.purchase.status",
        "currency": ["data.purchase.price.currency_value", "data.purchase.price.currency_code"],
        "total": "data.purchase.price.value",
        "discount_code": "data.purchase.offer.coupon_code",
        "payment_gateway": {"value": "hotmart"},
        "customer.email": "data.buyer.email",
        "customer.first_name": {"from": "data.buyer.name", "split": "first"},
        "customer.last_name": {"from": "data.buyer.name", "split": "last"},
        "customer.phone": "data.buyer.checkout_phone",
        **address("billing", "data.buyer.address", "- - address+number complement city state zipcode country_iso"),
        "billing.name": "data.buyer.name",
        "items": "$.data.product",
        "items[].id": "@.id",
        "items[].name": "@.name",
    }
