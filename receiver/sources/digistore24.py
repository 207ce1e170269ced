"""Digistore24, generic IPN: https://dev.digistore24.com, whose sample receiver in PHP makes ``sha_sign``."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from receiver.errors import Undecodable
from receiver.orders import Fields
from receiver.orders.charsets import unquoted, with_whole_escapes
from receiver.security.schemes import Sent, Verified, contract
from receiver.security.signing import SHORTEST_SECRET, SignatureProblem
from receiver.sources.guide import Guide
from receiver.sources.sample import Sample
from receiver.sources.shared_rules import NO_ORDER, order_events
from receiver.sources.source import Source, source_kind

_SIGNATURES = ("sha_sign", "SHASIGN")
_MOST_FIELDS = 2_000


@dataclass(frozen=True)
class SignedForm:
    """SHA-512 over every field of a form that isn't empty, in the order of their names, the secret after each."""

    covers_body: bool = True

    def check_secret(self, secret: str) -> None:
        """Raise ConfigurationError for a passphrase of fewer than 16 characters."""
        contract.refuse_short(secret, SHORTEST_SECRET)

    def verify(self, sent: Sent, secrets: Sequence[str], now: datetime) -> Verified:  # noqa: ARG002 - no time is signed
        """Return the passphrase that made the signature in the form; raises SignatureProblem."""
        fields = _fields(sent.body)
        signature = next((fields[name] for name in _SIGNATURES if fields.get(name)), None)
        if signature is None:
            raise SignatureProblem("field_missing", "The field sha_sign is missing or empty.")
        found = None
        for secret in secrets:
            if hmac.compare_digest(_signature(fields, secret).encode(), signature.upper().encode("utf-8", "replace")):
                found = secret
        if found is None:
            raise contract.differs("The field sha_sign")
        return Verified(found)

    def sign(self, sent: Sent, secret: str, now: datetime) -> dict[str, str]:  # noqa: ARG002 - no time is signed
        """Return no header: ``signature_of`` is a field of the form."""
        return {}

    def signature_of(self, body: bytes, secret: str) -> str:
        """Return the value of ``sha_sign`` for a form, for samples and tests."""
        return _signature(_fields(body), secret)


def _fields(body: bytes) -> dict[str, str]:
    try:
        body.decode("utf-8")
        if body.count(b"&") >= _MOST_FIELDS:
            raise ValueError("too many fields")
        pairs = with_whole_escapes(body.replace(b"+", b" ")).split(b"&")
    except (ValueError, Undecodable) as error:
        raise SignatureProblem("malformed_header", "The body is no form in UTF-8 of at most 2,000 fields.") from error
    return {_text(name): _text(value) for name, _, value in (pair.partition(b"=") for pair in pairs if pair)}


def _text(part: bytes) -> str:
    return unquoted(part).decode("utf-8", "replace")


def _signature(fields: Mapping[str, str], secret: str) -> str:
    signed = "".join(
        f"{name}={fields[name]}{secret}"
        for name in sorted(fields, key=str.encode)
        if fields[name] and name not in _SIGNATURES
    )
    return hashlib.sha512(signed.encode()).hexdigest().upper()


@source_kind("digistore24")
class Digistore24(Source):
    """A payment, signed with the passphrase of the IPN connection; later ones and upsells share their order's id."""

    guide = Guide(
        "Digistore24",
        (
            "Open **Settings → Integrations (IPN)** and press **Add new connection**.",
            "Choose **Generic**, and enter the address as IPN URL.",
            "Choose the events **payment**, **refund** and **chargeback**.",
            "Enter the secret as passphrase, and save. **Test connection** sends a ping, which is answered.",
        ),
        calls_it="passphrase",
        is_chosen=True,
        verified_by="a signature over every field",
        notes="Each later payment of an order by instalments, and each upsell, is taken as an order with the same id.",
        is_untried=True,
    )
    scheme = SignedForm()
    sample = Sample(
        {
            "event": "on_payment",
            "api_mode": "live",
            "order_id": "$id",
            "order_date": "$%Y-%m-%d",
            "product_id": "7",
            "product_name": "Mug",
            "quantity": "2",
            "currency": "EUR",
            "amount_brutto": "24.00",
            "amount_vat": "4.00",
            "transaction_id": "$number",
            "email": "ada@buyer.example",
            "address_first_name": "Ada",
            "address_last_name": "Quist",
        },
        is_form=True,
    )
    always_says_what_was_bought = True
    states: ClassVar[Mapping[str, bool]] = NO_ORDER
    rules: ClassVar[Mapping[str, Any]] = {
        "event": order_events(
            "event",
            "on_payment",
            {
                "on_refund": "order.refunded",
                "on_chargeback": "order.chargeback",
                "on_payment_missed": "order.failed",
                "payment_denial": "order.denied",
            },
        ),
        "order_date": {
            "from": ["order_date_time", "order_date"],
            "date": ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d"],
            "zone": "Europe/Berlin",
        },
        "test": {"from": "api_mode", "words": {"live": "false", "test": "true"}},
        # One order has a payment for each of its products, and for each instalment.
        "event_id": {"from": "transaction_id", "when": {"event": ["on_payment"]}},
        "refund_id": {"from": "transaction_id", "when": {"event": ["on_refund", "on_chargeback"]}},
        "refund_total": {"from": "amount_brutto", "when": {"event": ["on_refund", "on_chargeback"]}},
        "total": "amount_brutto",
        "tax_total": "amount_vat",
        "discount_code": "coupon_code",
        "locale": "language",
        "payment_gateway": "pay_method",
        "payment_reference": "transaction_id",
        "customer.id": "buyer_id",
        "customer.email": ["email", "address_email"],
        "customer.first_name": "address_first_name",
        "customer.last_name": "address_last_name",
        "customer.phone": "address_phone_no",
        "billing.name": {"from": ["address_first_name", "address_last_name"], "join": " "},
        "billing.company": "address_company",
        "billing.line1": "address_street",
        "billing.line2": "address_street2",
        "billing.city": "address_city",
        "billing.region": "address_state",
        "billing.postcode": "address_zipcode",
        "billing.country": ["address_country", "country"],
        "items": "$",
        "items[].id": "@.product_id",
        "items[].name": "@.product_name",
        "items[].quantity": "@.quantity",
        "items[].total": "@.amount_brutto",
    }

    def finished(self, sample: bytes, secret: str) -> bytes:
        """Return the form with its signature."""
        return sample + f"&sha_sign={SignedForm().signature_of(sample, secret)}".encode()

    def is_ping(self, headers: Mapping[str, str], fields: Fields, raw: bytes) -> bool:  # noqa: ARG002
        """Return whether it's what the button *Test connection* sends."""
        return ("event", "connection_test") in fields
