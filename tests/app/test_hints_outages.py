"""Hints while the server that carries them fails: no job waits, the log says it once, and they arrive again."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from receiver.app.hints import messenger
from receiver.app.hints.messenger import Transport
from receiver.app.hints.notifications import Notifications
from receiver.app.hints.redis_list import RedisList
from tests.app.hinting import POSTGRESQL, StartProcess, carrier, process, threads, wake_up
from tests.app.work import Work
from tests.redis_servers import RedisServer, redis_server
from tests.stores import postgresql_server
from tests.waiting import wait_for

__all__ = ["process"]


class OwnServer(NamedTuple):
    """Is a server of the test's own, which loses all connections when it's killed."""

    carrier: Callable[[], Transport]
    kill: Callable[[], None]
    start: Callable[[], None]


@pytest.fixture
def own_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OwnServer]:
    if request.param == "redis":
        with redis_server(tmp_path) as redis:
            yield OwnServer(lambda: RedisList(redis.url, "shop"), redis.kill, redis.start)
    else:
        with postgresql_server() as server:
            yield OwnServer(lambda: Notifications(server.url("postgres"), "shop"), server.stop, server.start)


@pytest.fixture
def mark() -> str:
    """Give a name that no other test's hints have."""
    return secrets.token_hex(8)


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as server:
        yield server


def test_a_frozen_server_holds_up_neither_hints_nor_stopping(
    own_redis: RedisServer, process: StartProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messenger, "READ_SECONDS", 3600.0)
    work = Work()
    worker = process(RedisList(own_redis.url, "shop"), work, every=0.05)
    web = process(RedisList(own_redis.url, "shop"), every=0.05)
    wake_up(web, work)
    own_redis.freeze()
    work.add(100)
    for _ in range(1000):
        web.hint("orders")
    wait_for(lambda: work.done == 100)  # by the sweep
    worker.stop()

    assert "hints-in" not in threads()


@pytest.mark.parametrize("own_server", ["redis", "postgresql"], indirect=True)
def test_a_server_that_is_gone_is_logged_once_and_its_hints_arrive_when_it_is_back(
    own_server: OwnServer, process: StartProcess, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    work = Work()
    process(own_server.carrier(), work)
    web = process(own_server.carrier())
    wake_up(web, work)
    own_server.kill()
    work.add(3)
    web.hint("orders")
    wait_for(lambda: len(caplog.messages) == 2)  # each process says so
    time.sleep(0.5)
    assert len(caplog.messages) == 2
    own_server.start()

    def has_run() -> bool:
        web.hint("orders")  # PostgreSQL forgets a hint that nobody listens for yet
        return work.done == 3

    wait_for(has_run)
    wait_for(lambda: len(caplog.messages) == 4)
    name = own_server.carrier().name
    for said in caplog.messages[:2]:
        assert re.match(rf"can't (send|receive) hints by {re.escape(name)}: \w+Error at ", said)
        assert said.endswith(". Until it works, jobs from other processes start up to a second later")
    assert set(caplog.messages[2:]) == {f"hints by {name} work again"}


def test_a_server_that_forgot_everything_is_used_on(own_redis: RedisServer, process: StartProcess) -> None:
    work = Work()
    process(RedisList(own_redis.url, "shop"), work)
    web = process(RedisList(own_redis.url, "shop"))
    wake_up(web, work)
    own_redis.flush()
    work.add(1)
    web.hint("orders")

    wait_for(lambda: work.done == 1)


def test_connections_that_postgresql_ended_are_made_again(
    mark: str, process: StartProcess, caplog: pytest.LogCaptureFixture
) -> None:
    """As at a restart: the one that listens notices, the one that sends finds out with the next hint."""
    caplog.set_level("INFO")
    work = Work()
    process(carrier("postgresql", mark), work)
    web = process(carrier("postgresql", mark))
    wake_up(web, work)
    with psycopg.connect(POSTGRESQL, autocommit=True) as admin:
        ended = admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s",
            [f"order_receiver_hints_{mark}"],
        ).fetchall()
    assert len(ended) == 2
    wait_for(lambda: len(caplog.messages) >= 2)
    work.add(1)
    web.hint("orders")

    wait_for(lambda: work.done == 1)
    assert caplog.messages[0].startswith("can't receive hints by PostgreSQL at 127.0.0.1:5432 (DATABASE_URL): ")
    assert caplog.messages[1:] == ["hints by PostgreSQL at 127.0.0.1:5432 (DATABASE_URL) work again"]


def test_a_refused_password_is_not_shown(
    tmp_path: Path, process: StartProcess, caplog: pytest.LogCaptureFixture
) -> None:
    with redis_server(tmp_path, password="swordfish") as server:
        web = process(RedisList(server.url.replace("swordfish", "hunter2"), "shop"))
        web.hint("orders")
        wait_for(lambda: bool(caplog.messages))

    assert "AuthenticationError" in caplog.text
    assert "hunter2" not in caplog.text
