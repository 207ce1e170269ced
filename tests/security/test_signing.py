from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from receiver.errors import ConfigurationError
from receiver.security.signing import (
    SignatureProblem,
    Signed,
    clean_secret,
    equals_any,
    fingerprint,
    new_secret,
    sign,
    signing_key,
    verify,
)
from tests.effort import steps

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "signatures.json").read_text("utf-8"))
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "a shared secret of 27 chars"
BODY = b"order_id=1001&total=19.99"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
TIMESTAMP = 1767225600
SIGNATURE = "v1,srt2zXG5nT/qrPAdrSbhZlYpT713vamzuf2jdyx+z50="
WRONG = "v1," + "A" * 43 + "="


def check(
    *,
    webhook_id: bytes | str | None = "evt_1",
    timestamp: bytes | str | None = str(TIMESTAMP),
    signature: bytes | str | None = SIGNATURE,
    body: bytes = BODY,
    secrets: tuple[str, ...] = (SECRET,),
    now: datetime = NOW,
) -> Signed:
    return verify(
        webhook_id=webhook_id,
        timestamp=timestamp,
        signature=signature,
        body=body,
        secrets=secrets,
        now=now,
    )


def problem(**changes: Any) -> SignatureProblem:
    with pytest.raises(SignatureProblem) as caught:
        check(**changes)
    assert str(caught.value) == caught.value.detail
    return caught.value


# Secrets


def test_a_new_secret_is_whsec_and_32_random_bytes() -> None:
    first, second = new_secret(), new_secret()
    assert first.startswith("whsec_")
    assert len(base64.b64decode(first.removeprefix("whsec_"), validate=True)) == 32
    assert first != second
    assert clean_secret(first) == first


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["what"]))
def test_known_answers(vector: dict[str, Any]) -> None:
    """Made with ``printf '<id>.<time>.<body>' | openssl dgst -sha256 -mac HMAC -macopt hexkey:<key>``."""
    body = bytes.fromhex(vector["body_hex"])
    identity = {"webhook_id": vector["webhook_id"], "timestamp": vector["timestamp"]}
    assert signing_key(vector["secret"]).hex() == vector["key_hex"]
    assert fingerprint(vector["secret"]) == vector["fingerprint"]
    assert sign([vector["secret"]], body=body, **identity) == vector["signature"]
    assert verify(
        webhook_id=vector["webhook_id"],
        timestamp=str(vector["timestamp"]),
        signature=vector["signature"],
        body=body,
        secrets=[vector["secret"]],
        now=datetime.fromtimestamp(vector["timestamp"], UTC),
    ) == Signed(secret=vector["secret"], **identity)


def test_outer_white_space_of_a_secret_is_removed() -> None:
    assert clean_secret(f" \t{OTHER}\r\n") == OTHER


def test_a_secret_has_16_characters_or_more() -> None:
    assert clean_secret("0123456789abcdef") == "0123456789abcdef"
    with pytest.raises(ConfigurationError, match="at least 16 characters, this one has 15"):
        clean_secret(" 0123456789abcde ")


@pytest.mark.parametrize(
    "damaged",
    [
        "whsec_MfKQ9r8GKYqrTwjU PD8ILPZ",
        "whsec_MfKQ9r8GKYqrTwjUPD8IL-_Z",
        "whsec_==========",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPäZ",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo",
        "sixteen or more \udcff",
    ],
)
def test_a_damaged_secret_is_refused_without_repeating_it(damaged: str) -> None:
    with pytest.raises(ConfigurationError, match="damaged") as caught:
        clean_secret(damaged)
    assert damaged not in str(caught.value)


def test_base64_without_its_padding_is_the_same_key() -> None:
    padded = "whsec_" + base64.b64encode(b"k" * 32).decode()
    assert signing_key(padded.rstrip("=")) == signing_key(padded) == b"k" * 32


# Signing


def test_every_secret_signs_newest_first() -> None:
    header = sign([OTHER, SECRET], webhook_id="evt_1", timestamp=TIMESTAMP, body=BODY)
    first, second = header.split(" ")
    assert second == SIGNATURE
    assert first == sign([OTHER], webhook_id="evt_1", timestamp=TIMESTAMP, body=BODY)


@pytest.mark.parametrize("webhook_id", ["", "a.b", "a b", "a\n", "ä", "x" * 256])
def test_an_id_that_would_be_ambiguous_is_not_signed(webhook_id: str) -> None:
    with pytest.raises(ValueError, match="visible ASCII"):
        sign([SECRET], webhook_id=webhook_id, timestamp=TIMESTAMP, body=BODY)


# Verifying


def test_what_was_signed_is_given_back() -> None:
    assert check() == Signed(secret=SECRET, webhook_id="evt_1", timestamp=TIMESTAMP)
    assert check(webhook_id=b"evt_1", timestamp=b"1767225600", signature=SIGNATURE.encode()) == check()


@pytest.mark.parametrize("secrets", [(SECRET,), (OTHER, SECRET), (SECRET, OTHER), (OTHER, OTHER, SECRET)])
@pytest.mark.parametrize("signature", [SIGNATURE, f"{WRONG} {SIGNATURE}", f"{SIGNATURE} {WRONG}"])
def test_every_secret_is_tried_with_every_signature(secrets: tuple[str, ...], signature: str) -> None:
    assert check(secrets=secrets, signature=signature).secret == SECRET


def test_a_list_of_signatures_may_have_4096_bytes() -> None:
    longest = f"{SIGNATURE} v2,".ljust(4096, "x")
    assert check(signature=longest).secret == SECRET
    assert problem(signature=f"{longest}x").reason == "malformed_header"


def test_signatures_of_other_versions_are_skipped() -> None:
    assert check(signature=f"v1a,c2ln {SIGNATURE} v2,{'B' * 600}").secret == SECRET


@pytest.mark.parametrize("seconds", [-300, -299, 0, 299, 300, 300.9])
def test_300_seconds_off_are_allowed_both_ways(seconds: float) -> None:
    assert check(now=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (301, "301 s behind this server's clock"),
        (-301, "301 s ahead of this server's clock"),
        (86400, "86400 s behind"),
    ],
)
def test_a_clock_further_off_is_refused_with_its_direction(seconds: int, words: str) -> None:
    found = problem(now=NOW + timedelta(seconds=seconds))
    assert found.reason == "clock_off"
    assert words in found.detail


@pytest.mark.parametrize("name", ["webhook_id", "timestamp", "signature"])
@pytest.mark.parametrize("value", [None, "", b""])
def test_a_missing_header_is_named(name: str, value: bytes | str | None) -> None:
    found = problem(**{name: value})
    assert found.reason == "header_missing"
    assert name.removeprefix("webhook_") in found.detail


@pytest.mark.parametrize(
    "value",
    [
        SIGNATURE.replace(",", ""),  # no comma
        SIGNATURE.replace(",", ",,"),  # two commas
        f"{SIGNATURE},",
        "v1,not base64!",
        "v1,AAAA",
        f"v1,{'A' * 44}",
        f"v1,{'A' * 86}==",
        f"{SIGNATURE} ",  # trailing space
        f" {SIGNATURE}",
        f"{SIGNATURE}  {SIGNATURE}",
        f"{SIGNATURE}\n",
        f"{SIGNATURE}\t{SIGNATURE}",
        "v1,ä" + "A" * 42 + "=",
        "v1,\u20ac" + "A" * 42 + "=",  # outside Latin-1
        "v1,\udcff",
        "v1,",
        ",",
        ",AAAA",
        " ",
        "v1",
        "v1a,c2ln",  # no version that is known
        SIGNATURE.replace("/", "_").replace("+", "-"),
        f"{SIGNATURE},{SIGNATURE}",  # a header sent twice, as WSGI servers join it
        f"{SIGNATURE}, {SIGNATURE}",
        " ".join([SIGNATURE] * 5000),
        "v2," + "A" * 5000,
    ],
)
def test_a_malformed_signature_header_is_refused(value: str) -> None:
    assert problem(signature=value).reason == "malformed_header"


@pytest.mark.parametrize(
    "value",
    [
        "now",
        "-1767225600",
        "+1767225600",
        "1767225600.0",
        " 1767225600",
        "1767225600\n",
        "1_767_225_600",
        "1767225600000",  # milliseconds
        "9" * 5000,
        "1767225600,1767225600",
        "١٧٦٧٢٢٥٦٠٠",
        "¹",
        "nan",
        "inf",
        "0x6955b900",
    ],
)
def test_a_malformed_timestamp_is_refused(value: str) -> None:
    assert problem(timestamp=value).reason == "malformed_header"


@pytest.mark.parametrize("value", ["evt.1", "evt 1", "evt_1\n", "évt", "x" * 256, "evt_1, evt_1", "\x7f", "€"])
def test_a_malformed_id_is_refused(value: str) -> None:
    assert problem(webhook_id=value).reason == "malformed_header"


def test_another_secret_another_body_and_no_secret_are_told_as_a_difference() -> None:
    for changes in ({"secrets": (OTHER,)}, {"body": BODY + b"\n"}, {"secrets": ()}, {"webhook_id": "evt_1,evt_1"}):
        assert problem(**changes).reason == "signature_differs"


def test_no_detail_holds_a_secret_or_a_signature() -> None:
    for found in (problem(secrets=(OTHER,)), problem(signature=SIGNATURE + " x"), problem(now=NOW + timedelta(1))):
        assert SECRET not in found.detail
        assert OTHER not in found.detail
        assert SIGNATURE[3:20] not in found.detail


@pytest.mark.parametrize("cut", range(1, len(SIGNATURE)))
def test_every_prefix_and_suffix_of_a_signature_is_refused(cut: int) -> None:
    problem(signature=SIGNATURE[:cut])
    problem(signature=SIGNATURE[cut:])


def test_every_change_of_case_is_refused() -> None:
    for position, letter in enumerate(SIGNATURE):
        if letter.swapcase() != letter:
            problem(signature=SIGNATURE[:position] + letter.swapcase() + SIGNATURE[position + 1 :])


@pytest.mark.parametrize("name", ["webhook_id", "timestamp", "signature", "body"])
def test_every_changed_byte_is_refused(name: str) -> None:
    """Each byte of what is proven is changed in all 255 ways."""
    right = {
        "webhook_id": b"evt_1",
        "timestamp": b"1767225600",
        "signature": SIGNATURE.encode(),
        "body": BODY,
    }[name]
    for position in range(len(right)):
        for flipped in range(1, 256):
            changed = bytearray(right)
            changed[position] ^= flipped
            problem(**{name: bytes(changed)})


@given(
    webhook_id=st.none() | st.binary(max_size=40) | st.text(max_size=40),
    timestamp=st.none() | st.binary(max_size=20) | st.text(max_size=20),
    signature=st.none() | st.binary(max_size=200) | st.text(max_size=200),
)
def test_nothing_but_a_signature_problem_is_ever_raised(
    webhook_id: bytes | str | None, timestamp: bytes | str | None, signature: bytes | str | None
) -> None:
    problem(webhook_id=webhook_id, timestamp=timestamp, signature=signature)


@given(body=st.binary(max_size=300), webhook_id=st.from_regex(r"[!-\-/-~]{1,255}", fullmatch=True))
def test_what_is_signed_is_verified(body: bytes, webhook_id: str) -> None:
    header = sign([OTHER, SECRET], webhook_id=webhook_id, timestamp=TIMESTAMP, body=body)
    for secret in (OTHER, SECRET):
        assert check(webhook_id=webhook_id, signature=header, body=body, secrets=(secret,)).secret == secret


# Against the reference library


@given(body=st.text(st.characters(codec="utf-8"), max_size=300))
def test_the_reference_library_verifies_ours_and_we_theirs(body: str) -> None:
    secret, now = new_secret(), datetime.now(UTC)
    theirs = Webhook(secret).sign("msg_1", now, body)
    timestamp = int(now.timestamp())
    assert theirs == sign([secret], webhook_id="msg_1", timestamp=timestamp, body=body.encode())
    assert check(
        webhook_id="msg_1",
        timestamp=str(timestamp),
        signature=theirs,
        body=body.encode(),
        secrets=(secret,),
        now=now,
    )
    ours = sign([OTHER, secret], webhook_id="msg_1", timestamp=timestamp, body=body.encode())
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(timestamp), "webhook-signature": ours}
    Webhook(secret).verify(body.encode(), headers, json_parse=False)


def test_a_body_that_is_not_text_is_verified_too() -> None:
    """The reference library raises UnicodeDecodeError here."""
    header = sign([SECRET], webhook_id="evt_1", timestamp=TIMESTAMP, body=b"\xff\xfe\x00")
    assert check(signature=header, body=b"\xff\xfe\x00").secret == SECRET


# The plain field


def test_the_secret_that_a_value_equals_is_found() -> None:
    secrets = {secret: secret.encode() for secret in (OTHER, SECRET, "gänzlich-geheim-ключ")}
    for secret in secrets:
        assert equals_any(secret.encode(), secrets) == secret


@pytest.mark.parametrize(
    "value", [b"", SECRET[:-1].encode(), SECRET.encode() + b"\n", SECRET.lower().encode(), b"\xff" * 32]
)
def test_a_value_that_is_only_like_a_secret_is_none(value: bytes) -> None:
    assert equals_any(value, {SECRET: SECRET.encode()}) is None
    assert equals_any(value, {}) is None


def test_every_secret_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long == takes tells how many bytes were right."""
    compared: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return compare_digest(one, other)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    secrets = {secret: secret.encode() for secret in (OTHER, SECRET)}
    assert equals_any(SECRET.encode(), secrets) == SECRET
    assert compared == [(SECRET.encode(), value) for value in secrets.values()]

    compared.clear()
    assert check(secrets=(OTHER, SECRET)).secret == SECRET
    assert len(compared) == 2


def test_41_fields_are_compared_with_3_secrets_in_a_few_steps_each() -> None:
    secrets = {secret: secret.encode() for secret in (new_secret(), new_secret(), OTHER)}
    value = new_secret().encode()
    assert steps(lambda: [equals_any(value, secrets) for _ in range(41)]) < 41 * 3 * 5
