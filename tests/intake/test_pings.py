"""Set-up pings: what a service sends when its address is entered, by any method, verified or not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest

from receiver.intake import refusals
from receiver.orders.pings import looks_like_ping
from receiver.storage.models import RefusalRow
from tests.served import SECRET, Served, order_fields, signed

JSON = "application/json"


@pytest.fixture
def idle(serve: Callable[..., Served]) -> Served:
    """Serve without running jobs."""
    return serve(work=False)


def listed(shop: Served) -> list[tuple[str, str]]:
    shop.kit.refusals.flush()
    return [(row.reason, row.detail) for row in shop.rows(RefusalRow)]


#: Names that no source can have.
ODD = [
    "/orders/eu/",
    "/orders/a/b",
    "/orders/a/b/",
    "/orders/a%2Fb",
    "/orders/a//b",
    "/orders/%00",
    "/orders/%FF",
    "/orders/..;",
]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/orders", "/orders/", "/orders/eu", "/orders/nowhere", f"/orders/{SECRET}", *ODD])
@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "text/html;q=0", "text/html,*/*;q=0.8"])
def test_whoever_looks_is_answered_alike_at_every_name(
    serve: Callable[..., Served], method: str, path: str, accept: str | None
) -> None:
    shop = serve(work=False, sources={"eu": {"secrets": ["a-secret-of-one-source"]}})
    reply = shop.request(method, path, headers={"Accept": accept} if accept else {"Cookie": "receiver=x"})
    shows_page = accept is not None and accept.startswith("text/html,")
    assert (reply.status, reply.headers["Content-Type"].partition(";")[0]) == (
        200,
        "text/html" if shows_page else "text/plain",
    )
    assert (int(reply.headers["Content-Length"]) > 0) == shows_page
    assert "Set-Cookie" not in reply.headers
    assert (shop.rows(), listed(shop)) == ([], [])


def test_a_post_to_a_name_with_slashes_is_listed_as_one_to_an_unknown_source(serve: Callable[..., Served]) -> None:
    shop = serve(work=False, sources={"eu": {"secrets": ["a-secret-of-one-source"]}})
    headers = {"X-Shared-Secret": "a-secret-of-one-source", "Content-Type": "application/x-www-form-urlencoded"}
    body = urlencode(order_fields(order_id="S-1")).encode()
    statuses = [
        shop.request("POST", f"/orders/{name}", body=body, headers=headers).status for name in ("eu/", "eu/new")
    ]
    assert statuses == [202, 404]
    assert [reason for reason, _ in listed(shop)] == ["unknown_source"]


def test_put_is_taken_like_post(idle: Served) -> None:
    body = urlencode(order_fields(order_id="P-1")).encode()
    headers = {"X-Shared-Secret": SECRET, "Content-Type": "application/x-www-form-urlencoded"}
    assert idle.request("PUT", "/orders", body=body, headers=headers).status == 202
    assert idle.request("POST", "/orders", body=body, headers=headers).content["status"] == "duplicate"
    assert idle.request("PUT", "/orders", body=body).status == 401


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (f"test=test&api_key={SECRET}".replace("+", "%2B"), "application/x-www-form-urlencoded"),
        (json.dumps({"event": "webhook.test", "key": SECRET}), JSON),
        (json.dumps({"type": "ping", "created_at": "2026-11-30T10:00:00Z", "auth": SECRET}), JSON),
        (json.dumps({"zen": "Keep it simple.", "hook_id": 7, "hook": {"url": "x"}, "secret": SECRET}), JSON),
        (json.dumps({"test": True, "token": SECRET}), JSON),
        (json.dumps({"message": "Hello world", "token": SECRET}), JSON),
    ],
)
def test_a_verified_ping_is_answered_and_nothing_is_parked(idle: Served, body: str, content_type: str) -> None:
    reply = idle.post(body.encode(), content_type=content_type, prove=False)
    assert (reply.status, reply.content) == (200, {"status": "ping"})
    assert idle.rows() == []
    ((reason, _),) = listed(idle)
    assert reason == "ping"


def test_one_that_a_header_verifies_is_a_ping_too(idle: Served) -> None:
    for headers in ({"X-Shared-Secret": SECRET}, signed(b"test=test")):
        assert idle.post(b"test=test", headers=headers).content == {"status": "ping"}


def test_a_ping_is_no_refusal_in_the_figures_but_is_listed(idle: Served) -> None:
    idle.post(b"test=test")
    assert listed(idle) == [("ping", "A set-up ping, verified by the secret.")]
    with idle.kit.database.read() as session:
        assert refusals.counts_since(session, idle.rows(RefusalRow)[0].at) == {}
        assert refusals.newest_of_each_reason(session, idle.rows(RefusalRow)[0].at) == []
        assert refusals.counts_since(session, idle.rows(RefusalRow)[0].at, with_pings=True) == {"ping": 1}


def test_an_unverified_ping_is_refused_and_the_list_says_what_it_was(idle: Served) -> None:
    assert idle.post(b"test=test", prove=False).status == 401
    assert idle.post(order_fields(), prove=False).status == 401
    ping, order = listed(idle)
    assert ping[0] == order[0] == "unknown_secret"
    assert ping[1].endswith("It looks like a set-up ping, and not like an order.")
    assert "ping" not in order[1]


@pytest.mark.parametrize(
    "fields",
    [
        [("order_id", "1"), ("test", "true")],
        [("test", "true"), ("total", "5")],
        [("id", "7"), ("test", "1")],
        [("event", "order.paid")],
        [("message", "please test this mug"), ("x", "1")],
        [("test", "x" * 300)],
        [("", "test")],
        [("timestamp", "1")],
        [],
        [(f"test{'s' * (number % 2)}", "1") for number in range(7)],
    ],
)
def test_what_may_be_an_order_is_no_ping(fields: list[tuple[str, str]]) -> None:
    assert not looks_like_ping(fields)


def test_a_kind_of_source_knows_its_own_unsigned_ping(instance: Path, serve: Callable[..., Served]) -> None:
    shop = serve(work=False, sources={"wc": {"kind": "woocommerce", "secrets": ["the-secret-of-woocommerce"]}})
    reply = shop.post(b"webhook_id=12", path="/orders/wc", prove=False)
    assert (reply.status, reply.content) == (200, {"status": "ping"})
    for body in (b"webhook_id=12&a=b", b"webhook_id=x", b"webhook_id=", b"order_id=1", b"webhook_id=" + b"1" * 5000):
        assert shop.post(body, path="/orders/wc", prove=False).status == 401
    assert shop.post(b"webhook_id=12", prove=False).status == 401
    assert shop.rows() == []
    assert listed(shop)[0] == ("ping", "The shop's own set-up ping, which isn't signed.")


KIND = """
from receiver.sources.source import Source, source_kind

@source_kind("broken")
class Broken(Source):
    def is_ping(self, headers, fields, raw):
        raise KeyError(raw)
"""


def test_a_kind_whose_own_check_fails_refuses(instance: Path, serve: Callable[..., Served]) -> None:
    (instance / "sources").mkdir(exist_ok=True)
    (instance / "sources" / "broken.py").write_text(KIND)
    shop = serve(work=False, sources={"b": {"kind": "broken", "secrets": ["the-secret-of-broken-1"]}})
    assert shop.post(b"order_id=1", path="/orders/b", prove=False).status == 401
