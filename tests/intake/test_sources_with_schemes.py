"""A source with a scheme is proven by it alone, and what's wrong is told precisely."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from receiver.errors import Unauthenticated, Undecodable
from receiver.intake.authentication import Proof, authenticate
from receiver.orders import Fields
from receiver.security import signing
from receiver.security.failures import MOST
from receiver.security.keyring import Keyring
from receiver.security.schemes import HmacSignature, Sent, Token, Verified
from receiver.sources import Source
from receiver.storage.models import RefusalRow
from tests.served import SECRET, Served, order_fields, signed

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
OWN, OTHER, RETIRED = "the own secret of this shop", "the second secret of it", "a secret that was retired"
SCHEME = HmacSignature("X-Sig", parts=(",", "t", "v1"), signed="{timestamp}.{body}")
SHOP = Source("shop", secrets=(OWN, OTHER), scheme_of_table=SCHEME)
KEYRING = Keyring({one: one.encode() for one in SHOP.secrets}, {RETIRED: b""}, {SECRET: SECRET.encode()})
BODY = b'{"id": 1}'


def nothing() -> Fields:
    return []


def by(secret: str, scheme: Any = SCHEME, at: datetime = NOW) -> dict[str, str]:
    headers = scheme.sign(Sent({}, BODY, "", nothing), secret, at)
    return {name.lower(): value for name, value in headers.items()}


def prove(headers: dict[str, str], source: Source = SHOP, *, required: bool = False, body: bytes = BODY) -> Proof:
    return authenticate(Sent(headers, body, "", nothing), source, KEYRING, now=NOW, require_signature=required)


def reason(*args: Any, **options: Any) -> str:
    with pytest.raises(Unauthenticated) as caught:
        prove(*args, **options)
    assert not any(secret in caught.value.detail for secret in (OWN, OTHER, RETIRED, SECRET))
    return caught.value.reason


@pytest.mark.parametrize("secret", [OWN, OTHER])
def test_either_secret_of_a_rotation_proves_even_where_signatures_are_required(secret: str) -> None:
    assert prove(by(secret), required=True) == Proof("signature", signing.fingerprint(secret), None, NOW)


def test_nothing_weaker_is_taken() -> None:
    assert reason({"x-shared-secret": OWN}) == "header_missing"
    assert reason({"authorization": f"Bearer {OWN}"}) == "header_missing"
    assert reason(signed(BODY, secret=OWN, at=NOW)) == "header_missing"


def test_each_cause_has_its_reason() -> None:
    assert reason(by("a secret that nobody knows")) == "signature_differs"
    assert reason(by(OWN), body=BODY + b" ") == "signature_differs"
    assert reason({"x-sig": "t=1"}) == "malformed_header"
    assert reason(by(OWN, at=datetime(2026, 11, 23, 11, 50, tzinfo=UTC))) == "clock_off"
    assert reason(by(RETIRED)) == "retired_secret"
    assert reason(by(SECRET)) == "secret_of_another_url"


def test_without_a_secret_everything_is_refused() -> None:
    assert reason(by(SECRET), replace(SHOP, secrets=())) == "no_secret_of_source"


def test_a_scheme_that_does_not_sign_all_fulfils_no_required_signature() -> None:
    token = replace(SHOP, scheme_of_table=Token(header="X-Token"))
    assert prove({"x-token": OWN}, token).way == "header"
    assert reason({"x-token": OWN}, token, required=True) == "signature_required"


def test_a_token_in_a_field_is_said_to_have_come_in_one() -> None:
    token = replace(SHOP, scheme_of_table=Token(field="token"))
    sent = Sent({}, BODY, "", lambda: [("token", OWN)])
    assert authenticate(sent, token, KEYRING, now=NOW, require_signature=False).way == "field"


def test_a_scheme_that_fails_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(HmacSignature, "verify", fail)
    assert reason(by(OWN)) == "scheme_failed"


@pytest.mark.parametrize("found", [None, Verified("a secret that the source doesn't have"), True])
def test_a_scheme_that_answers_anything_else_refuses(monkeypatch: pytest.MonkeyPatch, found: object) -> None:
    monkeypatch.setattr(HmacSignature, "verify", lambda *_args: found)
    assert reason(by(OWN)) == "scheme_failed"


def test_a_body_that_must_be_decoded_for_it_may_be_undecodable() -> None:
    def undecodable() -> Fields:
        raise Undecodable("no JSON")

    source = replace(SHOP, scheme_of_table=Token(field="key"))
    with pytest.raises(Undecodable):
        authenticate(Sent({}, b"{", "", undecodable), source, KEYRING, now=NOW, require_signature=False)


def test_the_url_that_is_signed_is_that_of_the_settings(serve: Callable[..., Served]) -> None:
    scheme = HmacSignature("X-Sig", signed="{url}{body}")
    table = {"signature": {"header": "X-Sig", "signed": "{url}{body}"}, "secrets": [OWN]}
    shop = serve(sources={"shop": table}, PUBLIC_URL="https://shop.example/base/")
    body = b"order_id=A-1&total=1.00&customer_email=ada@shop.example"

    def status(url: str) -> int:
        headers = scheme.sign(Sent({}, body, url, nothing), OWN, NOW)
        return shop.post(body, path="/orders/shop", headers={**headers, "Host": "elsewhere.example"}).status

    assert status("https://elsewhere.example/orders/shop") == 401
    assert status("https://shop.example/base/orders/shop") == 202


def test_past_so_many_failures_an_address_waits_but_a_right_secret_passes(serve: Callable[..., Served]) -> None:
    shop = serve()
    answers = [shop.post(order_fields(), headers={"X-Shared-Secret": "wrong" * 5}) for _ in range(MOST + 3)]

    assert [answer.status for answer in answers] == [401] * MOST + [429] * 3
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert answers[-1].content["type"].endswith("too-many-failures")
    assert shop.post(order_fields()).status == 202
    shop.kit.refusals.flush()
    assert [row.reason for row in shop.rows(RefusalRow)].count("too_many_failures") == 1
