"""A verified body that can't be decoded is kept, shown, found by an erasure, and read again after a fix."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from receiver.customers import privacy
from receiver.dispatch.replay import Replay, Replayed
from receiver.errors import Undecodable
from receiver.intake import posts, unread_bodies
from receiver.intake.explanation import explain_receipt
from receiver.orders import Decoded, decode
from receiver.security import kept_bodies
from receiver.storage.models import OrderRow, RefusalRow
from tests.served import SECRET, Served, order_fields, signed
from tests.web.console.visitor import Visitor

JSON = "application/json"
CARD = "4111111111111111"
#: A trailing comma makes it no JSON.
BAD = b'{"order_id": "U-1", "customer": {"email": "Ada@Shop.example"}, "total": "19.99",}'
SMILE = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


@pytest.fixture
def idle(serve: Callable[..., Served]) -> Served:
    """Serve without running jobs."""
    return serve(work=False)


def owner(shop: Served) -> Visitor:
    visitor = Visitor(shop.base)
    visitor.sign_in()
    return visitor


def body_of(shop: Served, row: OrderRow) -> bytes:
    opened = kept_bodies.opened(shop.kit.secret_key, row.body or "")
    assert opened is not None
    return opened.raw


def replay(shop: Served, receipt: str) -> Replayed:
    again = Replay(sources=shop.kit.sources, registry=shop.kit.registry, bodies=shop.kit.bodies)
    (done,) = again.each(shop.kit.database, [receipt])
    return done


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (BAD, JSON),
        (SMILE, "image/png"),
        (b"order_id=%ff", "application/x-www-form-urlencoded; charset=klingon"),
        (b"[" * 5000 + b"]" * 5000, JSON),
        (b"hello, this is an order", "text/plain"),
        (b'{"a": 1} trailing', JSON),
        ("{'order_id': 'A-1', 'name': 'Zoë'}".encode("utf-16"), JSON),
        (b"<order><id>1</order>", "application/xml"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "text/xml"),
        (b"--x\r\nnothing of a part\r\n--x--", "multipart/form-data; boundary=x"),
        (b"a=1", "multipart/form-data"),
    ],
)
@pytest.mark.parametrize("way", ["header", "signature"])
def test_what_cannot_be_decoded_is_parked_with_its_bytes_and_the_reason(
    idle: Served, body: bytes, content_type: str, way: str
) -> None:
    headers = signed(body) if way == "signature" else None
    reply = idle.post(body, headers=headers, content_type=content_type)
    assert (reply.status, reply.content["status"]) == (202, "parked")
    (error,) = reply.content["errors"]
    assert (error["field"], error["message"].startswith("couldn't be read: ")) == ("body", True)

    (row,) = idle.rows()
    assert (row.state, row.fields, row.order_id, row.proof) == ("parked", "[]", None, way)
    assert body_of(idle, row) == body
    assert body[:20].decode("latin-1") not in (row.body or "")
    assert idle.rows(RefusalRow) == []


def test_the_same_bytes_twice_are_one_row_and_others_are_another(idle: Served) -> None:
    first, second = idle.post(BAD, content_type=JSON), idle.post(BAD, content_type=JSON)
    assert (second.status, second.content["status"]) == (200, "duplicate")
    assert second.content["receipt"] == first.content["receipt"]
    assert idle.post(BAD + b" ", content_type=JSON).content["receipt"] != first.content["receipt"]
    assert [row.copies for row in idle.rows()] == [1, 0]


@pytest.mark.parametrize(
    "body",
    [
        f'{{"key": "{SECRET}", "order_id": 1,}}',
        f'{{"key": {json.dumps(SECRET)}, "order_id": 1,}}'.replace("/", "\\/"),
        f"<order key='{SECRET}'><id>1</order>",
        f"<order><key>{SECRET}</key><id>1</order>",
        f"<order>key={quote(SECRET, safe='')}&amp;order_id=1",
    ],
)
def test_a_secret_in_a_body_that_cannot_be_decoded_verifies_it_and_is_not_kept(idle: Served, body: str) -> None:
    reply = idle.post(body.encode(), content_type=JSON, prove=False)
    assert reply.status == 202
    (row,) = idle.rows()
    assert row.proof == "field"
    assert SECRET not in body_of(idle, row).decode()


def test_an_unverified_one_is_refused_and_not_kept(idle: Served) -> None:
    assert idle.post(BAD, content_type=JSON, prove=False).status == 401
    assert idle.post(BAD, content_type=JSON, headers=signed(BAD + b" ")).status == 401
    assert idle.rows() == []


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET, safe=""),
        SECRET.replace("=", "%3d"),
        "".join(f"%{ord(character):02X}" for character in SECRET),
        "".join(f"\\u{ord(character):04x}" for character in SECRET),
        SECRET.replace("=", "&#61;").replace("_", "&#x5F;"),
        *(base64.b64encode(b"u" * before + SECRET.encode() + b":x").decode() for before in range(3)),
        base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
    ],
)
def test_a_secret_is_taken_out_of_the_bytes_in_every_form(idle: Served, form: str) -> None:
    idle.post(f'{{"a": "before {form} after",}}'.encode(), content_type=JSON)
    (row,) = idle.rows()
    kept = body_of(idle, row).decode()
    assert "[secret b469f92f]" in kept
    assert kept.startswith('{"a": "before ')
    assert kept.endswith(' after",}')
    assert form[8:40] not in kept


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (CARD, "****1111"),
        ("4111 1111 1111 1111", "****1111"),
        ("4111-1111-1111-1111 and more", "****1111 and more"),
        ("4111%201111%201111%201111", "****1111"),
        ("".join(f"%3{digit}" for digit in CARD), "****1111"),
        ("".join(f"\\u003{digit}" for digit in CARD), "****1111"),
        ("".join(f"&#{ord(digit)};" for digit in CARD), "****1111"),
        ("9999999999999995", "****9995"),  # nobody's range, but it passes Luhn
        ("4111111111111112", "4111111111111112"),
        ("99 " + CARD, "99 ****1111"),
        ("x" + CARD + "x", "x****1111x"),
        ("1" * 60, "1" * 60),
        ("٤١١١١١١١١١١١١١١١", "****1111"),
    ],
)
def test_card_numbers_in_the_bytes_are_masked(idle: Served, sent: str, kept: str) -> None:
    idle.post(f'{{"note": "{sent}",}}'.encode(), content_type=JSON)
    (row,) = idle.rows()
    assert body_of(idle, row).decode() == f'{{"note": "{kept}",}}'
    assert row.held_card_data == (sent != kept)


def test_a_card_number_in_utf_16_is_masked(idle: Served) -> None:
    idle.post(f'{{"note": "{CARD}",}}'.encode("utf-16"), content_type=JSON)
    assert CARD not in body_of(idle, idle.rows()[0]).decode("utf-16")


@pytest.mark.parametrize(
    "body",
    [
        f'{{"card_number": "{CARD}", "cvv": "123",}}',
        f"\x01card_number={CARD}&cvv=123",
        f"<order><card_number>{CARD}</card_number><cvv>123</cvv></ordr>",
    ],
)
def test_a_full_card_number_with_its_code_is_refused(idle: Served, body: str) -> None:
    reply = idle.post(body.encode(), content_type=JSON)
    assert reply.status == 422
    assert idle.rows() == []


def test_card_fields_are_emptied(idle: Served) -> None:
    idle.post(b'{"cvv": "123", "order_id": "7", "cvv2": 999,}', content_type=JSON)
    (row,) = idle.rows()
    assert body_of(idle, row) == b'{"cvv": "", "order_id": "7", "cvv2": ,}'
    assert json.loads(row.notes) == [
        "cvv was dropped: it is a security code",
        "cvv2 was dropped: it is a security code",
    ]


def test_two_card_numbers_with_one_end_are_two_bodies(idle: Served) -> None:
    for number in (CARD, "5100000000001111"):
        idle.post(f'{{"note": "{number}",}}'.encode(), content_type=JSON)
    assert len(idle.rows()) == 2


def test_it_is_shown_to_the_owner_and_read_again_after_a_fix(idle: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    body = b'{"order_id": "U-2", "total": "5", "customer_note": "<b>caf\xc3\xa9</b>",}'
    receipt = idle.post(body, content_type=JSON).content["receipt"]
    visitor = owner(idle)
    assert "See the body" in visitor.get("/admin/parked").html
    page = visitor.get(f"/admin/orders/{receipt}").html
    assert "couldn&#39;t be read" in page
    assert "&lt;b&gt;café&lt;/b&gt;" in page
    assert "Read it again" in page
    assert visitor.get(f"/admin/parked/{receipt}/map").status == 409
    with idle.kit.database.read() as session:
        explained = explain_receipt(session, receipt, idle.kit.sources)
    assert "couldn't be read" in explained.as_text()

    done = replay(idle, receipt)
    assert (done.state, "still can't be read" in done.became) == ("failed", True)

    def fixed(body: bytes, content_type: str | None, max_fields: int) -> Decoded:
        return decode(body.replace(b",}", b"}"), content_type, max_fields)

    monkeypatch.setattr(unread_bodies, "decode", fixed)
    assert replay(idle, receipt).state == "open"
    (row,) = idle.rows()
    assert (row.order_id, row.state, row.body) == ("U-2", "open", None)
    assert ["order_id", "U-2"] in json.loads(row.fields)
    monkeypatch.setattr(posts, "decode", fixed)
    assert idle.post(body.replace(b",}", b"}"), content_type=JSON).content["status"] == "duplicate"


def test_a_dismissed_one_can_be_read_again_too(shop: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    receipt = shop.post(BAD, content_type=JSON).content["receipt"]
    with shop.kit.database.write() as session:
        session.get_one(OrderRow, 1).state = "ignored"
    monkeypatch.setattr(unread_bodies, "decode", lambda *_: Decoded([("order_id", "U-3")]))
    assert replay(shop, receipt).state == "open"


def test_one_under_another_key_says_so(idle: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    receipt = idle.post(BAD, content_type=JSON).content["receipt"]
    monkeypatch.setattr(kept_bodies, "opened", lambda *_: None)
    assert "another SECRET_KEY" in replay(idle, receipt).became
    assert "can&#39;t be shown" in owner(idle).get(f"/admin/orders/{receipt}").html.replace("'", "&#39;")


@pytest.mark.parametrize(
    "body",
    [
        BAD,
        b'{"mail": "Ada%40shop.example",}',
        b"<a>mail=ada%40shop.example&x=1",
        b'{"mail": "ada\\u0040shop.example",}',
        b"<a><mail>ada&#64;shop.example</mail>",
        b'{"to": "Ada <ada@shop.example>.",}',
    ],
)
def test_an_erasure_finds_the_email_in_kept_bodies(idle: Served, body: bytes) -> None:
    idle.post(body, content_type=JSON)
    idle.post(b'{"mail": "bob@shop.example, not-ada@shop.example",}', content_type=JSON)
    key = idle.kit.secret_key
    with idle.kit.database.read() as session:
        (exported,) = privacy.export(session, "ada@shop.example", secret_key=key)["unread_orders"]
    assert "shop.example" in exported["body_as_received"].lower().replace("%40", "@")
    privacy.erase(idle.kit.database, idle.kit.transport, "ada@shop.example", secret_key=key)
    first, second = idle.rows()
    assert (first.body, first.state, first.fields) == (None, "ignored", "[]")
    assert second.body is not None


def test_retention_takes_the_body_of_what_is_settled(idle: Served) -> None:
    idle.post(BAD, content_type=JSON)
    with idle.kit.database.write() as session:
        session.get_one(OrderRow, 1).state = "ignored"
    now = idle.rows()[0].received_at + timedelta(days=366)
    list(idle.kit.retention.purge(now, trust_clock=True))
    assert idle.rows()[0].body is None


def test_a_body_of_card_numbers_is_cleaned_in_time(idle: Served) -> None:
    hostile: list[Any] = [b"1 " * 100_000, b"a." * 100_000, b"4" * 200_000, b"<a " * 60_000, b'"' * 200_000]
    for body in hostile:
        assert idle.post(b"\x00" + body, content_type="image/png").status in (202, 413)


def test_the_error_is_the_decoders_own_words(idle: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Decoded:
        raise Undecodable("The body is written in runes.")

    monkeypatch.setattr(posts, "decode", fail)
    (error,) = idle.post(order_fields()).content["errors"]
    assert error["message"] == "couldn't be read: The body is written in runes."
