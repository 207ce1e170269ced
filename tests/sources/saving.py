"""Adding a source as the console does, and signing what its shop would send."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from receiver.app.components import Kit
from receiver.security.schemes import HmacSignature, Sent
from receiver.sources import adding
from tests.served import Reply, Served

SECRET = "hush-b0ff1e5e4c9d4f7a8e6d"
ORDER = (Path(__file__).parent / "shops" / "shopify" / "paid.json").read_bytes()


def add(kit: Kit, name: str = "shop", secret: str = SECRET, **table: Any) -> str:
    """Add a source, of Shopify's kind unless its table says otherwise, and give the secret's fingerprint."""
    with kit.database.write() as session:
        mark = adding.add(
            session,
            name,
            table or {"kind": "shopify"},
            secret,
            taken=[source.name for source in kit.sources.known],
            kinds=kit.sources.kinds,
            secret_key=kit.secret_key,
            now=datetime.now(UTC),
        )
    kit.sources.look_again()
    return mark


def paid(shop: Served, secret: str = SECRET, name: str = "shop", **changes: Any) -> Reply:
    """Post Shopify's paid order, signed with a secret."""
    body = json.dumps({**json.loads(ORDER), **changes}).encode()
    scheme = HmacSignature("X-Shopify-Hmac-SHA256", encoding="base64")
    headers = scheme.sign(Sent({}, body, "", list), secret, datetime.now(UTC))
    return shop.post(body, path=f"/orders/{name}", headers=headers, content_type="application/json")
