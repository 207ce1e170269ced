"""What each scheme refuses, and says about it."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from receiver.errors import ConfigurationError
from receiver.orders import Fields
from receiver.security.schemes import BasicAuth, HmacSignature, PublicKeySignature, Scheme, Sent, Token
from receiver.security.signing import SignatureProblem

NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
SECRET, OTHER = "a secret of the shop", "another secret of the shop"
STRIPE = HmacSignature("Stripe-Signature", parts=(",", "t", "v1"), signed="{timestamp}.{body}")
WITH_TIME = HmacSignature("X-Signature", timestamp_header="X-Time", signed="{timestamp}{url}{body}", prefix="sha256=")
PLAIN = HmacSignature("X-Signature", digest="sha512", encoding="base64")


def sent(headers: dict[str, str], body: bytes = b'{"id": 1}', fields: Fields | None = None) -> Sent:
    lower = {name.lower(): value for name, value in headers.items()}
    return Sent(lower, body, "https://shop.example/orders/x", lambda: fields or [])


def signed(scheme: Scheme, secret: str = SECRET, at: datetime = NOW) -> dict[str, str]:
    return scheme.sign(sent({}), secret, at)


def reason(scheme: Scheme, headers: dict[str, str], *, now: datetime = NOW, body: bytes = b'{"id": 1}') -> str:
    with pytest.raises(SignatureProblem) as raised:
        scheme.verify(sent(headers, body), [SECRET], now)
    assert SECRET not in raised.value.detail
    return raised.value.reason


@pytest.mark.parametrize("scheme", [STRIPE, WITH_TIME, PLAIN], ids=["parts", "time header", "plain"])
class TestHmac:
    def test_both_secrets_of_a_rotation_are_taken(self, scheme: HmacSignature) -> None:
        for secret in (SECRET, OTHER):
            assert scheme.verify(sent(signed(scheme, secret)), [SECRET, OTHER], NOW).secret == secret

    def test_another_key_a_changed_body_and_a_missing_header(self, scheme: HmacSignature) -> None:
        assert reason(scheme, signed(scheme, OTHER)) == "signature_differs"
        assert reason(scheme, signed(scheme), body=b'{"id": 2}') == "signature_differs"
        assert reason(scheme, {}) == "header_missing"

    def test_a_beginning_of_the_signature_is_none(self, scheme: HmacSignature) -> None:
        headers = signed(scheme)
        for length in (1, 8, 20):
            cut = {**headers, scheme.header: headers[scheme.header][:-length]}
            assert reason(scheme, cut) in {"signature_differs", "malformed_header"}

    def test_an_enormous_header_is_not_looked_at(self, scheme: HmacSignature) -> None:
        assert reason(scheme, {**signed(scheme), scheme.header: "v1=" + "a" * 5000}) == "malformed_header"


@pytest.mark.parametrize("scheme", [STRIPE, WITH_TIME], ids=["parts", "time header"])
@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_signed_time_goes_stale(scheme: HmacSignature, seconds: int) -> None:
    headers = signed(scheme, at=NOW + timedelta(seconds=seconds))
    assert reason(scheme, headers) == "clock_off"
    assert scheme.verify(sent(headers), [SECRET], NOW + timedelta(seconds=seconds)).secret == SECRET


def test_a_time_in_milliseconds_counts_in_seconds() -> None:
    milliseconds = HmacSignature("X-Signature", timestamp_header="X-Time", signed="{timestamp}.{body}")
    time = str(int(NOW.timestamp() * 1000))
    signature = PLAIN_HEX.sign(sent({}, f'{time}.{{"id": 1}}'.encode()), SECRET, NOW)["X-Signature"]
    verified = milliseconds.verify(sent({"X-Time": time, "X-Signature": signature}), [SECRET], NOW)
    assert verified.timestamp == int(NOW.timestamp())


PLAIN_HEX = HmacSignature("X-Signature")


def test_hex_is_taken_in_capitals_and_base64_is_not() -> None:
    headers = signed(PLAIN_HEX)
    assert PLAIN_HEX.verify(sent({"X-Signature": headers["X-Signature"].upper()}), [SECRET], NOW).secret == SECRET
    assert reason(PLAIN, {"X-Signature": signed(PLAIN)["X-Signature"].swapcase()}) == "signature_differs"


def test_several_signatures_in_one_header_are_all_tried() -> None:
    old, new = signed(STRIPE, OTHER)["Stripe-Signature"], signed(STRIPE)["Stripe-Signature"]
    both = f"{old},{new.split(',')[1]}"
    assert STRIPE.verify(sent({"Stripe-Signature": both}), [SECRET], NOW).secret == SECRET


@pytest.mark.parametrize(
    "header", ["v1=aa", "t=1,t=2,v1=aa", "t=x,v1=aa", "t=1", "t=²,v1=aa", "sha256", "t=" + "9" * 30]
)
def test_a_malformed_header_of_parts_says_so(header: str) -> None:
    assert reason(STRIPE, {"Stripe-Signature": header}) == "malformed_header"


@given(st.text(max_size=60), st.text(max_size=20))
def test_no_header_breaks_a_scheme(signature: str, time: str) -> None:
    headers = {"X-Signature": signature, "Stripe-Signature": signature, "X-Time": time}
    for scheme in (STRIPE, WITH_TIME, PLAIN, Token(header="X-Signature"), PublicKeySignature("X-Signature")):
        with pytest.raises(SignatureProblem):
            scheme.verify(sent(headers), [SECRET], NOW)


def test_a_secret_must_be_as_the_shop_writes_it() -> None:
    PLAIN.check_secret("sixteen letters!")
    with pytest.raises(ConfigurationError, match="at least 16"):
        PLAIN.check_secret("too short")
    with pytest.raises(ConfigurationError, match="written in hex"):
        HmacSignature("X", key="hex").check_secret("sixteen letters!")
    with pytest.raises(ConfigurationError, match="written in base64"):
        HmacSignature("X", key="base64").check_secret("sixteen letters!")
    HmacSignature("X", key="base64").check_secret(base64.b64encode(b"sixteen letters!").decode())


class TestToken:
    def test_in_a_header(self) -> None:
        scheme = Token(header="Authorization", prefix="Bearer ")
        assert signed(scheme) == {"Authorization": f"Bearer {SECRET}"}
        assert scheme.verify(sent(signed(scheme)), [OTHER, SECRET], NOW).secret == SECRET
        assert reason(scheme, {"Authorization": SECRET}) == "signature_differs"
        assert reason(scheme, {}) == "header_missing"

    def test_in_a_field(self) -> None:
        scheme = Token(field="data.token")
        assert scheme.sign(sent({}), SECRET, NOW) == {}
        assert scheme.verify(sent({}, fields=[("data.token", SECRET)]), [SECRET], NOW).secret == SECRET
        assert reason(scheme, {}) == "field_missing"
        with pytest.raises(SignatureProblem, match="field data"):
            scheme.verify(sent({}, fields=[("data.token", OTHER), ("data", SECRET)]), [SECRET], NOW)

    def test_has_at_least_eight_characters(self) -> None:
        Token(field="t").check_secret("12345678")
        with pytest.raises(ConfigurationError, match="at least 8"):
            Token(field="t").check_secret("1234567")


class TestBasicAuth:
    def test_user_and_password_together(self) -> None:
        scheme = BasicAuth()
        assert scheme.verify(sent(scheme.sign(sent({}), "shop:a password", NOW)), ["shop:a password"], NOW)
        with pytest.raises(SignatureProblem):
            scheme.verify(sent(scheme.sign(sent({}), "shop:no password", NOW)), ["shop:a password"], NOW)

    @pytest.mark.parametrize("secret", ["no colon in it", ":a password", "shop:short"])
    def test_a_secret_that_is_none(self, secret: str) -> None:
        with pytest.raises(ConfigurationError):
            BasicAuth().check_secret(secret)


class TestPublicKeys:
    def test_ed25519(self) -> None:
        key = Ed25519PrivateKey.generate()
        raw = key.public_key().public_bytes_raw()
        scheme = PublicKeySignature("X-Signature", timestamp_header="X-Time")
        time = str(int(NOW.timestamp()))
        headers = {"X-Time": time, "X-Signature": key.sign(time.encode() + b'{"id": 1}').hex()}
        for written in (raw.hex(), base64.b64encode(raw).decode()):
            scheme.check_secret(written)
            verified = scheme.verify(sent(headers), [written], NOW)
            assert (verified.secret, verified.timestamp) == (written, int(time))
        other = Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
        for wrong, body, why in [
            (headers, b'{"id": 2}', "signature_differs"),
            ({**headers, "X-Signature": "zz"}, b'{"id": 1}', "malformed_header"),
            ({**headers, "X-Time": "now"}, b'{"id": 1}', "malformed_header"),
            ({**headers, "X-Time": "1"}, b'{"id": 1}', "clock_off"),
        ]:
            with pytest.raises(SignatureProblem) as raised:
                scheme.verify(sent(wrong, body), [other, raw.hex()], NOW)
            assert raised.value.reason == why

    def test_rsa(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        scheme = PublicKeySignature("X-Signature", kind="rsa", encoding="base64")
        scheme.check_secret(pem.decode())
        signature = base64.b64encode(key.sign(b'{"id": 1}', padding.PKCS1v15(), hashes.SHA256())).decode()
        assert scheme.verify(sent({"X-Signature": signature}), [pem.decode()], NOW).timestamp is None
        with pytest.raises(SignatureProblem):
            scheme.verify(sent({"X-Signature": signature}, b"{}"), [pem.decode()], NOW)

    @pytest.mark.parametrize("kind", ["ed25519", "rsa"])
    def test_what_is_no_key(self, kind: str) -> None:
        with pytest.raises(ConfigurationError, match="public key of this shop"):
            PublicKeySignature("X", kind=kind).check_secret("no key at all")
