from __future__ import annotations

import contextlib
import json
import logging
import socket
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from urllib3 import PoolManager

from receiver.orders import Customer, Item, Order
from receiver.relay.failures import Outcome
from receiver.relay.sender import Answer, post, send
from receiver.security.answers import MOST_ANSWER_BYTES
from receiver.security.http_client import new_pool
from receiver.security.signing import fingerprint, sign, verify
from tests.hostile_servers import (
    Answerer,
    Request,
    Server,
    drip,
    flood,
    raw,
    reply,
    self_signed,
    server_context,
    serving,
    silence,
)
from tests.waiting import SOON, wait_for

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaL/Sw"
OLDER = "a shared secret of 27 chars"
NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
ACCEPTED = reply("202 Accepted", b'{"status": "accepted"}', Content_Type="application/json")
ORDER = Order(
    event_id="evt_1",
    order_id="1001",
    order_date=NOW,
    currency="EUR",
    total=Decimal("37.00"),
    customer=Customer(email="zoe@example.com", first_name="Zoë"),
    items=(Item(name="Mug & Łódź", quantity=2, unit_price=Decimal("18.50")),),
)


@pytest.fixture
def pool() -> Iterator[PoolManager]:
    with new_pool(allow_private=True, https_only=False) as made:
        yield made


@pytest.fixture
def hasty_pool() -> Iterator[PoolManager]:
    with new_pool(allow_private=True, https_only=False, connect_seconds=0.5, total_seconds=1) as made:
        yield made


def answer_to(answerer: Answerer, pool: PoolManager) -> Answer:
    """Post the order to a server that answers so; return what came of it."""
    with serving(answerer) as server:
        return post(server.url(), [SECRET], ORDER, pool=pool)


def verified(request: Request, secret: str, now: datetime = NOW) -> str:
    return verify(
        webhook_id=request.headers["webhook-id"],
        timestamp=request.headers["webhook-timestamp"],
        signature=request.headers["webhook-signature"],
        body=request.body,
        secrets=[secret],
        now=now,
    ).secret


# What is sent


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(ACCEPTED) as running:
        yield running


def test_an_order_is_posted_as_a_signed_form(server: Server, pool: PoolManager) -> None:
    answer = post(server.url("/orders?source=a"), [SECRET], ORDER, pool=pool, now=NOW)
    request = server.requests[0]
    assert request.line == "POST /orders?source=a HTTP/1.1"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.headers["webhook-id"] == "evt_1"
    assert request.headers["webhook-timestamp"] == "1795442700"
    assert verified(request, SECRET) == SECRET
    fields = dict(parse_qsl(request.body.decode()))
    assert (fields["order_id"], fields["total"], fields["item_1_name"]) == ("1001", "37.00", "Mug & Łódź")
    assert "shared_secret" not in fields
    assert (answer.outcome, answer.status) == (Outcome.DELIVERED, 202)
    assert answer.body == b'{"status": "accepted"}'
    assert answer.content_type == "application/json"
    assert (answer.address, answer.tls) == ("127.0.0.1", None)
    assert (answer.kind, answer.cause, answer.next_step, answer.retry_after) == ("", "", "", None)
    assert 0 <= answer.milliseconds < 1_000 * SOON
    assert {name: request.headers[name.lower()] for name in answer.headers_sent} == answer.headers_sent


def test_an_order_is_posted_as_signed_json(server: Server, pool: PoolManager) -> None:
    post(server.url(), [SECRET], ORDER, pool=pool, now=NOW, encoding="json")
    request = server.requests[0]
    assert request.headers["content-type"] == "application/json"
    assert verified(request, SECRET) == SECRET
    assert json.loads(request.body)["customer"]["first_name"] == "Zoë"


@pytest.mark.parametrize("encoding", ["form", "json"])
def test_the_newest_secret_travels_in_the_field_that_the_merchant_named(
    server: Server, pool: PoolManager, encoding: Any
) -> None:
    answer = post(
        server.url(),
        [SECRET, OLDER],
        ORDER,
        pool=pool,
        now=NOW,
        encoding=encoding,
        secret_field="shared_secret",
    )
    body = server.requests[0].body.decode()
    fields = dict(parse_qsl(body)) if encoding == "form" else json.loads(body)
    assert fields["shared_secret"] == SECRET
    assert verified(server.requests[0], SECRET) == SECRET
    assert SECRET not in repr(answer)


def test_during_a_rotation_both_secrets_sign(server: Server, pool: PoolManager) -> None:
    post(server.url(), [SECRET, OLDER], ORDER, pool=pool, now=NOW)
    assert verified(server.requests[0], SECRET) == SECRET
    assert verified(server.requests[0], OLDER) == OLDER


def test_each_attempt_has_the_same_id_and_a_fresh_timestamp(server: Server, pool: PoolManager) -> None:
    post(server.url(), [SECRET], ORDER, pool=pool, now=NOW)
    post(server.url(), [SECRET], ORDER, pool=pool, now=NOW + timedelta(hours=2))
    first, second = server.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert int(second.headers["webhook-timestamp"]) == int(first.headers["webhook-timestamp"]) + 7200
    assert verified(second, SECRET, NOW + timedelta(hours=2)) == SECRET


def test_the_clock_is_read_when_no_time_is_given(server: Server, pool: PoolManager) -> None:
    post(server.url(), [SECRET], ORDER, pool=pool)
    assert verified(server.requests[0], SECRET, datetime.now(UTC)) == SECRET


@pytest.mark.parametrize("event_id", [None, "évt"])
def test_an_order_without_an_id_that_can_be_signed_is_a_mistake_of_the_caller(
    server: Server, pool: PoolManager, event_id: str | None
) -> None:
    order = ORDER.model_copy(update={"event_id": event_id})
    with pytest.raises(ValueError, match="webhook_id"):
        post(server.url(), [SECRET], order, pool=pool)
    assert server.connections == 0


def test_send_takes_bytes_and_headers_as_they_are(server: Server, pool: PoolManager) -> None:
    """The self test sends a changed body and an old timestamp through it."""
    headers = {
        "Content-Type": "text/plain",
        "webhook-id": "evt_1",
        "webhook-timestamp": "1",
        "webhook-signature": sign([SECRET], webhook_id="evt_1", timestamp=1, body=b"before"),
        "X-Shared-Secret": SECRET,
    }
    answer = send(server.url(), b"after\xff", headers, pool=pool, secrets=[SECRET])
    request = server.requests[0]
    assert request.body == b"after\xff"
    assert {name: request.headers[name.lower()] for name in headers} == headers
    assert answer.headers_sent["X-Shared-Secret"] == f"[secret {fingerprint(SECRET)}]"


# What the answer means


@pytest.mark.parametrize(
    ("status", "outcome", "kind"),
    [
        (200, "delivered", ""),
        (202, "delivered", ""),
        (204, "delivered", ""),
        (299, "delivered", ""),
        (300, "retry", "redirect"),
        (301, "retry", "redirect"),
        (304, "retry", "redirect"),
        (308, "retry", "redirect"),
        (400, "rejected", "status_400"),
        (401, "retry", "status_401"),
        (402, "retry", "status_other"),
        (403, "retry", "status_403"),
        (404, "retry", "status_404"),
        (405, "retry", "status_405"),
        (408, "retry", "status_408"),
        (409, "retry", "status_other"),
        (410, "gone", "status_410"),
        (413, "rejected", "status_413"),
        (415, "rejected", "status_415"),
        (418, "retry", "status_other"),
        (422, "rejected", "status_422"),
        (429, "retry", "status_429"),
        (500, "retry", "status_5xx"),
        (503, "retry", "status_5xx"),
        (599, "retry", "status_5xx"),
        (600, "retry", "status_other"),
        (999, "retry", "status_other"),
    ],
)
def test_every_status_has_its_meaning(status: int, outcome: str, kind: str, pool: PoolManager) -> None:
    answer = answer_to(reply(f"{status} Whatever"), pool)
    assert (answer.status, answer.outcome, answer.kind) == (status, outcome, kind)
    assert bool(answer.cause) == bool(answer.next_step) == (outcome != "delivered")


def test_a_redirect_to_a_metadata_address_is_not_followed(pool: PoolManager) -> None:
    with serving(ACCEPTED) as inner, serving(reply("302 Found", Location=inner.url())) as server:
        answer = post(server.url(), [SECRET], ORDER, pool=pool)
        assert (server.connections, inner.connections) == (1, 0)
    assert (answer.outcome, answer.status, answer.kind) == (Outcome.RETRY, 302, "redirect")


@pytest.mark.parametrize(
    ("location", "next_step"),
    [
        ("https://www.shop.example/orders", "If the receiver is at https://www.shop.example/orders, enter that as"),
        ("http://169.254.169.254/latest/", "Enter the final URL"),
        ("/elsewhere", "Enter the final URL"),
        ("https://shop.example/" + "x" * 300, "Enter the final URL"),
        ("", "Enter the final URL"),
    ],
)
def test_a_redirect_names_where_it_points_when_orders_could_be_sent_there(
    location: str, next_step: str, pool: PoolManager
) -> None:
    assert answer_to(reply("308 Permanent Redirect", Location=location), pool).next_step.startswith(next_step)


def test_retry_after_comes_with_the_answer(pool: PoolManager) -> None:
    assert answer_to(reply("503 Busy", Retry_After="30"), pool).retry_after == 30


# What went wrong


def test_a_closed_port_is_explained(pool: PoolManager) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    answer = post(f"http://127.0.0.1:{port}/", [SECRET], ORDER, pool=pool)
    assert (answer.outcome, answer.kind, answer.status) == (Outcome.RETRY, "refused", None)
    assert (answer.body, answer.address, answer.retry_after) == (b"", None, None)
    assert "Start the receiver" in answer.next_step


def test_an_unknown_name_is_explained(pool: PoolManager, monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*args: Any, **kwargs: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    assert post("http://nowhere.example/", [SECRET], ORDER, pool=pool).kind == "dns"


@pytest.mark.parametrize(
    "answerer",
    [silence, drip(b"", b"H", seconds=0.05), drip(b"HTTP/1.1 200 OK\r\nX: ", b"x", seconds=0.05)],
)
def test_a_timeout_is_explained(answerer: Answerer, hasty_pool: PoolManager) -> None:
    answer = answer_to(answerer, hasty_pool)
    assert (answer.outcome, answer.kind) == (Outcome.RETRY, "timeout")
    assert answer.milliseconds < 1_000 * SOON


def test_a_server_that_does_not_read_is_a_timeout_too(hasty_pool: PoolManager) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        assert send(url, b"x" * 50_000_000, {}, pool=hasty_pool).kind == "timeout"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200,
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n",
    ],
)
def test_what_is_not_http_is_explained(answer: bytes, pool: PoolManager) -> None:
    assert answer_to(raw(answer), pool).kind == "broken"


def test_a_certificate_that_is_not_valid_is_explained(tmp_path: Path, pool: PoolManager) -> None:
    with serving(ACCEPTED, tls=server_context(self_signed(tmp_path, name="localhost"))) as server:
        answer = post(server.url(host="localhost"), [SECRET], ORDER, pool=pool)
        assert server.requests == []
    assert (answer.outcome, answer.kind) == (Outcome.RETRY, "certificate")
    assert "certificate isn't valid: self-signed certificate" in answer.cause


def test_the_tls_version_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = self_signed(tmp_path, name="localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with (
        serving(ACCEPTED, tls=server_context(certificate)) as server,
        new_pool(allow_private=True, https_only=True) as pool,
    ):
        answer = post(server.url(host="localhost"), [SECRET], ORDER, pool=pool)
    assert (answer.outcome, answer.address, answer.tls) == (Outcome.DELIVERED, "127.0.0.1", "TLSv1.3")


def test_a_port_that_speaks_no_tls_is_explained(pool: PoolManager) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def speak_first() -> None:
            with listener.accept()[0] as connection, contextlib.suppress(ConnectionResetError):
                connection.sendall(b"220 mail.example ESMTP\r\n")
                while connection.recv(4096):
                    pass

        thread = threading.Thread(target=speak_first)
        thread.start()
        answer = post(f"https://127.0.0.1:{listener.getsockname()[1]}/", [SECRET], ORDER, pool=pool)
        thread.join()
    assert (answer.outcome, answer.kind) == (Outcome.RETRY, "tls")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("shop.example/orders", "must begin with https://"),
        ("https://zoe:hunter2@shop.example/", "a user name or password"),
        ("http://127.1/", "Write it as 127.0.0.1"),
        (f"http://{'x' * 64}.example/", "must name a host"),
        ("", "The URL must have at most 2,000 characters"),
    ],
)
def test_a_url_that_cannot_be_is_explained(url: str, words: str, pool: PoolManager) -> None:
    answer = post(url, [SECRET], ORDER, pool=pool)
    assert (answer.outcome, answer.kind) == (Outcome.RETRY, "url")
    assert words in answer.cause


def test_http_in_production_is_explained(server: Server) -> None:
    with new_pool(allow_private=True, https_only=True) as pool:
        assert post(server.url(), [SECRET], ORDER, pool=pool).kind == "http"
    assert server.connections == 0


def test_an_address_that_is_not_public_is_explained_and_not_connected_to(server: Server) -> None:
    answer = post(server.url(), [SECRET], ORDER)
    assert (answer.outcome, answer.kind) == (Outcome.RETRY, "address")
    assert "127.0.0.1 (this machine itself)" in answer.cause
    assert server.connections == 0


# What is kept of the answer


def test_a_100_mb_answer_costs_no_memory_and_is_not_read(pool: PoolManager) -> None:
    sent: list[int] = []
    start = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"
    tracemalloc.start()
    answer = answer_to(flood(start, size=100_000_000, sent=sent), pool)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.outcome == Outcome.DELIVERED
    assert answer.body == b"x" * MOST_ANSWER_BYTES
    assert peak < 5_000_000
    wait_for(lambda: bool(sent))
    assert sent[0] < 20_000_000


@pytest.mark.parametrize(
    ("start", "kept"),
    [
        (b"HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\nabc", b"abc"),
        (b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n", b"abc"),
        (b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", b"abc"),
        (b"HTTP/1.0 202 Accepted\r\n\r\nabc", b"abc"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
        (b"HTTP/1.1 202 Accepted\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
    ],
)
def test_the_status_decides_whatever_the_body_does(start: bytes, kept: bytes, pool: PoolManager) -> None:
    answer = answer_to(raw(start), pool)
    assert (answer.outcome, answer.body) == (Outcome.DELIVERED, kept)


def test_a_body_that_lags_is_cut_when_the_time_is_over(hasty_pool: PoolManager) -> None:
    answer = answer_to(drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\nx", b"x", seconds=0.05), hasty_pool)
    assert answer.outcome == Outcome.DELIVERED
    assert 1 <= len(answer.body) < 100
    assert answer.milliseconds < 1_000 * SOON


SPELLINGS: list[Callable[[str], str]] = [
    str,
    quote_plus,
    lambda secret: quote(secret),
    lambda secret: quote_plus(secret).replace("%2F", "%2f"),
    lambda secret: secret.replace("/", "\\/"),
    lambda secret: secret.replace("/", "\\u002F"),
    lambda secret: secret.replace("/", "&#47;"),
    lambda secret: secret.removeprefix("whsec_"),
    lambda secret: quote_plus(secret.removeprefix("whsec_")),
]


@pytest.mark.parametrize("repeat", SPELLINGS)
def test_a_secret_that_the_answer_repeats_is_masked(repeat: Callable[[str], str], pool: PoolManager) -> None:
    answer = answer_to(reply("401 Unauthorized", f"not {repeat(SECRET)}!".encode()), pool)
    assert answer.body == b"not [secret %s]!" % fingerprint(SECRET).encode()
    assert SECRET not in repr(answer)


def test_a_secret_of_any_letters_is_masked_in_any_spelling(pool: PoolManager) -> None:
    secret = "schön & sechzehn Zeichen"
    spelt = "|".join([secret, quote(secret), quote_plus(secret), json.dumps(secret)])
    with serving(reply("200 OK", spelt.encode())) as server:
        answer = send(server.url(), b"", {}, pool=pool, secrets=[SECRET, secret])
    assert answer.body.count(f"[secret {fingerprint(secret)}]".encode()) == 4
    assert b"sechzehn" not in answer.body


def test_a_secret_in_the_content_type_is_masked(pool: PoolManager) -> None:
    answer = answer_to(reply("401 Unauthorized", Content_Type=f"text/{SECRET}"), pool)
    assert answer.content_type == f"text/[secret {fingerprint(SECRET)}]"


@pytest.mark.parametrize("before", range(MOST_ANSWER_BYTES - len(quote_plus(SECRET)), MOST_ANSWER_BYTES + 1, 5))
def test_a_secret_across_the_cut_is_masked(before: int, pool: PoolManager) -> None:
    answer = answer_to(reply("401 Unauthorized", b"." * before + quote_plus(SECRET).encode() * 9), pool)
    assert b"MfKQ" not in answer.body


def test_many_secrets_before_the_cut_bring_none_behind_it_to_light(pool: PoolManager) -> None:
    answer = answer_to(reply("401 Unauthorized", SECRET.encode() * 2000), pool)
    assert answer.body.replace(b"[secret %s]" % fingerprint(SECRET).encode(), b"") == b""


def test_masking_never_makes_the_body_longer_than_is_kept(pool: PoolManager) -> None:
    short = "sixteen letters!"
    with serving(reply("200 OK", short.encode() * (MOST_ANSWER_BYTES // len(short)))) as server:
        answer = send(server.url(), b"", {}, pool=pool, secrets=[short])
    assert len(answer.body) == MOST_ANSWER_BYTES
    assert short.encode() not in answer.body


def test_no_secret_and_no_personal_data_is_logged(
    server: Server, pool: PoolManager, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        post(server.url(), [SECRET], ORDER, pool=pool, secret_field="shared_secret")
        answer_to(raw(f"HTTP/1.1 200 OK\r\n{SECRET} zoe\r\n\r\n".encode()), pool)
    assert SECRET not in caplog.text
    assert quote_plus(SECRET) not in caplog.text
    assert "zoe" not in caplog.text


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.sampled_from([b"", b"HTTP/1.1 ", b"HTTP/1.1 200 OK\r\n"]), rest=st.binary(max_size=200))
def test_no_answer_makes_it_raise(start: bytes, rest: bytes, pool: PoolManager) -> None:
    assert answer_to(raw(start + rest), pool).outcome in Outcome
