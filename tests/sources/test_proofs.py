"""How a source's table says by what its POSTs are proven."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask

from receiver.app.components import Kit
from receiver.errors import ConfigurationError
from receiver.security.schemes import BasicAuth, HmacSignature, PublicKeySignature, Scheme, Token
from receiver.sources.proofs import scheme_of
from receiver.sources.registry import Sources
from receiver.storage.models import RefusalRow
from tests.served import SECRET, Served, order_fields

SHORT = "QX7T2LM90ZKD"


def test_a_table_describes_a_signature_whole() -> None:
    table = {
        "header": "X-Sig",
        "digest": "sha512",
        "encoding": "base64",
        "key": "hex",
        "signed": "{timestamp}.{body}",
        "parts": [",", "t", "v1"],
        "tolerance": 600,
    }
    assert scheme_of({"signature": table}, None) == HmacSignature(**{**table, "parts": (",", "t", "v1")})  # type: ignore[arg-type]


def test_a_table_changes_what_its_kind_says() -> None:
    kind = HmacSignature("X-Sig", encoding="base64")
    assert scheme_of({"signature": {"digest": "sha1"}}, kind) == HmacSignature("X-Sig", "sha1", "base64")
    assert scheme_of({}, kind) is kind
    assert scheme_of({}, None) is None


@pytest.mark.parametrize(
    ("table", "kind", "said"),
    [
        ({"signature": {}, "token": {}}, None, "one way"),
        ({"signature": {"digest": "sha1"}}, BasicAuth(), "no meaning"),
        ({"signature": {"digets": "sha1"}}, HmacSignature("X"), "some of: header, digest"),
        ({"signature": "X-Sig"}, None, "must be a table"),
        ({"signature": {}}, None, "needs header"),
        ({"signature": {"header": 3}}, None, "must be text"),
        ({"signature": {"header": "X", "digest": "md5"}}, None, "one of: sha1"),
        ({"signature": {"header": "X", "tolerance": True}}, None, "whole seconds"),
        ({"signature": {"header": "X", "tolerance": 0}}, None, "whole seconds"),
        ({"signature": {"header": "X", "parts": ["t"]}}, None, "two names"),
        ({"signature": {"header": "X", "signed": "nothing"}}, None, "must hold {body}"),
        ({"signature": {"header": "X", "signed": "{timestamp}"}}, None, "must hold {body}"),
        ({"signature": {"header": "X", "signed": "{body"}}, None, "must hold {body}"),
        ({"signature": {"header": "X", "signed": "{timestamp}{body}"}}, None, "where it is sent"),
        ({"signature": {"header": "X", "timestamp_header": "T"}}, None, "where it is sent"),
        ({"token": "secret"}, None, "one place"),
        ({"token": {}}, None, "one place"),
        ({"token": {"field": ""}}, None, "one place"),
        ({"token": {"field": "a", "header": "b"}}, None, "one place"),
        ({"token": {"header": "Cookie"}}, None, "proves nothing"),
        ({"token": {"field": "a"}}, HmacSignature("X"), "says itself"),
        ({"basic": True, "token": {"field": "a"}}, None, "has both token and basic"),
        ({"basic": "yes"}, None, "must be true"),
        ({"basic": False}, None, "must be true"),
        ({"basic": True}, HmacSignature("X"), "basic has no meaning"),
        ({"public_key": {}}, None, "needs header"),
        ({"public_key": "X-Sig"}, None, "needs header"),
        ({"public_key": {"header": "X", "digest": "sha1"}}, None, "may have kind, encoding"),
        ({"public_key": {"header": "X", "kind": "dsa"}}, None, "public_key.kind must be one of: ed25519, rsa"),
        ({"public_key": {"header": "X", "tolerance": 0}}, None, "public_key.tolerance must be whole seconds"),
        ({"public_key": {"header": 7}}, None, "public_key.header must be text"),
    ],
)
def test_what_is_wrong_is_told_with_its_fix(table: dict[str, Any], kind: Scheme | None, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        scheme_of(table, kind)


def test_a_table_names_basic_authentication_and_a_public_key() -> None:
    assert scheme_of({"basic": True}, None) == BasicAuth()
    table = {"header": "X-Sig", "kind": "rsa", "encoding": "base64", "timestamp_header": "X-Time", "tolerance": 60}
    assert scheme_of({"public_key": table}, None) == PublicKeySignature(**table)  # type: ignore[arg-type]


def test_both_are_received(serve: Callable[..., Served]) -> None:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw().hex()
    tables = {
        "desk": {"basic": True, "secrets": ["shop:a-password"]},
        "till": {"public_key": {"header": "X-Sig"}, "secrets": [public]},
    }
    shop = serve(work=False, sources=tables)
    body = urlencode(order_fields()).encode()

    def post(path: str, **headers: str) -> int:
        return shop.post(body, path=path, headers=headers).status

    right = {"Authorization": "Basic c2hvcDphLXBhc3N3b3Jk"}
    assert [post("/orders/desk", **right), post("/orders/desk", Authorization="Basic c2hvcDp4")] == [202, 401]
    signature = key.sign(body).hex()
    assert [post("/orders/till", **{"X-Sig": one}) for one in (signature, "00" * 64)] == [202, 401]
    assert [row.proof for row in shop.rows()] == ["header", "signature"]


@pytest.mark.parametrize(
    ("listed", "address", "is_taken"),
    [
        ([], None, True),
        (["203.0.113.7"], "203.0.113.7", True),
        (["203.0.113.7"], "203.0.113.8", False),
        (["198.51.100.0/24", "2001:db8::/32"], "198.51.100.200", True),
        (["198.51.100.0/24", "2001:db8::/32"], "2001:db8::1", True),
        (["198.51.100.0/24"], "::ffff:198.51.100.9", True),
        (["198.51.100.0/24"], "2001:db8::1", False),
        (["198.51.100.0/24"], None, False),
        (["198.51.100.0/24"], "no address", False),
    ],
)
def test_a_source_may_list_the_addresses_of_its_shop(
    tmp_path: Path, listed: list[str], address: str | None, is_taken: bool
) -> None:
    assert Sources(tmp_path, {"a": {"addresses": listed}}).get("a").is_from(address) is is_taken


@pytest.mark.parametrize("listed", ["203.0.113.7", [7], ["shop.example"], ["203.0.113.7/24"]])
def test_what_is_no_list_of_addresses_is_named(tmp_path: Path, listed: object) -> None:
    (problem,) = Sources(tmp_path, {"a": {"addresses": listed}}).problems
    assert "addresses must be a list such as" in problem


def test_from_elsewhere_even_the_secret_is_refused(serve: Callable[..., Served]) -> None:
    tables = {"far": {"addresses": ["203.0.113.0/24"]}, "near": {"addresses": ["127.0.0.0/8"]}}
    shop = serve(work=False, sources=tables)
    assert [shop.post(order_fields(), path=f"/orders/{name}").status for name in ("far", "near")] == [401, 202]
    shop.kit.refusals.flush()
    assert [row.reason for row in shop.rows(RefusalRow)] == ["other_network"]


def test_a_short_secret_counts_for_one_source_in_one_field(tmp_path: Path) -> None:
    sources = Sources(tmp_path, {"cart": {"token": {"field": "key"}, "secrets": [f" {SHORT} "]}})
    assert sources.problems == []
    cart = sources.get("cart")
    assert (cart.scheme_of_table, cart.secrets) == (Token(field="key"), (SHORT,))

    for table in ({"secrets": [SHORT]}, {"token": {"field": "key"}, "secrets": ["seven77"]}):
        (problem,) = Sources(tmp_path, {"cart": table}).problems
        assert "characters" in problem


def test_a_short_secret_proves_in_its_field_and_nowhere_else(serve: Callable[..., Served]) -> None:
    shop = serve(sources={"cart": {"token": {"field": "key"}, "secrets": [SHORT]}, "other": {}})

    def status(path: str, headers: dict[str, str], **fields: str) -> int:
        return shop.post(order_fields(**fields), path=path, headers=headers).status

    assert status("/orders/cart", {}, key=SHORT) == 202
    assert status("/orders/cart", {}, other=SHORT) == 401
    assert status("/orders/cart", {"X-Shared-Secret": SHORT}) == 401
    assert status("/orders/cart", {"X-Shared-Secret": SECRET}) == 401
    assert status("/orders/other", {}, key=SHORT) == 401
    assert SHORT not in shop.rows()[-1].fields


@pytest.mark.parametrize(
    ("table", "required", "said"),
    [
        ({"signature": {"header": "X-Sig"}}, False, ["has no secret, so every POST to it is refused"]),
        ({"token": {"field": "key"}, "secrets": [SHORT]}, True, ["REQUIRE_SIGNATURE refuses", "fewer than 16"]),
        ({"token": {"field": "key"}, "secrets": [SECRET]}, False, []),
        ({}, True, []),
    ],
)
def test_what_takes_no_post_is_told_at_the_start(
    make_app: Callable[..., Flask], table: dict[str, Any], required: bool, said: list[str]
) -> None:
    kit: Kit = make_app(sources={"shop": table}, REQUIRE_SIGNATURE=required).extensions["receiver"]
    assert len(kit.setting_warnings) == len(said)
    assert all(one in told for one, told in zip(said, kit.setting_warnings, strict=True))


def test_a_check_of_secrets_that_fails_is_told_without_the_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_scheme: object, secret: str) -> None:
        raise KeyError(secret)

    monkeypatch.setattr(HmacSignature, "check_secret", fail)
    (problem,) = Sources(tmp_path, {"shop": {"signature": {"header": "X"}, "secrets": [SECRET]}}).problems
    assert "the check of its secrets failed" in problem
    assert SECRET not in problem
