"""Mollie: https://docs.mollie.com/reference/webhooks, …/reference/get-payment and …/reference/get-order."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from receiver.security.fixed_hosts import FixedHosts
from receiver.security.signing import SignatureProblem
from receiver.sources.asking import Confirmed, NotConfirmed, Question, Unverified, told_with_any
from receiver.sources.guide import Guide
from receiver.sources.shared_rules import NO_ORDER
from receiver.sources.source import Reply, Source, source_kind

_HOST = "api.mollie.com"
_ID = re.compile(r"(tr|ord)_[A-Za-z0-9]{1,64}")
_WHERE = {"tr": "payments", "ord": "orders"}


class PaymentById(Question):
    """The payment, or the order of the older API, that a POST names by its id alone: Mollie tells what it is now."""

    hosts = (_HOST,)

    def check(self, sent: Unverified, secrets: Sequence[str]) -> None:  # noqa: ARG002 - it has no account
        """Raise SignatureProblem for a POST that names neither."""
        if not _ID.fullmatch(sent.field("id")):
            raise SignatureProblem("nothing_to_ask", "The field id names no payment (tr_…) and no order (ord_…).")

    def ask(self, sent: Unverified, shop: FixedHosts, secrets: Sequence[str]) -> Confirmed:
        """Ask with an API key; raises NotConfirmed for an id that Mollie doesn't know, and AskLater."""
        name = sent.field("id")
        url = f"https://{_HOST}/v2/{_WHERE[name.partition('_')[0]]}/{name}"
        told, secret = told_with_any(secrets, lambda key: shop.get(url, {"Authorization": f"Bearer {key}"}), host=_HOST)
        if told.status != 200:
            raise NotConfirmed(f"Mollie knows no such payment or order ({told.status}).")
        return Confirmed(secret, told.body, told.content_type)


def _address(part: str, path: str) -> dict[str, Any]:
    names = {"company": "organizationName", "line1": "streetAndNumber", "line2": "streetAdditional", "city": "city"}
    names |= {"region": "region", "postcode": "postalCode", "country": "country"}
    rules: dict[str, Any] = {f"{part}.{ours}": f"{path}.{theirs}" for ours, theirs in names.items()}
    return {f"{part}.name": {"from": [f"{path}.givenName", f"{path}.familyName"], "join": " "}, **rules}


@source_kind("mollie")
class Mollie(Source):
    """A payment as Mollie's API tells it. Mollie posts an id alone, and hears 200 whatever it is."""

    guide = Guide(
        "Mollie",
        (
            "Have your shop's system give the address to Mollie as **webhookUrl** of each payment.",
            "Open **Developers → API keys** and copy the **live API key**. It's the secret.",
        ),
        calls_it="API key",
        verified_by="asking Mollie for the payment that's named",
        replay="the payment's id",
        notes="Mollie posts an id alone. The kit asks for that payment (`tr_…`), or for that order of the older API "
        "(`ord_…`). With the test API key, payments in test mode are test orders. Refunds aren't noticed.",
        missing="Lines and addresses, unless your shop's system gives them to Mollie. `email`, `first_name`, "
        "`last_name` and `order_id` in the metadata are read too.",
        when_quiet="Look in Mollie's dashboard at a payment's webhook calls, and whether the address is right.",
        is_untried=True,
    )
    asks = PaymentById()
    orders_can_change = True
    reply = Reply("")
    always_says_what_is_paid = True
    always_says_what_was_bought = True
    states: ClassVar[Mapping[str, bool]] = {**NO_ORDER, "shipping": True}
    rules: ClassVar[Mapping[str, Any]] = {
        "order_id": "id",
        "order_number": ["orderNumber", "metadata.order_id", "metadata.orderId", "metadata.order_number"],
        "order_date": ["paidAt", "createdAt"],
        "payment_status": "status",
        "test": {"from": "mode", "words": {"live": "false", "test": "true"}},
        "currency": "amount.currency",
        "total": "amount.value",
        "locale": "locale",
        "payment_gateway": {"value": "mollie"},
        "payment_reference": "id",
        "customer.email": ["billingAddress.email", "metadata.email", "metadata.customer_email"],
        "customer.first_name": ["billingAddress.givenName", "metadata.first_name"],
        "customer.last_name": ["billingAddress.familyName", "metadata.last_name"],
        "customer.phone": "billingAddress.phone",
        "customer_note": "metadata.note",
        **_address("billing", "billingAddress"),
        **_address("shipping", "shippingAddress"),
        "items": "$.lines[*]",
        "items[].id": "@.id",
        "items[].name": ["@.name", "@.description"],
        "items[].sku": "@.sku",
        "items[].quantity": "@.quantity",
        "items[].unit_price": "@.unitPrice.value",
        "items[].tax": "@.vatAmount.value",
        "items[].total": "@.totalAmount.value",
    }
