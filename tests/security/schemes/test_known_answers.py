"""Signatures that shops' own libraries made or accepted, and Node's crypto where a shop has none."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from receiver.orders import decode
from receiver.security.schemes import HmacSignature, Sent
from receiver.security.signing import SignatureProblem

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "shop_signatures.json").read_text())
SCHEMES = {
    "shopify": HmacSignature("X-Shopify-Hmac-SHA256", encoding="base64"),
    "woocommerce": HmacSignature("X-WC-Webhook-Signature", encoding="base64"),
    "stripe": HmacSignature("Stripe-Signature", parts=(",", "t", "v1"), signed="{timestamp}.{body}"),
    "paddle": HmacSignature("Paddle-Signature", parts=(";", "ts", "h1"), signed="{timestamp}:{body}"),
    "squarespace": HmacSignature("Squarespace-Signature", key="hex"),
    "foxy": HmacSignature("Foxy-Webhook-Signature"),
    "lemonsqueezy": HmacSignature("X-Signature"),
    "ecwid": HmacSignature("X-Ecwid-Webhook-Signature", encoding="base64", signed="{eventCreated}.{eventId}"),
}


def sent(vector: dict[str, Any], body: bytes | None = None) -> Sent:
    body = vector["body"].encode() if body is None else body
    headers = {name.lower(): value for name, value in vector["headers"].items()}
    return Sent(headers, body, "https://shop.example/orders", lambda: decode(body, "application/json", 20_000).fields)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda one: one["scheme"])
def test_what_a_shop_signed_is_verified(vector: dict[str, Any]) -> None:
    scheme, now = SCHEMES[vector["scheme"]], datetime.fromtimestamp(vector["at"], UTC)
    verified = scheme.verify(sent(vector), ["another secret, longer than 16", vector["secret"]], now)
    assert verified.secret == vector["secret"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda one: one["scheme"])
def test_we_sign_as_the_shop_does(vector: dict[str, Any]) -> None:
    scheme, now = SCHEMES[vector["scheme"]], datetime.fromtimestamp(vector["at"], UTC)
    ours = scheme.sign(sent(vector), vector["secret"], now)
    theirs = {name.lower(): value.split(",v0=")[0] for name, value in vector["headers"].items()}
    assert {name.lower(): value for name, value in ours.items()} == theirs


@pytest.mark.parametrize("vector", VECTORS, ids=lambda one: one["scheme"])
def test_a_changed_body_is_noticed_where_it_is_signed(vector: dict[str, Any]) -> None:
    scheme, now = SCHEMES[vector["scheme"]], datetime.fromtimestamp(vector["at"], UTC)
    changed = sent(vector, vector["body"].encode().replace(b"{", b"{ ", 1))
    if not scheme.covers_body:
        assert scheme.verify(changed, [vector["secret"]], now).secret == vector["secret"]
        return
    with pytest.raises(SignatureProblem) as raised:
        scheme.verify(changed, [vector["secret"]], now)
    assert raised.value.reason == "signature_differs"
