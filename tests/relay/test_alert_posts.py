"""Alerts posted to ALERT_URL too: a chat's message, or JSON that's signed as the relay signs."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from receiver.app.components import Kit
from receiver.customers import privacy
from receiver.relay import alert_posts, chats
from receiver.security.signing import sign
from receiver.storage.models import MailRow
from receiver.storage.relay_models import AlertPostRow
from tests.hostile_servers import Server, reply, serving
from tests.served import SECRET, Served, order_fields

_COURIER = """
from receiver.handlers import handler

@handler(retries=0)
def book_courier(order, context):
    raise RuntimeError("no courier for " + order.customer.last_name)
"""
NAMED = "Order 2105 (Alan O'Neill, £54.50): book_courier failed after 1 attempt"
UNNAMED = "Order 2105 (£54.50): book_courier failed"
PAGE = "http://127.0.0.1:8000/admin/orders/rcp_00000001"

Serve = Callable[..., Served]


@pytest.fixture
def other() -> Iterator[Server]:
    """Run a server that takes what's posted."""
    with serving(reply("200 OK")) as server:
        yield server


@pytest.fixture
def shop(serve: Serve, instance: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Served]:
    """Serve with ALERT_URL and a handler that fails; every look is a real one, and none is made but here."""
    monkeypatch.setattr("receiver.mail.notices._LOOK_EVERY_SECONDS", 0)
    monkeypatch.setattr("receiver.app.engine.UPKEEP_EVERY", 3600.0)  # so that no other look comes between
    (instance / "handlers" / "book_courier.py").write_text(_COURIER, "utf-8")

    def start(url: str, **settings: Any) -> Served:
        usual = {"FORWARD_SECRET": SECRET, "HTTP_ALLOW": ["127.0.0.1"], "HANDLERS": ["book_courier"]}
        return serve(work=False, ALERT_URL=url, SHOP_NAME="Corner Shop", **usual | settings)

    return start


def fail(shop: Served, number: int = 2105) -> None:
    names = {"customer_first_name": "Alan", "customer_last_name": "O'Neill"}
    shop.post(order_fields(order_id=f"mp-{number}", order_number=str(number), total="54.50", **names))
    assert shop.kit.processor.run_next()


def look(shop: Served) -> None:
    shop.kit.notices.look()
    while shop.kit.alert_posts.run_next():
        pass


def test_another_server_gets_what_the_email_says_signed(shop: Callable[..., Served], other: Server) -> None:
    served = shop(other.url("/alerts?key=k"))
    fail(served)
    look(served)
    look(served)
    (request,) = other.requests
    assert request.line == "POST /alerts?key=k HTTP/1.1"
    said = json.loads(request.body)
    assert said["facts"].pop("Error").startswith("RuntimeError: no courier for O'Neill")
    assert said == {
        "type": "alert",
        "kind": "handler_failed",
        "shop": "Corner Shop",
        "text": f"Corner Shop: {UNNAMED}",
        "headline": NAMED,
        "facts": {"Order": "2105", "Receipt": "rcp_00000001", "Handler": "book_courier", "Attempts": "1"},
        "lines": [
            "The order itself is safe. Once you've fixed the cause, run it again; the page asks first.",
            "Or in a terminal: flask orders replay rcp_00000001",
        ],
        "links": {"Open order": PAGE, "Run again": f"{PAGE}/run"},
        "cases": [],
    }
    webhook_id, timestamp = request.headers["webhook-id"], int(request.headers["webhook-timestamp"])
    signature = sign([SECRET], webhook_id=webhook_id, timestamp=timestamp, body=request.body)
    assert request.headers["webhook-signature"] == signature
    assert [mail.subject for mail in served.rows(MailRow)] == [NAMED]


@pytest.mark.parametrize("kind", ["slack", "discord", "teams"])
def test_a_chat_gets_one_line_without_a_person_and_a_link(
    shop: Callable[..., Served], other: Server, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setitem(chats._HOSTS, "127.0.0.1", kind)
    served = shop(other.url("/hook"), FORWARD_SECRET="")
    assert served.kit.paused == []
    fail(served)
    look(served)
    (request,) = other.requests
    assert json.loads(request.body) == chats.message(kind, f"Corner Shop: {UNNAMED}", PAGE)
    assert PAGE in request.body.decode()
    assert "Neill" not in request.body.decode()
    assert "webhook-signature" not in request.headers


def test_many_at_once_are_one_post(shop: Callable[..., Served], other: Server) -> None:
    served = shop(other.url("/alerts"))
    for number in range(12):
        fail(served, 3001 + number)
    look(served)
    (request,) = other.requests
    said = json.loads(request.body)
    assert said["text"].startswith("Corner Shop: 12 orders failed since ")
    assert len(said["cases"]) == 12
    assert said["cases"][0] == {"headline": "Order 3001 (£54.50): book_courier failed", "url": PAGE}


def test_a_problem_without_cases_is_posted_too(shop: Callable[..., Served], other: Server) -> None:
    served = shop(other.url("/alerts"), HANDLERS=[])
    for number in (1, 2):
        served.post(order_fields(order_id=f"A-{number}", event_id="evt_1"))
    look(served)
    (request,) = other.requests
    assert json.loads(request.body)["headline"] == "Two different orders have the same id"


def test_what_is_not_taken_is_posted_again_under_its_id(
    shop: Callable[..., Served], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(alert_posts, "SCHEDULE", (0, 0))
    with serving(reply("503 Later")) as other:
        served = shop(other.url("/alerts?key=as-good-as-a-password"))
        fail(served)
        for _ in range(5):
            look(served)
        ids = {request.headers["webhook-id"] for request in other.requests}
        assert (len(other.requests), len(ids)) == (3, 1)
    (line,) = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert line == "an alert couldn't be posted to ALERT_URL, only emailed: it answered 503"
    assert "as-good-as-a-password" not in caplog.text


def test_what_is_refused_is_not_posted_again(shop: Callable[..., Served], caplog: pytest.LogCaptureFixture) -> None:
    with serving(reply("404 No such hook")) as other:
        served = shop(other.url("/alerts"))
        fail(served)
        look(served)
        look(served)
        assert len(other.requests) == 1
    assert "only emailed: it answered 404" in caplog.text


def test_what_a_process_left_is_posted_by_another(
    shop: Callable[..., Served], make_app: Callable[..., Flask], other: Server
) -> None:
    served = shop(other.url("/alerts"))
    fail(served)
    served.kit.notices.look()
    assert other.requests == []
    settings = {"ALERT_URL": other.url("/alerts"), "FORWARD_SECRET": SECRET, "HTTP_ALLOW": ["127.0.0.1"]}
    restarted: Kit = make_app(**settings).extensions["receiver"]
    assert restarted.alert_posts.run_next()
    assert len(other.requests) == 1
    assert not served.kit.alert_posts.run_next()
    assert served.rows(AlertPostRow) == []


def test_what_waits_goes_with_the_customer(shop: Callable[..., Served], other: Server) -> None:
    served = shop(other.url("/alerts"))
    fail(served)
    served.kit.notices.look()
    (row,) = served.rows(AlertPostRow)
    assert "Neill" in row.body
    with served.kit.database.write() as session:
        session.execute(update(MailRow).values(state="sent", due_at=None))
    key = served.kit.settings.SECRET_KEY.get_secret_value()
    privacy.erase(served.kit.database, served.kit.transport, "ada@shop.example", secret_key=key)
    assert served.rows(AlertPostRow) == []


def test_without_its_url_what_waits_is_dropped(
    shop: Callable[..., Served], make_app: Callable[..., Flask], other: Server
) -> None:
    served = shop(other.url("/alerts"))
    fail(served)
    served.kit.notices.look()
    assert make_app().extensions["receiver"].alert_posts.run_next()
    assert (other.requests, served.rows(AlertPostRow)) == ([], [])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"FORWARD_SECRET": ""},
            "ALERT_URL isn't at Slack, Discord or Teams, so alerts posted there are signed: set ",
        ),
        ({"HTTP_ALLOW": []}, "ALERT_URL: "),
    ],
)
def test_where_nothing_can_be_posted_it_says_what_to_set(
    make_app: Callable[..., Flask], settings: dict[str, Any], said: str
) -> None:
    usual = {"ALERT_URL": "http://127.0.0.1:9/x", "FORWARD_SECRET": SECRET, "HTTP_ALLOW": ["127.0.0.1"]}
    kit: Kit = make_app(**usual | settings).extensions["receiver"]
    (problem,) = kit.paused
    assert problem.startswith(said)
    assert kit.problems == []


def test_without_a_url_nothing_is_posted(shop: Callable[..., Served], other: Server) -> None:
    served = shop("")
    fail(served)
    look(served)
    assert (other.requests, len(served.rows(MailRow))) == ([], 1)
