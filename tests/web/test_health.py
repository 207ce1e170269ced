"""Alive, and ready to take an order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from receiver.app.components import Kit
from receiver.errors import Unavailable


def test_a_process_that_answers_is_alive(make_app: Callable[..., Flask]) -> None:
    answer = make_app().test_client().get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "alive"})


def test_it_is_ready_when_a_row_can_be_written(make_app: Callable[..., Flask]) -> None:
    answer = make_app().test_client().get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"status": "ready"})


def test_looking_leaves_the_database_free(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    app.test_client().get("/readyz")
    kit: Kit = app.extensions["receiver"]
    with kit.database.write(patience=0.5) as session:
        assert session.is_active


def test_while_another_writes_it_is_not_ready(make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app()
    kit: Kit = app.extensions["receiver"]

    def busy(patience: float, **_: Any) -> None:
        raise Unavailable("Another write is taking too long; try again.")

    monkeypatch.setattr(kit.database, "begin_write", busy)
    answer = app.test_client().get("/readyz")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")


def test_with_a_wrong_setting_it_is_alive_and_not_ready(make_app: Callable[..., Flask]) -> None:
    """Neither answer says what is wrong: anybody can ask."""
    client = make_app(MAX_FIELDS=0).test_client()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "MAX_FIELDS" not in answer.text
    assert client.get("/healthz").status_code == 200


def test_with_the_database_gone_it_is_not_ready(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    client = make_app(DATABASE_URL=f"sqlite:///{tmp_path}/missing/x.sqlite").test_client()
    assert client.get("/readyz").status_code == 503


@pytest.mark.sqlite
def test_on_a_disk_that_takes_no_write_it_is_not_ready(
    make_app: Callable[..., Flask], instance: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app()
    kit: Kit = app.extensions["receiver"]
    with kit.database.read() as session:
        connection = session.connection().connection
        connection.cursor().execute("PRAGMA query_only=ON")

    answer = app.test_client().get("/readyz")
    assert answer.status_code == 503
    assert "GET /readyz failed: The database can't be used now (attempt to write" in caplog.text
