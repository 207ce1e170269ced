"""Hints between processes: engines that share nothing but a server wake each other, and need none of it to work."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from redis import Redis

from receiver.app.engine import Engine
from receiver.app.hints import messenger
from receiver.app.hints.messenger import Hints, Transport
from receiver.app.hints.notifications import Notifications
from receiver.app.hints.redis_list import RedisList
from tests.app.work import Work
from tests.customers.registrars.websites import SERVERS
from tests.redis_servers import RedisServer, redis_server, shared_server
from tests.waiting import wait_for

POSTGRESQL = SERVERS["postgresql"]

StartProcess = Callable[..., Engine]


def carrier(kind: str, instance: str) -> Transport:
    """Connect to a server of the machine's."""
    if kind == "redis":
        return RedisList(shared_server(), instance)
    try:
        psycopg.connect(POSTGRESQL.replace("+psycopg", "")).close()
    except psycopg.OperationalError as error:
        pytest.skip(f"no PostgreSQL server answers: {error}")
    return Notifications(POSTGRESQL, instance)


@pytest.fixture
def instance() -> str:
    """Give a name that no other test's hints have."""
    return secrets.token_hex(8)


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Iterator[StartProcess]:
    """Start what one process has, with the sweep far off unless a test asks for it; without ``work`` it only hints."""
    with ExitStack() as stack:

        def start(transport: Transport, work: Work | None = None, *, threads: int = 2, every: float = 3600) -> Engine:
            monkeypatch.setattr("receiver.app.engine.UPKEEP_EVERY", every)
            engine = Engine({"orders": (work or Work()).kind(threads)}, (), threads=threads, elsewhere=Hints(transport))
            stack.callback(engine.stop)
            engine.start(work=work is not None)
            return engine

        yield start


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as server:
        yield server


def wake_up(web: Engine, *works: Work) -> None:
    """Hint until every process has heard of it."""
    for work in works:

        def has_heard(work: Work = work) -> bool:
            web.hint("orders")
            return work.looked > 0

        wait_for(has_heard)


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("hints")}


@pytest.mark.parametrize("kind", ["redis", "postgresql"])
def test_a_hint_wakes_a_worker_of_another_process(kind: str, instance: str, process: StartProcess) -> None:
    work = Work()
    process(carrier(kind, instance), work)
    web = process(carrier(kind, instance))
    wake_up(web, work)
    for done in range(1, 6):
        time.sleep(0.03)
        work.add(1)
        web.hint("orders")
        wait_for(lambda done=done: work.done == done)  # type: ignore[misc]


@pytest.mark.parametrize("kind", ["redis", "postgresql"])
def test_one_hint_is_enough_for_all_that_is_due(kind: str, instance: str, process: StartProcess) -> None:
    work = Work()
    process(carrier(kind, instance), work)
    web = process(carrier(kind, instance))
    wake_up(web, work)
    work.add(25)
    web.hint("orders")

    wait_for(lambda: work.done == 25)


def test_a_hint_by_redis_wakes_one_process_alone(instance: str, process: StartProcess) -> None:
    works = [Work(), Work(), Work()]
    for work in works:
        process(carrier("redis", instance), work)
    process(carrier("redis", instance)).hint("orders")
    wait_for(lambda: any(work.looked for work in works))
    time.sleep(0.1)

    assert sum(work.looked for work in works) == 1


@pytest.mark.parametrize("kind", ["redis", "postgresql"])
def test_what_busy_workers_cannot_take_goes_to_another_process(kind: str, instance: str, process: StartProcess) -> None:
    """The busy process waits for hints too, since before its worker was busy."""
    busy, idle = Work(1), Work()
    busy.go_on.clear()
    first = process(carrier(kind, instance), busy, threads=1)
    process(carrier(kind, instance), idle)
    wake_up(process(carrier(kind, instance)), idle)
    first.hint("orders")
    wait_for(lambda: busy.running == 1)
    idle.add(2)
    for done in (1, 2):
        first.hint("orders")  # none of its own is free
        wait_for(lambda done=done: idle.done >= done)  # type: ignore[misc]

    assert busy.running == 1
    busy.go_on.set()


def test_a_hint_that_a_busy_process_took_is_passed_on(instance: str, process: StartProcess) -> None:
    busy, idle = Work(1), Work()
    busy.go_on.clear()
    first = process(carrier("redis", instance), busy, threads=1)
    time.sleep(0.1)  # Redis gives to the one that has waited for longest
    process(carrier("redis", instance), idle)
    first.hint("orders")
    wait_for(lambda: busy.running == 1)
    idle.add(1)
    process(carrier("redis", instance)).hint("orders")

    wait_for(lambda: idle.done == 1)
    assert busy.running == 1
    busy.go_on.set()


@pytest.mark.parametrize("kind", ["redis", "postgresql"])
def test_two_shops_on_one_server_do_not_hear_each_other(kind: str, instance: str, process: StartProcess) -> None:
    ours, theirs = Work(), Work()
    process(carrier(kind, instance), ours)
    process(carrier(kind, "another"), theirs)
    wake_up(process(carrier(kind, instance)), ours)
    time.sleep(0.05)

    assert theirs.looked == 0


@pytest.mark.parametrize("kind", ["redis", "postgresql"])
def test_a_kind_of_job_that_another_release_has_is_passed_over(kind: str, instance: str, process: StartProcess) -> None:
    work = Work()
    process(carrier(kind, instance), work)
    web = process(carrier(kind, instance))
    wake_up(web, work)
    for name in ("parcels", "orders"):
        work.add(1)
        web.hint(name)

    wait_for(lambda: work.done == 2)


def test_hints_that_nobody_takes_fill_nothing_up(instance: str, process: StartProcess) -> None:
    web = process(carrier("redis", instance))
    key = f"order-receiver:hints:{instance}"
    with Redis.from_url(shared_server()) as client:
        for _ in range(40):
            web.hint("orders")
            time.sleep(0.01)
        wait_for(lambda: client.llen(key) == 16)
        assert 0 < int(client.ttl(key)) <= 60
        client.delete(key)


@pytest.mark.parametrize("kind", ["redis", "postgresql"])
def test_stopping_ends_a_read_that_waits(
    kind: str, instance: str, process: StartProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it still runs a job, hints go to other processes."""
    monkeypatch.setattr(messenger, "READ_SECONDS", 3600.0)
    work = Work(1)
    work.go_on.clear()
    worker = process(carrier(kind, instance), work)
    wake_up(process(carrier(kind, instance)), work)
    wait_for(lambda: work.running == 1)
    time.sleep(0.1)  # the hints that woke it have all come
    assert "hints-in" in threads()
    stopping = threading.Thread(target=worker.stop)
    stopping.start()
    wait_for(lambda: "hints-in" not in threads())
    assert work.running == 1

    work.go_on.set()
    stopping.join()


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


def test_a_server_that_is_gone_is_logged_once_and_its_hints_arrive_when_it_is_back(
    own_redis: RedisServer, process: StartProcess, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    work = Work()
    process(RedisList(own_redis.url, "shop"), work)
    web = process(RedisList(own_redis.url, "shop"))
    wake_up(web, work)
    own_redis.kill()
    work.add(3)
    web.hint("orders")
    wait_for(lambda: len(caplog.messages) == 2)  # each process says so
    time.sleep(0.5)
    assert len(caplog.messages) == 2
    own_redis.start()

    wait_for(lambda: work.done == 3)
    wait_for(lambda: len(caplog.messages) == 4)
    assert {message.partition(" hints by ")[2].partition(":")[0] for message in caplog.messages[:2]} == {
        "Redis at 127.0.0.1"
    }
    assert all(
        "Until it works, jobs from other processes start up to a second later" in one for one in caplog.messages[:2]
    )
    assert set(caplog.messages[2:]) == {f"hints by Redis at 127.0.0.1:{own_redis.port} (QUEUE_URL) work again"}


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
    instance: str, process: StartProcess, caplog: pytest.LogCaptureFixture
) -> None:
    """As at a restart: the one that listens notices, the one that sends finds out with the next hint."""
    caplog.set_level("INFO")
    work = Work()
    process(carrier("postgresql", instance), work)
    web = process(carrier("postgresql", instance))
    wake_up(web, work)
    with psycopg.connect(POSTGRESQL.replace("+psycopg", ""), autocommit=True) as admin:
        ended = admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s",
            [f"order_receiver_hints_{instance}"],
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
