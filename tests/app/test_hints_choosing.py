"""What carries an instance's hints by its settings, and what the diagnosis says of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from pydantic import SecretStr

from receiver.app.components import Kit
from receiver.app.doctor import running
from receiver.app.doctor.finding import Finding
from receiver.app.hints import choosing
from receiver.app.hints.messenger import Transport
from receiver.app.hints.notifications import Notifications
from receiver.app.hints.redis_list import RedisList
from receiver.settings.model import Settings
from tests.customers.registrars.websites import SERVERS
from tests.redis_servers import redis_server, shared_server

POSTGRESQL = SERVERS["postgresql"]
REDIS = "redis://127.0.0.1:6379/0"
ANOTHER_KEY = "another key of a shop in these tests"


def settings(secret_key: str = "the key of a shop in these tests", **others: str) -> Settings:
    return Settings(SECRET_KEY=secret_key, **{"DATABASE_URL": "sqlite:////srv/x.sqlite", **others})  # type: ignore[arg-type]


def chosen(**given: str) -> Transport | None:
    return choosing.transport(settings(**given))


def key(transport: Transport | None) -> str:
    """Return what a shop's hints are known by at the server."""
    assert isinstance(transport, RedisList | Notifications)
    return transport._key if isinstance(transport, RedisList) else transport._channel


def on_postgresql(**given: str) -> Settings:
    return settings(**given).model_copy(update={"DATABASE_URL": SecretStr(POSTGRESQL)})


def test_sqlite_alone_carries_none() -> None:
    assert chosen() is None
    assert choosing.between_processes(settings()) is None


def test_redis_carries_them_whatever_the_database_is() -> None:
    assert isinstance(chosen(QUEUE_URL=REDIS), RedisList)
    assert isinstance(choosing.transport(on_postgresql(QUEUE_URL=REDIS)), RedisList)


def test_postgresql_carries_them_without_a_setting() -> None:
    assert isinstance(choosing.transport(on_postgresql()), Notifications)


def test_processes_of_a_shop_share_a_key_and_other_shops_do_not() -> None:
    """A container knows the server by another name than the machine beside it; the key is in all of them."""
    assert key(chosen(QUEUE_URL=REDIS)) == key(chosen(QUEUE_URL="rediss://elsewhere"))
    assert key(chosen(QUEUE_URL=REDIS)) != key(chosen(QUEUE_URL=REDIS, secret_key=ANOTHER_KEY))
    assert key(choosing.transport(on_postgresql())) != key(choosing.transport(on_postgresql(secret_key=ANOTHER_KEY)))
    assert "kkk" not in key(chosen(QUEUE_URL=REDIS))


def diagnosis(make_app: Callable[..., Flask], **given: Any) -> list[Finding]:
    kit: Kit = make_app(**given).extensions["receiver"]
    return list(running.hints(kit))


@pytest.mark.sqlite
def test_the_diagnosis_says_nothing_where_nothing_carries_them(make_app: Callable[..., Flask]) -> None:
    assert diagnosis(make_app) == []


def test_the_diagnosis_sends_a_hint_by_redis(make_app: Callable[..., Flask]) -> None:
    said = "Redis at 127.0.0.1:6379 (QUEUE_URL) wakes the workers of other processes"
    assert diagnosis(make_app, QUEUE_URL=shared_server()) == [Finding("hints", "ok", said)]


def test_the_diagnosis_says_what_is_wrong_without_the_password(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    with redis_server(tmp_path, password="swordfish") as server:
        good = server.url
        assert [finding.state for finding in diagnosis(make_app, QUEUE_URL=good)] == ["ok"]
        refused = diagnosis(make_app, QUEUE_URL=good.replace("swordfish", "hunter2"))
    gone = diagnosis(make_app, QUEUE_URL=good)
    for said, kind in ((refused, "AuthenticationError: "), (gone, "ConnectionError: ")):
        assert said[0].state == "warning"
        assert f"Redis at 127.0.0.1:{server.port} (QUEUE_URL) wakes no workers: {kind}" in said[0].text
        assert said[0].text.endswith(". Jobs from other processes start up to a second later")
        assert not any(word in said[0].text for word in ("swordfish", "hunter2"))


def test_with_rediss_a_certificate_is_checked(
    make_app: Callable[..., Flask], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with redis_server(tmp_path, tls=True) as server:
        (unknown,) = diagnosis(make_app, QUEUE_URL=server.url)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "root.pem"))
        (known,) = diagnosis(make_app, QUEUE_URL=server.url)
        (elsewhere,) = diagnosis(make_app, QUEUE_URL=server.url.replace("localhost", "127.0.0.1"))
    assert "certificate verify failed" in unknown.text
    assert known.state == "ok"
    assert "IP address mismatch" in elsewhere.text


def test_a_hint_comes_back_by_postgresql() -> None:
    found = choosing.transport(on_postgresql(), "doctor")
    assert found is not None
    assert choosing.comes_back(found)
