"""Snipcart: https://docs.snipcart.com/v3/webhooks/introduction and …/webhooks/order-events."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from urllib3.util import make_headers

from receiver.security.fixed_hosts import FixedHosts
from receiver.security.schemes import contract
from receiver.security.signing import SignatureProblem
from receiver.sources.asking import Confirmed, NotConfirmed, Question, Unverified, told_with_any
from receiver.sources.guide import Guide
from receiver.sources.shared_rules import NO_ORDER, address, order_events
from receiver.sources.source import Reply, Source, source_kind

_HOST = "app.snipcart.com"
_HEADER = "x-snipcart-requesttoken"
_REFUND = {"eventName": ["order.refund.created"]}
_TOKEN = re.compile(r"[\w-]{8,128}", re.ASCII)


class RequestToken(Question):
    """Whether Snipcart made the token in a header, which it keeps for an hour; the body isn't part of it."""

    hosts = (_HOST,)
    headers = (_HEADER,)
    covers_body = False

    def check(self, sent: Unverified, secrets: Sequence[str]) -> None:  # noqa: ARG002 - it has no account
        """Raise SignatureProblem without a token."""
        if not _TOKEN.fullmatch(contract.header(sent.headers, _HEADER)):
            raise SignatureProblem("malformed_header", "The header X-Snipcart-RequestToken holds no token.")

    def ask(self, sent: Unverified, shop: FixedHosts, secrets: Sequence[str]) -> Confirmed:
        """Ask with a secret API key; raises NotConfirmed, and AskLater."""
        token = sent.headers[_HEADER].strip()
        url = f"https://{_HOST}/api/requestvalidation/{token}"
        told, secret = told_with_any(
            secrets,
            lambda key: shop.get(url, {"Accept": "application/json", **make_headers(basic_auth=f"{key}:")}),
            host=_HOST,
        )
        if told.status != 200 or token_of(told.body) != token:
            raise NotConfirmed(f"Snipcart doesn't know the token of this POST ({told.status}).")
        return Confirmed(secret)


def token_of(body: bytes) -> object:
    """Return the token that an answer names; None for an answer that names none."""
    try:
        said = json.loads(body)
    except ValueError:
        return None
    return said.get("token") if isinstance(said, dict) else None


@source_kind("snipcart")
class Snipcart(Source):
    """An order of Snipcart, which is asked with a secret API key whether the POST is its own."""

    guide = Guide(
        "Snipcart",
        (
            "Open **Store configurations → Webhooks**, enter the address and save.",
            "Open **Account → API keys** and create a **secret** API key. It's the secret.",
        ),
        calls_it="secret API key",
        verified_by="asking Snipcart about the token in a header",
        notes="Snipcart forgets a token after an hour. If it couldn't be asked for that long, the POST is refused: "
        "send it again from the page of webhooks.",
        when_quiet="Look at the page of webhooks, which lists each POST with your server's answer.",
        is_untried=True,
    )
    asks = RequestToken()
    orders_can_change = True
    # It wants JSON, and 200.
    reply = Reply("{}", "application/json")
    always_says_what_is_paid = True
    always_says_what_was_bought = True
    states: ClassVar[Mapping[str, bool]] = {**NO_ORDER, "paid-deferred": True, "dispatched": True}
    rules: ClassVar[Mapping[str, Any]] = {
        "event": order_events(
            "eventName",
            "order.completed order.status.changed order.paymentStatus.changed order.trackingNumber.changed",
            {"order.refund.created": "order.refunded"},
        ),
        # A refund has an orderToken, and an id of its own.
        "order_id": ["content.orderToken", "content.token"],
        "refund_id": {"from": "content.id", "when": _REFUND},
        "refund_total": {"from": "content.amount", "when": _REFUND},
        "order_number": "content.invoiceNumber",
        "order_date": ["content.completionDate", "content.creationDate"],
        "order_status": "content.status",
        "payment_status": "content.paymentStatus",
        "test": {"from": ["content.mode", "mode"], "words": {"Live": "false", "Test": "true"}},
        "currency": "content.currency",
        "total": ["content.finalGrandTotal", "content.grandTotal", "content.total"],
        "subtotal": ["content.itemsTotal", "content.subtotal"],
        "discount_total": "content.savedAmount",
        "discount_code": "content.discounts[0].code",
        "shipping_total": "content.shippingFees",
        "shipping_method": "content.shippingMethod",
        "tax_total": "content.taxesTotal",
        "locale": "content.lang",
        "payment_gateway": "content.paymentGatewayUsed",
        "payment_reference": "content.paymentTransactionId",
        "customer_note": "content.notes",
        "customer.id": "content.userId",
        "customer.email": ["content.email", "content.user.email"],
        "customer.first_name": {"from": "content.billingAddress.fullName", "split": "first"},
        "customer.last_name": {"from": "content.billingAddress.fullName", "split": "last"},
        "customer.phone": ["content.billingAddress.phone", "content.shippingAddress.phone"],
        **address(
            "billing",
            "content.billingAddress",
            "fullName company address1 address2 city province postalCode country",
        ),
        **address(
            "shipping",
            "content.shippingAddress",
            "fullName company address1 address2 city province postalCode country",
        ),
        "items": "$.content.items[*]",
        "items[].id": "@.uniqueId",
        "items[].name": "@.name",
        "items[].sku": "@.id",
        "items[].quantity": "@.quantity",
        "items[].unit_price": "@.unitPrice",
        "items[].total": "@.totalPriceWithoutTaxes",
        "items[].options": {"from": "@.customFields[*]", "name": "name", "values": "displayValue"},
    }
