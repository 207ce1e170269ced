"""PayPal IPN: https://developer.paypal.com/api/nvp-soap/ipn/IPNImplementation/ and …/ipn/IPNandPDTVariables/."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from receiver.errors import ConfigurationError
from receiver.orders import decode
from receiver.security.fixed_hosts import AskLater, FixedHosts
from receiver.security.signing import SignatureProblem
from receiver.sources.asking import Confirmed, NotConfirmed, Question, Unverified
from receiver.sources.guide import Guide
from receiver.sources.shared_rules import NO_ORDER, order_events
from receiver.sources.source import Reply, Source, source_kind

_FORM = "application/x-www-form-urlencoded"
_MERCHANT_ID = re.compile(r"[A-Z0-9]{13}")
#: The names of a payment's only item, which PayPal gives no number.
_SINGLE = re.compile(rb"(?<![^&])(?:item_name|item_number|quantity)(?==)")
_PAYMENTS = (
    "cart express_checkout web_accept send_money subscr_payment recurring_payment recurring_payment_outstanding_payment"
    " merch_pmt pro_hosted pro_api virtual_terminal invoice_payment paypal_here"
)
#: States in which amounts are what was paid: those of money taken back are negative.
_AS_PAID = {"payment_status": ["Completed", "Pending", "Processed", "Created", "Denied", "Expired", "Failed", "Voided"]}


_TAKEN_BACK = {"Refunded": "order.refunded", "Partially_Refunded": "order.refunded", "Reversed": "order.chargeback"}
_BACK = {"payment_status": [*_TAKEN_BACK]}
_LOST = {"Refunded": "refunded", "Partially_Refunded": "refunded", "Reversed": "reversed"}


@dataclass(frozen=True)
class PostBack(Question):
    """Whether PayPal sent these very bytes, which go back to it; and whether they're about this merchant's account."""

    host: str

    @property
    def hosts(self) -> tuple[str, ...]:  # type: ignore[override]  # as it's made
        """The one host of live payments, or of the sandbox."""
        return (self.host,)

    def check_secret(self, secret: str) -> None:
        """Raise ConfigurationError for what's no merchant id."""
        if not _MERCHANT_ID.fullmatch(secret):
            raise ConfigurationError("The PayPal Merchant ID has 13 capital letters and digits; copy it again, whole.")

    def keeps(self, body: bytes) -> bytes:
        """Return all bytes: PayPal compares them."""
        return body

    def check(self, sent: Unverified, secrets: Sequence[str]) -> None:
        """Raise SignatureProblem for a payment to somebody else: PayPal would confirm that too."""
        _account(sent, secrets)

    def ask(self, sent: Unverified, shop: FixedHosts, secrets: Sequence[str]) -> Confirmed:
        """Send the bytes back; raises NotConfirmed for what PayPal calls invalid, and AskLater."""
        told = shop.post(
            f"https://{self.host}/cgi-bin/webscr", b"cmd=_notify-validate&" + sent.body, {"Content-Type": _FORM}
        )
        said = told.body.strip()
        if said == b"INVALID":
            raise NotConfirmed("PayPal says that it didn't send this.")
        if said != b"VERIFIED":
            raise AskLater(f"{self.host} answered {told.status} with neither VERIFIED nor INVALID.")
        # What's kept of the fields is without secrets, and the merchant id is one. The bytes still hold it.
        as_sent = sent._replace(fields=decode(sent.body, _FORM, len(sent.body)).fields)
        return Confirmed(_account(as_sent, secrets), _SINGLE.sub(rb"\g<0>1", sent.body), _FORM)


def _account(sent: Unverified, secrets: Sequence[str]) -> str:
    """Return the account that a POST is about. What's about no payment may not name any."""
    named = sent.field("receiver_id")
    if not named and not sent.field("payment_status") and sent.field("txn_type"):
        return secrets[0]
    if not named:
        raise SignatureProblem("nothing_to_ask", "The field receiver_id is missing, which names the account paid to.")
    if named not in secrets:
        raise SignatureProblem("other_account", "The field receiver_id names another account than this source has.")
    return named


_GUIDE = Guide(
    "PayPal IPN",
    (
        "Open **Account settings → Notifications → Instant payment notifications** and press **Update**.",
        "Enter the address as **Notification URL**, choose **Receive IPN messages (Enabled)** and save.",
        "Open **Account settings → Business information** and copy the **PayPal Merchant ID**. It's the secret.",
    ),
    calls_it="PayPal Merchant ID",
    verified_by="asking PayPal about the very bytes",
    notes="The merchant id isn't secret: it keeps payments to other accounts out, which PayPal would confirm too. The "
    "order's id is your `invoice` or, without one, PayPal's transaction id.",
    missing="The price of one piece.",
    when_quiet="Look at PayPal's **IPN history**, which lists each message with your server's answer.",
    is_untried=True,
)


@source_kind("paypal-ipn")
class PayPalIPN(Source):
    """An instant payment notification, which PayPal is asked to confirm. It wants to hear an empty 200."""

    guide = _GUIDE
    asks = PostBack("ipnpb.paypal.com")
    reply = Reply("")
    always_says_what_is_paid = True
    always_says_what_was_bought = True
    states: ClassVar[Mapping[str, bool]] = {**NO_ORDER, "canceled-reversal": False}
    rules: ClassVar[Mapping[str, Any]] = {
        # What takes money back has no type.
        "event": {**order_events("", _PAYMENTS, _TAKEN_BACK), "from": ["txn_type", "payment_status"]},
        "order_id": ["invoice", "parent_txn_id", "txn_id"],
        "order_number": "invoice",
        "order_date": {"from": "payment_date", "date": "%H:%M:%S %b %d, %Y %Z"},
        "order_status": {"from": "payment_status", "words": _LOST, "other": ""},
        "payment_status": {"from": "payment_status", "when": {"txn_type": _PAYMENTS.split()}},
        "refund_id": {"from": "txn_id", "when": _BACK},
        "refund_total": {"from": "mc_gross", "negate": True, "when": _BACK},
        "test": {"from": "test_ipn", "words": {"1": "true", "0": "false"}},
        "currency": "mc_currency",
        "total": {"from": ["mc_gross", "payment_gross"], "when": _AS_PAID},
        "tax_total": {"from": "tax", "when": _AS_PAID},
        "shipping_total": {"from": ["mc_shipping", "shipping"], "when": _AS_PAID},
        "discount_total": {"from": "discount", "when": _AS_PAID},
        "shipping_method": "shipping_method",
        "payment_gateway": {"value": "paypal"},
        "payment_reference": "txn_id",
        "customer_note": "memo",
        "customer.id": "payer_id",
        "customer.email": "payer_email",
        "customer.first_name": "first_name",
        "customer.last_name": "last_name",
        "customer.company": "payer_business_name",
        "customer.phone": "contact_phone",
        "shipping.name": "address_name",
        "shipping.line1": "address_street",
        "shipping.city": "address_city",
        "shipping.region": "address_state",
        "shipping.postcode": "address_zip",
        "shipping.country": ["address_country_code", "address_country"],
        "items[].name": "item_name{n}",
        "items[].sku": "item_number{n}",
        "items[].quantity": "quantity{n}",
    }


@source_kind("paypal-ipn-sandbox")
class PayPalSandboxIPN(PayPalIPN):
    """The same from PayPal's sandbox: everything is a test."""

    guide = replace(
        _GUIDE,
        title="PayPal IPN of the sandbox",
        clicks=("Sign in at **sandbox.paypal.com** with the business account of the sandbox.", *_GUIDE.clicks),
        notes="Every order is a test order.",
        missing="",
    )
    asks = PostBack("ipnpb.sandbox.paypal.com")
    rules: ClassVar[Mapping[str, Any]] = {**PayPalIPN.rules, "test": {"value": "true"}}
