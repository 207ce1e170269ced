"""Who may read the figures, and in which form they come."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from receiver import Receiver
from receiver.app.components import Kit
from tests.served import Served

TOKEN = "a-token-that-nobody-guesses"
RIGHT = {"Authorization": f"Bearer {TOKEN}"}
BASIC = "Basic " + base64.b64encode(f"prometheus:{TOKEN}".encode()).decode()


def test_a_scrape_over_a_socket_is_what_prometheus_reads(serve: Callable[..., Served]) -> None:
    shop = serve(METRICS_TOKEN=TOKEN)
    answer = shop.request("GET", "/metrics", headers=RIGHT)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")


def test_the_text_holds_metrics_with_their_meaning(make_app: Callable[..., Flask]) -> None:
    text = make_app(METRICS_TOKEN=TOKEN).test_client().get("/metrics", headers=RIGHT).text
    families = list(text_string_to_metric_families(text))
    assert len(families) > 10
    assert [
        family.name for family in families if not family.name.startswith("receiver_") or not family.documentation
    ] == []


def test_without_a_token_set_there_is_no_such_page(make_app: Callable[..., Flask]) -> None:
    client = make_app().test_client()
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN.upper()}",
        f"Bearer {TOKEN} {TOKEN}",
        "Bearer t\xf6ken",
        f"Token {TOKEN}",
        f"Digest username={TOKEN}",
        TOKEN,
        BASIC,
    ],
)
def test_without_the_right_token_nothing_is_shown(make_app: Callable[..., Flask], sent: str | None) -> None:
    headers = {} if sent is None else {"Authorization": sent}
    answer = make_app(METRICS_TOKEN=TOKEN).test_client().get("/metrics", headers=headers)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="order receiver"')
    assert "receiver_" not in answer.text
    assert TOKEN not in answer.text


def test_the_token_does_not_count_in_the_address(make_app: Callable[..., Flask]) -> None:
    """There it would be in every log."""
    assert make_app(METRICS_TOKEN=TOKEN).test_client().get(f"/metrics?token={TOKEN}").status_code == 401


@pytest.mark.parametrize("token", ["short", "a token with spaces in it", "t\xf6ken-of-some-letters"])
def test_a_token_that_cannot_be_one_opens_nothing(make_app: Callable[..., Flask], token: str) -> None:
    app = make_app(METRICS_TOKEN=token)
    kit: Kit = app.extensions["receiver"]
    (said,) = kit.paused
    assert said.startswith("METRICS_TOKEN must have 16 characters or more")
    assert token not in said
    assert app.test_client().get("/metrics", headers={"Authorization": f"Bearer {token}"}).status_code == 404


def test_with_the_database_gone_prometheus_sees_that_the_scrape_failed(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    app = make_app(METRICS_TOKEN=TOKEN, DATABASE_URL=f"sqlite:///{tmp_path}/missing/x.sqlite")
    assert app.test_client().get("/metrics", headers=RIGHT).status_code == 503


def test_in_another_site_it_is_below_the_prefix(instance: Path) -> None:
    site = Flask("site")
    receiver = Receiver(site, instance_path=instance, overrides={"METRICS_TOKEN": TOKEN})
    assert site.test_client().get("/receiver/metrics", headers=RIGHT).status_code == 200
    assert receiver.app is not None
    receiver.app.extensions["receiver"].database.engine.dispose()
