"""Built-in kinds on signatures that shops' own libraries made or accepted, or Node's crypto where there is none."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from receiver.orders import decode
from receiver.security.schemes import Sent
from receiver.security.signing import SignatureProblem
from receiver.sources import kinds

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "shop_signatures.json").read_text())
SCHEMES: dict[str, Any] = {name: kind.scheme for name, kind in kinds.load(Path("nowhere")).types.items()}


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
