"""ThriveCart: https://support.thrivecart.com/help/using-webhook-notifications/."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from receiver.security.schemes import Token
from receiver.sources.guide import Guide
from receiver.sources.sample import Sample
from receiver.sources.shared_rules import NO_ORDER, order_events
from receiver.sources.source import Source, source_kind

#: What a later payment is of; ``order`` says there what the first one was.
_LATER_AMOUNT = "$[?@.recurring_payment_idx].amount"


@source_kind("thrivecart")
class ThriveCart(Source):
    """A sale, or a later payment of its subscription. ThriveCart sends its secret word and signs nothing."""

    guide = Guide(
        "ThriveCart",
        (
            "Open **Settings → API & Webhooks**.",
            "Copy the **secret word** of “order validation”.",
            "Open **Webhooks & notifications**, add a webhook and enter the address.",
        ),
        calls_it="secret word",
        verified_by="a secret word in the body",
        notes="The word is short, so it counts in its own field alone. Each later payment of a subscription or an "
        "instalment plan is taken as an order with the same id.",
        is_untried=True,
    )
    scheme = Token(field="thrivecart_secret")
    sample = Sample(
        {
            "event": "order.success",
            "mode": "live",
            "thrivecart_secret": "$secret",
            "order_id": "$number",
            "invoice_id": "SAMPLE",
            "order_timestamp": "$seconds",
            "currency": "EUR",
            "customer[email]": "ada@buyer.example",
            "customer[firstname]": "Ada",
            "customer[lastname]": "Quist",
            "order[total]": "2000",
            "order[charges][0][name]": "Mug",
            "order[charges][0][quantity]": "2",
            "order[charges][0][amount]": "2000",
        },
        is_form=True,
    )
    always_says_what_was_bought = True
    states: ClassVar[Mapping[str, bool]] = NO_ORDER
    rules: ClassVar[Mapping[str, Any]] = {
        "event": order_events("event", "order.success order.subscription_payment", {"order.refund": "order.refunded"}),
        # A later payment has its order's id, and an invoice of its own, such as 000000141-6.
        "event_id": {"from": "invoice_id", "when": {"event": ["order.subscription_payment"]}},
        "order_number": "invoice_id",
        "order_date": {"from": ["order_timestamp", "date_unix", "order[date_unix]"], "epoch": "s"},
        "test": {"from": "mode", "words": {"test": "true", "live": "false"}},
        # Amounts are in hundredths.
        "total": {"from": [_LATER_AMOUNT, "order[total]"], "minor": True},
        "tax_total": {"from": "order[tax]", "minor": True},
        "payment_gateway": "order[processor]",
        "customer.email": "customer[email]",
        "customer.first_name": ["customer[firstname]", "customer[first_name]"],
        "customer.last_name": ["customer[lastname]", "customer[last_name]"],
        "customer.phone": "customer[contactno]",
        "billing.name": "customer[name]",
        "billing.line1": "customer[address][line1]",
        "billing.line2": "customer[address][line2]",
        "billing.city": "customer[address][city]",
        "billing.region": "customer[address][state]",
        "billing.postcode": "customer[address][zip]",
        "billing.country": "customer[address][country]",
        # What a subscription costs later is listed too.
        "items": "$.order.charges[?@.type != 'recurring']",
        "items[].name": "@.name",
        "items[].sku": "@.reference",
        "items[].quantity": "@.quantity",
        "items[].unit_price": {"from": "@.amount", "minor": True, "divide": "@.quantity"},
        "items[].total": {"from": "@.amount", "minor": True},
    }
