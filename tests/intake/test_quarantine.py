"""What waits in quarantine is bounded in rows, bytes and kinds of content, and nobody sees it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from receiver.intake import quarantine
from receiver.intake.quarantine import Quarantine
from receiver.orders import decode
from receiver.security.signing import SignatureProblem
from receiver.sources import AskLater, Confirmed, Question, Source, Unverified, source_kind
from receiver.storage.models import OrderRow, QuarantineRow, RefusalRow
from tests.served import SECRET, Served

KEY = "secret api key of the shop"
TOKEN = {"X-Snipcart-RequestToken": "token-0001-of-this-post"}
TABLES = {
    "cart": {"kind": "snipcart", "secrets": [KEY]},
    "pay": {"kind": "mollie", "secrets": ["live_0123456789abcdefghij"]},
}
ORDER = b'{"eventName": "order.completed", "content": {"token": "a-1", "note": "n"}}'
Serve = Callable[..., Served]


@source_kind("exact")
class Exact(Source):
    """A kind whose question needs the very bytes."""

    class _Bytes(Question):
        hosts = ("exact.example",)
        headers = ("X-Needed",)
        checked: ClassVar[list[Unverified]] = []

        def keeps(self, body: bytes) -> bytes:
            return body

        def check(self, sent: Unverified, _secrets: object) -> None:
            self.checked.append(sent)
            if sent.field("fail"):
                raise KeyError(sent.field("fail"))
            if sent.field("refuse"):
                raise SignatureProblem("field_missing", "It has the field refuse.")

        def ask(self, *_: object) -> Confirmed:
            raise AskLater("Nobody answers.")

    asks = _Bytes()


@pytest.fixture
def shop(serve: Serve) -> Served:
    return serve(work=False, sources=TABLES)


@pytest.fixture
def exact(shop: Served, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Post to a source whose question keeps the bytes, and give the status."""
    monkeypatch.setattr(shop.kit.sources, "_sources", {"exact": Exact("exact", secrets=(KEY,)).with_rules({})})
    monkeypatch.setattr(shop.kit.sources, "_look", lambda: None)
    Exact._Bytes.checked.clear()

    def post(body: bytes, **headers: str) -> int:
        sent = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        return shop.post(body, path="/orders/exact", headers=sent, content_type=None).status

    return post


def post(shop: Served, body: bytes = ORDER, headers: dict[str, str] | None = None, path: str = "cart") -> Any:
    sent = TOKEN if headers is None else headers
    return shop.post(body, path=f"/orders/{path}", headers=sent, content_type="application/json")


def kept(shop: Served) -> list[quarantine.Kept | None]:
    secret_key = shop.kit.settings.SECRET_KEY.get_secret_value()
    return [quarantine.opened(secret_key, row.sent) for row in shop.rows(QuarantineRow)]


def reasons(shop: Served) -> list[str]:
    shop.kit.refusals.flush()
    return [row.reason for row in shop.rows(RefusalRow)]


def test_it_is_answered_once_it_is_on_disk_and_is_no_order(shop: Served) -> None:
    reply = post(shop)
    assert (reply.status, reply.content) == (200, {})
    (row,), (found,) = shop.rows(QuarantineRow), kept(shop)
    assert (row.source, row.state, row.times, row.address) == ("cart", "open", 1, "127.0.0.1")
    assert found is not None
    assert found.fields == decode(ORDER, "application/json", 100).fields
    assert (found.headers, found.content_type, found.body) == (
        {"x-snipcart-requesttoken": "token-0001-of-this-post"},
        "application/json",
        b"",
    )
    assert (shop.rows(OrderRow), reasons(shop)) == ([], [])
    with shop.kit.database.read() as session:
        assert quarantine.counts(session) == {"cart": 1}


def test_the_same_again_is_the_same_row_and_another_token_is_another(shop: Served) -> None:
    assert [post(shop).status for _ in range(3)] == [200] * 3
    assert post(shop, headers={"X-Snipcart-RequestToken": "token-0002-of-this-post"}).status == 200
    assert [row.times for row in shop.rows(QuarantineRow)] == [3, 1]


def test_a_full_one_answers_503_until_there_is_room(shop: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine, "MOST_ROWS", 2)

    def number(n: int) -> Any:
        return post(shop, ORDER.replace(b"a-1", b"a-%d" % n))

    assert [number(n).status for n in range(3)] == [200, 200, 503]
    assert number(3).headers["Retry-After"] == "30"
    assert shop.post({"id": "tr_1"}, path="/orders/pay", headers={}).status == 200  # each source has room of its own
    with shop.kit.database.write() as session:
        session.delete(session.get_one(QuarantineRow, 1))
    assert number(4).status == 200


def test_a_full_one_reads_no_body(shop: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking for card data in 64 KB takes far longer than looking whether there's room."""
    monkeypatch.setattr(quarantine, "MOST_ROWS", 0)
    assert post(shop, b'{"card": {"number": "4111111111111111", "cvv": "123"}}').status == 503
    assert reasons(shop) == []


def test_a_full_one_is_told_of_once_a_minute_and_source(
    shop: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(quarantine, "MOST_ROWS", 0)

    def told() -> list[str]:
        return [one.getMessage() for one in caplog.records if one.levelname == "ERROR"]

    assert [post(shop).status for _ in range(5)] == [503] * 5
    (line,) = told()
    assert line.startswith("The quarantine of the source cart is full: 0 POSTs wait")
    assert shop.post({"id": "tr_1"}, path="/orders/pay", headers={}).status == 503
    assert ["source cart" in one for one in told()] == [True, False]
    monkeypatch.setattr(quarantine, "_TOLD_EVERY", 0)  # a minute later
    assert post(shop).status == 503
    assert len(told()) == 3


def test_one_address_cannot_keep_others_out(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine, "MOST_OF_ADDRESS", 2)
    shop = serve(work=False, sources=TABLES, TRUSTED_PROXIES=1)

    def number(n: int, address: str) -> int:
        headers = {**TOKEN, "X-Forwarded-For": address}
        status: int = post(shop, ORDER.replace(b"a-1", b"a-%d" % n), headers).status
        return status

    assert [number(n, "198.51.100.7") for n in range(3)] == [200, 200, 503]
    assert number(4, "203.0.113.1") == 200


def test_two_at_once_do_not_make_it_fuller(shop: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([False])  # the first look, outside of the transaction, comes too early

    def look(*args: Any) -> None:
        if next(looks, True):
            refuse(*args)

    refuse = Quarantine._refuse_if_full
    monkeypatch.setattr(quarantine, "MOST_ROWS", 0)
    monkeypatch.setattr(Quarantine, "_refuse_if_full", look)
    assert post(shop).status == 503
    assert shop.rows(QuarantineRow) == []


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (
            json.dumps({"content": {"token": "a-1", "note": "n" * quarantine.MOST_BYTES}}).encode(),
            413,
            "too_large_to_ask",
        ),
        (b'{"a": ', 400, "broken_off"),
        (b"{}", 400, "empty_body"),
        (b'{"card": {"number": "4111111111111111", "cvv": "123"}}', 422, "card_data"),
    ],
)
def test_what_is_too_large_or_unreadable_or_a_card_is_refused(
    shop: Served, body: bytes, status: int, reason: str
) -> None:
    assert post(shop, body).status == status
    assert (reasons(shop), shop.rows(QuarantineRow)) == ([reason], [])


def test_card_data_and_secrets_are_taken_out_before_it_is_kept(shop: Served) -> None:
    body = {"content": {"token": "a-1", "notes": f"my card 4111 1111 1111 1111, {SECRET}", "card_expiry": "12/29"}}
    assert post(shop, json.dumps(body).encode()).status == 200
    (found,) = kept(shop)
    assert found is not None
    assert found.held_card_data
    assert not {"4111 1111 1111 1111", SECRET, "12/29"} & set(str(found.fields).split())
    assert [note for note in found.notes if "card" in note]
    assert SECRET not in str(found.fields)


def test_without_a_token_a_key_or_where_all_must_be_signed_it_is_refused(serve: Serve) -> None:
    tables = {"cart": TABLES["cart"], "bare": {"kind": "snipcart"}}
    shop = serve(work=False, sources=tables)
    odd = {"X-Snipcart-RequestToken": "../../etc"}
    assert [post(shop, headers=one).status for one in ({}, odd, {"X-Shared-Secret": KEY})] == [401] * 3
    assert post(shop, path="bare").status == 401
    assert reasons(shop) == ["header_missing", "malformed_header", "header_missing", "no_secret_of_source"]
    strict = serve(work=False, sources=TABLES, REQUIRE_SIGNATURE=True)
    assert post(strict).status == 401
    assert reasons(strict)[-1] == "signature_required"
    assert strict.post({"id": "tr_1"}, path="/orders/pay", headers={}).status == 200


def test_a_source_whose_secrets_cannot_be_read_is_answered_503(shop: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    cart = replace(shop.kit.sources.get("cart"), trouble="Its secrets can't be read.")
    monkeypatch.setattr(shop.kit.sources, "_sources", {"cart": cart})
    monkeypatch.setattr(shop.kit.sources, "_look", lambda: None)
    assert post(shop).status == 503
    assert (reasons(shop), shop.rows(QuarantineRow)) == ([], [])


def test_the_very_bytes_are_kept_where_they_are_needed(shop: Served, exact: Callable[..., int]) -> None:
    assert exact(b"b=%41&a=+1&b=2", **{"X-Needed": "7", "X-Other": "8"}) == 202
    (found,) = kept(shop)
    assert found is not None
    assert (found.body, found.headers) == (b"b=%41&a=+1&b=2", {"x-needed": "7"})
    (checked,) = Exact._Bytes.checked
    assert (checked.body, checked.field("a"), checked.field("nothing")) == (found.body, " 1", "")


def test_a_question_that_fails_refuses_the_post(shop: Served, exact: Callable[..., int]) -> None:
    assert exact(b"fail=a+value+of+the+customer%27s") == 401
    shop.kit.refusals.flush()
    (refusal,) = shop.rows(RefusalRow)
    assert refusal.reason == "scheme_failed"
    assert refusal.detail.startswith("The question of this source failed: test_quarantine.py, line ")
    assert "customer's" not in refusal.detail


def test_card_data_in_bytes_that_must_be_kept_refuses_them(shop: Served, exact: Callable[..., int]) -> None:
    assert exact(b"order=7&memo=card+4111111111111111+thanks") == 422
    assert exact(b"order=7&refuse=me") == 401
    shop.kit.refusals.flush()
    card, problem = shop.rows(RefusalRow)
    assert (card.reason, problem.reason) == ("card_data", "field_missing")
    assert "memo" in card.detail
    assert shop.rows(QuarantineRow) == []
