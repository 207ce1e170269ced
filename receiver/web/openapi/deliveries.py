"""What the description says of a delivery: its body, and how it's verified."""

from __future__ import annotations

from typing import Any

from receiver.intake.authentication import SIGNATURE_HEADERS
from receiver.orders import schemas
from receiver.security import sent_secrets, signing
from receiver.settings.model import Settings

METRICS_TOKEN = "metricsToken"  # noqa: S105 - the name of a scheme
_SIGNATURE_MEANINGS = (
    "The event's id: the same on every attempt, 1 to 255 visible ASCII characters, no dot.",
    f"When the attempt was made, in Unix seconds; at most {signing.TOLERANCE_SECONDS} s off.",
    "`v1,` and the base64 of HMAC-SHA256 over `<webhook-id>.<webhook-timestamp>.<body>`.",
)


def models() -> dict[str, Any]:
    """Return the order in both encodings, and the models that it's made of, by name."""
    order = schemas.json_schema("#/components/schemas/{model}")
    parts: dict[str, Any] = order.pop("$defs")
    return {"Order": order, "OrderForm": schemas.form_schema()} | parts


def body(settings: Settings) -> dict[str, Any]:
    """Return what a delivery's body may be."""
    form = {"schema": {"$ref": "#/components/schemas/OrderForm"}}
    return {
        "required": True,
        "description": f"At most {settings.MAX_BODY_BYTES:,} bytes and {settings.MAX_FIELDS:,} fields, also once it's "
        "inflated (`Content-Encoding` gzip, deflate or br). A body in another way is read too, as XML or as a shop "
        "writes it; the merchant maps its names.",
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/Order"}},
            "application/x-www-form-urlencoded": form,
            "multipart/form-data": form,
        },
    }


def schemes() -> dict[str, Any]:
    """Return the ways to verify a request, by name."""
    signature = {
        name: _scheme("apiKey", f"Of a Standard Webhooks signature. {meaning}", name=name, **{"in": "header"})
        for name, meaning in zip(SIGNATURE_HEADERS, _SIGNATURE_MEANINGS, strict=True)
    }
    own = "The shared secret. It may also be in any other header, or in a field of the body."
    return signature | {
        "sharedSecret": _scheme("apiKey", own, name=sent_secrets.OWN, **{"in": "header"}),
        "bearer": _scheme("http", "The shared secret as the token.", scheme="bearer"),
        "basic": _scheme("http", "The shared secret as the user or the password.", scheme="basic"),
        METRICS_TOKEN: _scheme("http", "The value of METRICS_TOKEN.", scheme="bearer"),
    }


def _scheme(kind: str, description: str, **more: str) -> dict[str, str]:
    return {"type": kind, "description": description, **more}


def proofs(settings: Settings) -> list[dict[str, Any]]:
    """Return the ways to verify a delivery: one of them is enough."""
    signature: dict[str, Any] = {name: [] for name in SIGNATURE_HEADERS}
    if settings.REQUIRE_SIGNATURE:
        return [signature]
    return [signature, {"sharedSecret": []}, {"bearer": []}, {"basic": []}]
