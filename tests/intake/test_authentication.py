"""How a POST proves itself: one test for each way, and one for each cause of a refusal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from receiver.errors import Unauthenticated, Undecodable
from receiver.intake.authentication import Proof, authenticate
from receiver.orders import Fields
from receiver.security import signing
from receiver.security.keyring import Keyring
from receiver.security.schemes import Sent
from receiver.sources import Source
from tests.served import SECRET, signed

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
OTHER = "another secret that is active"
RETIRED = "a secret that was retired"
UNKNOWN = "a secret that nobody knows here"
BODY = b"order_id=A-1"
PLAIN = Source("shopintegrator")
KEYRING = Keyring({name: name.encode() for name in (SECRET, OTHER)}, {RETIRED: RETIRED.encode()})


def prove(
    headers: Mapping[str, str],
    *values: str,
    body: bytes = BODY,
    keyring: Keyring = KEYRING,
    require_signature: bool = False,
) -> Proof:
    sent = Sent(headers, body, "", lambda: [(f"field {number}", value) for number, value in enumerate(values)])
    return authenticate(sent, PLAIN, keyring, now=NOW, require_signature=require_signature)


def refusal(headers: Mapping[str, str], *values: str, **options: object) -> Unauthenticated:
    with pytest.raises(Unauthenticated) as caught:
        prove(headers, *values, **options)  # type: ignore[arg-type]
    said = caught.value.detail + str(caught.value)
    assert not any(secret in said for secret in (SECRET, OTHER, RETIRED, UNKNOWN))
    return caught.value


def test_a_signature_proves_and_names_its_secret_id_and_time() -> None:
    proof = prove(signed(BODY, secret=OTHER, webhook_id="evt_1", at=NOW))
    assert proof == Proof("signature", signing.fingerprint(OTHER), "evt_1", NOW)


def test_a_signature_with_the_right_secret_needs_no_look_into_the_body() -> None:
    def never() -> Fields:
        raise AssertionError("the body was decoded before the proof")

    proof = authenticate(Sent(signed(BODY, at=NOW), BODY, "", never), PLAIN, KEYRING, now=NOW, require_signature=True)
    assert proof.way == "signature"


@pytest.mark.parametrize("seconds", [-300, 300])
def test_a_timestamp_may_be_300_s_off(seconds: int) -> None:
    assert prove(signed(BODY, at=NOW + timedelta(seconds=seconds))).way == "signature"


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_timestamp_further_off_is_refused(seconds: int) -> None:
    error = refusal(signed(BODY, at=NOW + timedelta(seconds=seconds)))
    assert error.reason == "clock_off"
    assert "301 s" in error.detail


def test_the_secret_in_a_header_proves() -> None:
    assert prove({"x-shared-secret": OTHER}) == Proof("header", signing.fingerprint(OTHER))


def test_the_secret_in_any_field_proves() -> None:
    assert prove({}, "A-1", SECRET) == Proof("field", signing.fingerprint(SECRET))


def test_the_secret_in_a_field_proves_beside_a_wrong_header() -> None:
    assert prove({"x-shared-secret": UNKNOWN}, SECRET).way == "field"


def test_a_secret_beyond_ascii_proves_in_a_header_as_wsgi_hands_it_over() -> None:
    secret = "schlüssel-ключ-鍵-0123456789"
    keyring = Keyring({secret: secret.encode()}, {})
    assert prove({"x-shared-secret": secret.encode().decode("latin-1")}, keyring=keyring).way == "header"


def test_a_header_that_is_not_even_latin_1_is_refused_and_no_fault() -> None:
    assert refusal({"x-shared-secret": "鍵" * 20}).reason == "unknown_secret"


def test_part_of_a_secret_proves_nothing() -> None:
    assert refusal({}, SECRET[:-1], SECRET + "x").reason == "unknown_secret"


def test_without_any_active_secret_everything_is_refused() -> None:
    error = refusal({"x-shared-secret": RETIRED}, keyring=Keyring({}, {RETIRED: RETIRED.encode()}))
    assert error.reason == "no_secret"
    assert "flask secret add" in error.detail


def test_no_header_and_no_field_is_an_unknown_secret() -> None:
    assert refusal({}, "A-1").detail == "No field's value and no header is an active secret."


def test_a_wrong_header_is_an_unknown_secret_and_says_so() -> None:
    assert refusal({"x-shared-secret": UNKNOWN}).detail == "The header X-Shared-Secret holds no active secret."


def test_a_wrong_secret_at_a_source_with_its_own_says_that_only_those_count() -> None:
    for headers in ({"x-shared-secret": UNKNOWN}, signed(BODY, secret=UNKNOWN, at=NOW)):
        with pytest.raises(Unauthenticated) as caught:
            authenticate(
                Sent(headers, BODY, "", list),
                Source("market", secrets=(SECRET,)),
                Keyring({SECRET: SECRET.encode()}, {}),
                now=NOW,
                require_signature=False,
            )
        assert caught.value.reason == "unknown_secret_of_source"
        assert caught.value.detail.endswith("To market, only that source's own secrets are active.")


@pytest.mark.parametrize("way", ["header", "field"])
def test_a_retired_secret_is_named_by_its_fingerprint(way: str) -> None:
    error = refusal({"x-shared-secret": RETIRED}) if way == "header" else refusal({}, RETIRED)
    assert error.reason == "retired_secret"
    assert signing.fingerprint(RETIRED) in error.detail


def test_a_signature_by_a_retired_secret_is_named_by_its_fingerprint() -> None:
    error = refusal(signed(BODY, secret=RETIRED, at=NOW))
    assert error.reason == "retired_secret"
    assert signing.fingerprint(RETIRED) in error.detail


def test_a_signature_by_an_unknown_secret_is_refused() -> None:
    assert refusal(signed(BODY, secret=UNKNOWN, at=NOW)).reason == "unknown_secret"


def test_a_bad_signature_is_never_rescued_by_a_good_field() -> None:
    error = refusal(signed(BODY, at=NOW), SECRET, body=BODY + b"&total=0.01")
    assert error.reason == "body_changed"


def test_a_bad_signature_is_never_rescued_by_a_good_header() -> None:
    error = refusal(signed(BODY, at=NOW) | {"x-shared-secret": SECRET}, body=BODY + b"x")
    assert error.reason == "body_changed"


def test_a_changed_body_that_cannot_be_decoded_is_refused_as_unauthenticated() -> None:
    """Whether it can be decoded is nobody's business before the proof."""

    def undecodable() -> Fields:
        raise Undecodable("the body holds bad bytes")

    with pytest.raises(Unauthenticated) as caught:
        sent = Sent(signed(BODY, at=NOW), b"\xff", "", undecodable)
        authenticate(sent, PLAIN, KEYRING, now=NOW, require_signature=False)
    assert caught.value.reason == "unknown_secret"


@pytest.mark.parametrize("way", ["signature", "header", "field"])
def test_a_secret_of_another_url_is_named_as_such(way: str) -> None:
    keyring = Keyring({SECRET: SECRET.encode()}, {}, elsewhere={OTHER: OTHER.encode()})
    headers = {"signature": signed(BODY, secret=OTHER, at=NOW), "header": {"x-shared-secret": OTHER}, "field": {}}[way]
    error = refusal(headers, OTHER if way == "field" else "-", keyring=keyring)
    assert (error.reason, signing.fingerprint(OTHER) in error.detail) == ("secret_of_another_url", True)


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_one_signature_header_alone_demands_the_others(missing: str) -> None:
    headers = signed(BODY, at=NOW)
    del headers[missing]
    error = refusal(headers, SECRET)
    assert error.reason == "header_missing"
    assert missing in error.detail


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("webhook-id", "with.dot"),
        ("webhook-timestamp", "noon"),
        ("webhook-signature", "v1"),
        ("webhook-signature", "v1,AAAA"),
        ("webhook-signature", "ключ"),
    ],
)
def test_a_malformed_signature_header_is_refused(header: str, value: str) -> None:
    assert refusal(signed(BODY, at=NOW) | {header: value}).reason == "malformed_header"


def test_where_a_signature_is_required_the_plain_secret_proves_nothing() -> None:
    error = refusal({"x-shared-secret": SECRET}, SECRET, require_signature=True)
    assert error.reason == "signature_required"
    assert "REQUIRE_SIGNATURE" in error.detail


def test_all_causes_are_answered_with_one_text() -> None:
    answers = {str(refusal({})), str(refusal({}, RETIRED)), str(refusal(signed(BODY, secret=UNKNOWN, at=NOW)))}
    assert len(answers) == 1


@pytest.mark.parametrize("sent", [f"{UNKNOWN},{SECRET}", f"{SECRET}, {UNKNOWN}", f"{RETIRED},{SECRET}"])
def test_each_of_several_headers_is_tried(sent: str) -> None:
    """As servers hand over a header that was sent twice."""
    assert prove({"x-shared-secret": sent}) == Proof("header", signing.fingerprint(SECRET))


def test_a_secret_with_a_comma_is_one_secret() -> None:
    secret = "with a comma, and no other"
    keyring = Keyring({secret: secret.encode()}, {})
    assert prove({"x-shared-secret": secret}, keyring=keyring).way == "header"


def test_not_many_headers_are_tried() -> None:
    assert refusal({"x-shared-secret": f"{UNKNOWN},{UNKNOWN},{UNKNOWN},{UNKNOWN},{SECRET}"}).reason == "unknown_secret"
    assert refusal({"x-shared-secret": f"{UNKNOWN},{RETIRED}"}).reason == "retired_secret"
