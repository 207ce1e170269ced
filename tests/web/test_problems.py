"""Errors as RFC 9457 problems, and what their log lines leave out."""

from __future__ import annotations

import io
import logging
import re
import sys
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.debug import DebuggedApplication
from werkzeug.test import Client

from receiver.errors import CardDataRefused, ReceiverError, Unavailable, Undecodable
from receiver.web import problems
from tests.served import SECRET, order_fields


@pytest.fixture
def client(make_app: Callable[..., Flask]) -> FlaskClient:
    """Return a client of an app with views that fail."""
    app = make_app()

    @app.get("/fails/<how>")
    def fails(how: str) -> str:
        errors: dict[str, Exception] = {
            "undecodable": Undecodable("Send it in utf-8."),
            "card": CardDataRefused(["cvv"]),
            "unavailable": Unavailable("Try again."),
            "root": ReceiverError("Said."),
            "bug": KeyError("ada@shop.example"),
        }
        raise errors[how]

    return app.test_client()


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        (
            "/fails/undecodable",
            {
                "type": "urn:order-receiver:problem:undecodable",
                "title": "Body cannot be decoded",
                "status": 400,
                "detail": "Send it in utf-8.",
            },
        ),
        (
            "/fails/card",
            {
                "type": "urn:order-receiver:problem:card-data",
                "title": "Card data is never accepted",
                "status": 422,
                "detail": "Never send card details. Remove cvv from the POST. Nothing was stored.",
            },
        ),
        (
            "/fails/root",
            {
                "type": "urn:order-receiver:problem:internal",
                "title": "Internal error",
                "status": 500,
                "detail": "Said.",
            },
        ),
        (
            "/fails/bug",
            {
                "type": "urn:order-receiver:problem:internal",
                "title": "Internal error",
                "status": 500,
                "detail": "Something went wrong in the receiver. Its log says where.",
            },
        ),
    ],
)
def test_an_error_is_answered_as_a_problem(client: FlaskClient, path: str, problem: dict[str, object]) -> None:
    answer = client.get(path)
    assert answer.content_type == "application/problem+json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert (answer.status_code, answer.json) == (problem["status"], problem)
    assert "Retry-After" not in answer.headers


def test_what_may_pass_says_when_to_come_again(client: FlaskClient) -> None:
    answer = client.get("/fails/unavailable")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")


def test_an_unknown_page_is_a_problem(client: FlaskClient) -> None:
    answer = client.get("/nowhere")
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
    assert answer.get_json()["type"] == "urn:order-receiver:problem:not-found"


@pytest.mark.parametrize("path", ["/orders//shop", "/orders//", "/admin//orders", "/healthz//"])
def test_slashes_too_many_are_a_problem_and_no_redirect(client: FlaskClient, path: str) -> None:
    """A redirect would lead to the host that the request names."""
    for method in ("GET", "POST"):
        answer = client.open(path, method=method, headers={"Host": "elsewhere.example"})
        assert answer.status_code in {401, 404}
        assert "elsewhere.example" not in f"{answer.headers}{answer.text}"


def test_another_method_is_a_problem_that_names_the_allowed_ones(client: FlaskClient) -> None:
    answer = client.delete("/orders")
    assert (answer.status_code, set(answer.headers["Allow"].split(", "))) == (405, {"GET", "HEAD", "POST", "PUT"})
    assert answer.content_type == "application/problem+json"
    assert answer.get_json()["title"] == "Method Not Allowed"


def test_a_fault_is_logged_with_its_place_and_without_its_words(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        client.get("/fails/bug?email=ada@shop.example")
    assert "GET /fails/bug failed: KeyError at tests/web/test_problems.py, line " in caplog.text
    assert "ada@shop.example" not in caplog.text


def test_a_fault_is_logged_with_every_frame_of_ours_by_its_path(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app()
    monkeypatch.setattr("receiver.intake.inbox.Inbox.record", lambda *_, **__: int("ada@shop.example"))
    with caplog.at_level(logging.ERROR):
        answer = app.test_client().post("/orders", data=order_fields(), headers={"X-Shared-Secret": SECRET})
    assert answer.status_code == 500
    (line,) = [message for message in caplog.messages if message.startswith("POST /orders failed: ")]
    assert re.fullmatch(
        r"POST /orders failed: ValueError at receiver/routes\.py, line \d+( > (receiver/[\w/]+\.py, )?line \d+)+"
        r" > tests/web/test_problems\.py, line \d+",
        line,
    )
    assert "receiver/intake/reception.py, line " in line
    assert "ada@shop.example" not in caplog.text


def test_a_secret_in_the_url_is_not_logged(make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture) -> None:
    answer = make_app(MAX_BODY_BYTES=0).test_client().post(f"/orders/{SECRET}", data=order_fields())
    assert answer.status_code == 503
    assert any(message.startswith("POST /orders/… failed: ") for message in caplog.messages)
    assert SECRET not in caplog.text


@pytest.mark.parametrize("path", ["/account/claim/a-secret", "/account//claim/a-secret", "/orders///a-secret"])
def test_nor_with_slashes_too_many(make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture, path: str) -> None:
    with make_app().test_request_context(path):
        problems.log_failure(KeyError("anything"))
    assert "…" in caplog.text
    assert "a-secret" not in caplog.text


@pytest.mark.parametrize("path", ["/fails/bug", "/admin/sign-in", "/account/sign-in"])
def test_under_debug_a_fault_is_shown_by_the_debugger(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """As `flask run --debug` serves: the page names the file and the line of the fault."""
    app = client.application
    app.debug = True
    monkeypatch.setattr("receiver.web.guard.csrf.protect", lambda: 1 / 0)
    monkeypatch.setattr(sys, "stderr", io.StringIO())  # where the debugger writes it too
    shown = Client(DebuggedApplication(app, evalex=True, pin_security=False)).get(path)
    assert shown.status_code == 500
    assert "Werkzeug Debugger" in shown.text
    assert "KeyError" in shown.text or "ZeroDivisionError" in shown.text


def test_a_debug_flag_left_on_a_server_shows_and_logs_no_words(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    client.application.debug = True
    answer = client.get("/fails/bug")
    assert (answer.status_code, answer.content_type) == (500, "application/problem+json")
    assert "ada@shop.example" not in caplog.text + answer.text


def test_a_line_feed_in_the_path_makes_no_second_line_of_the_log(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        client.get("/fails/bug%0A2026-11-25 ERROR receiver: all orders are lost")
    assert "GET /fails/bug%0A2026-11-25%20ERROR" in caplog.text
