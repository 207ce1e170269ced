"""Compressed bodies: inflated within the limit, verified before and after, read as what they are."""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections.abc import Callable
from urllib.parse import urlencode

import brotli
import pytest

from receiver.intake import posts
from receiver.intake.inflating import inflated
from receiver.storage.models import RefusalRow
from tests.served import SECRET, Served, order_fields, signed

JSON = "application/json"


def raw_deflate(body: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(body) + compressor.flush()


WAYS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "GZip": gzip.compress,
    "deflate": zlib.compress,
    "deflate ": raw_deflate,
    "br": brotli.compress,
}


@pytest.fixture
def idle(serve: Callable[..., Served]) -> Served:
    """Serve without running jobs."""
    return serve(work=False)


@pytest.mark.parametrize("coding", WAYS)
@pytest.mark.parametrize("way", ["header", "field", "signature", "signature of what was compressed"])
def test_a_compressed_order_is_accepted_whatever_verifies_it(idle: Served, coding: str, way: str) -> None:
    fields = order_fields(order_id="Z-1") | ({"key": SECRET} if way == "field" else {})
    plain = urlencode(fields).encode()
    body = WAYS[coding](plain)
    proofs = {"header": {"X-Shared-Secret": SECRET}, "field": {}, "signature": signed(body)}
    reply = idle.post(body, headers={**proofs.get(way, signed(plain)), "Content-Encoding": coding})

    assert (reply.status, reply.content["status"], reply.content["order_id"]) == (202, "accepted", "Z-1")
    (row,) = idle.rows()
    assert row.proof == way.partition(" ")[0]
    assert SECRET not in row.fields


@pytest.mark.parametrize("coding", WAYS)
@pytest.mark.parametrize("is_verified", [True, False])
def test_a_bomb_is_413_and_takes_no_memory(idle: Served, coding: str, is_verified: bool) -> None:
    bomb = WAYS[coding](b"a" * 60_000_000)
    headers = {"Content-Encoding": coding} | ({"X-Shared-Secret": SECRET} if is_verified else {})
    reply = idle.post(bomb, headers=headers, content_type=JSON)
    assert (reply.status, "inflated" in reply.content["detail"]) == (413, True)
    assert idle.rows() == []


@pytest.mark.parametrize("coding", WAYS)
def test_a_stream_that_breaks_off_is_400(idle: Served, coding: str) -> None:
    body = WAYS[coding](urlencode(order_fields()).encode() * 50)
    headers = {"X-Shared-Secret": SECRET, "Content-Encoding": coding}
    assert idle.post(body[:-9], headers=headers).status == 400
    assert idle.rows() == []


def test_all_streams_of_gzip_are_read_and_nothing_that_follows_is_dropped(idle: Served) -> None:
    first, rest = urlencode(order_fields(order_id="Z-5")).encode(), b"&item_2_name=Plate&item_2_unit_price=1"
    headers = {"X-Shared-Secret": SECRET, "Content-Encoding": "gzip"}
    two = idle.post(gzip.compress(first) + gzip.compress(rest), headers=headers)
    assert two.content["status"] == "accepted"
    assert json.loads(idle.rows()[0].fields)[-2:] == [["item_2_name", "Plate"], ["item_2_unit_price", "1"]]
    for coding, tail in (("gzip", b"\0\0\r\n"), ("deflate", b"\n")):
        again = idle.post(WAYS[coding](first + rest) + tail, headers={**headers, "Content-Encoding": coding})
        assert again.content["status"] == "duplicate"
    for coding in ("gzip", "deflate", "deflate "):
        other = idle.post(WAYS[coding](first) + rest, headers={**headers, "Content-Encoding": coding})
        assert (other.status, other.content["status"]) == (202, "parked")
    many = idle.post(gzip.compress(b"") * 101 + gzip.compress(first), headers=headers)
    assert many.content["status"] == "parked"


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "utf-8", "none", "aws-chunked", "zstd"])
def test_a_plain_body_is_read_as_it_is_whatever_the_header_says(idle: Served, coding: str) -> None:
    body = json.dumps({"order_id": "Z-2", "total": "5", "key": SECRET}).encode()
    reply = idle.post(body, headers={"Content-Encoding": coding}, content_type=JSON)
    assert (reply.status, reply.content["order_id"]) == (202, "Z-2")
    assert "isn't compressed as its Content-Encoding says" in idle.rows()[0].notes


@pytest.mark.parametrize(("coding", "body"), [("zstd", b"\x28\xb5\x2f\xfd\x00"), ("gzip", b"\x1f\x8b\x09\xff\xff")])
def test_what_cannot_be_inflated_is_kept_if_it_is_verified(idle: Served, coding: str, body: bytes) -> None:
    assert idle.post(body, headers={"Content-Encoding": coding}).status == 401
    assert idle.rows() == []
    for headers in ({"X-Shared-Secret": SECRET}, signed(body)):
        reply = idle.post(body, headers={**headers, "Content-Encoding": coding})
        assert reply.status in (200, 202)
    (row,) = idle.rows()
    assert (row.state, row.copies, "Content-Encoding" in (row.errors or "")) == ("parked", 1, True)


def test_a_wrong_signature_over_both_is_401(idle: Served) -> None:
    body = gzip.compress(b"order_id=1")
    assert idle.post(body, headers={**signed(b"other"), "Content-Encoding": "gzip"}).status == 401
    idle.kit.refusals.flush()
    assert [row.reason for row in idle.rows(RefusalRow)] == ["unknown_secret"]


def test_an_undecodable_body_is_kept_inflated(idle: Served) -> None:
    body = gzip.compress(b'{"a": 1,}')
    idle.post(body, headers={"X-Shared-Secret": SECRET, "Content-Encoding": "gzip"}, content_type=JSON)
    assert idle.kit.bodies.text(idle.rows()[0]) == '{"a": 1,}'


#: More bytes, and more values, than are searched for a secret.
MUCH = [
    {f"custom_{number}": "x" * 300 for number in range(4_000)},
    {f"custom_{number}": "1" for number in range(5_000)},
]


def test_a_verified_body_may_be_as_large_as_the_setting_and_an_unverified_one_2_mib(
    serve: Callable[..., Served],
) -> None:
    shop = serve(work=False, MAX_BODY_BYTES=8_000_000)
    body = gzip.compress(urlencode({"order_id": "Z-3", "note": "x" * 3_000_000, "key": SECRET}).encode())
    assert shop.post(body, headers={"Content-Encoding": "gzip"}).status == 413
    assert shop.post(body, headers={"X-Shared-Secret": SECRET, "Content-Encoding": "gzip"}).status == 202


@pytest.mark.parametrize("more", MUCH, ids=["bytes", "values"])
def test_a_verified_compressed_body_may_hold_more_than_is_searched_for_a_secret(
    idle: Served, more: dict[str, str]
) -> None:
    """A few hundred bytes inflated to so many values that decoding them took 0.2 s, and nobody had verified them."""
    body = gzip.compress(urlencode({**order_fields(order_id="Z-7"), **more, "key": SECRET}).encode())
    refused = idle.post(body, headers={"Content-Encoding": "gzip"})
    assert (refused.status, "send it in a header, or don't compress" in refused.content["detail"]) == (413, True)
    for headers in ({"X-Shared-Secret": SECRET}, signed(body)):
        reply = idle.post(body, headers={**headers, "Content-Encoding": "gzip"})
        assert (reply.status in (200, 202), reply.content["order_id"]) == (True, "Z-7")


@pytest.mark.parametrize("more", MUCH, ids=["bytes", "values"])
def test_a_signature_of_an_inflated_body_counts_though_that_is_large(idle: Served, more: dict[str, str]) -> None:
    plain = urlencode({**order_fields(order_id="Z-4"), **more}).encode()
    reply = idle.post(gzip.compress(plain), headers={**signed(plain), "Content-Encoding": "gzip"})
    assert (reply.status, reply.content["order_id"]) == (202, "Z-4")


def test_a_secret_is_found_in_a_field_of_a_compressed_order_of_usual_size(idle: Served) -> None:
    fields = order_fields(order_id="Z-6", custom_note="x" * 200_000) | {
        f"custom_{number}": "1" for number in range(2_000)
    }
    body = gzip.compress(urlencode({**fields, "key": SECRET}).encode())
    reply = idle.post(body, headers={"Content-Encoding": "gzip"})
    assert (reply.status, reply.content["status"]) == (202, "accepted")


def test_only_a_few_large_unverified_bodies_are_decoded_at_once(idle: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posts, "_PATIENCE_SECONDS", 0.01)
    large = b"note=" + b"x" * 300_000
    compressed_large = b"note=" + os.urandom(300_000)
    with posts._LARGE_AT_ONCE, posts._LARGE_AT_ONCE:
        small = idle.post(b"note=1", prove=False)
        small_too = idle.post(gzip.compress(b"note=1"), headers={"Content-Encoding": "gzip"})
        broken = idle.post(gzip.compress(b"note=1")[:-4], headers={"Content-Encoding": "gzip"})
        plain = idle.post(large, prove=False)
        compressed = idle.post(gzip.compress(compressed_large), headers={"Content-Encoding": "gzip"})
        proven = idle.post(
            gzip.compress(b"order_id=1"), headers={"X-Shared-Secret": SECRET, "Content-Encoding": "gzip"}
        )
    assert (small.status, small_too.status, broken.status) == (401, 401, 400)
    assert (plain.status, compressed.status, proven.status) == (503, 503, 202)
    assert compressed.headers["Retry-After"]


def test_a_body_without_a_coding_stays_as_it_is() -> None:
    assert inflated(b"a", None, 10).raw == b"a"
    assert inflated(b"a", " Identity ", 10).raw == b"a"
    assert inflated(brotli.compress(b"a" * 10), "br", 10).raw == b"a" * 10
