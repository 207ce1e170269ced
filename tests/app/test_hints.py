"""Hints between processes: engines that share nothing but a server wake each other, each shop its own."""

from __future__ import annotations

import secrets
import threading
import time

import pytest
from redis import Redis

from receiver.app.hints import messenger
from tests.app.hinting import StartProcess, carrier, process, threads, wake_up
from tests.app.work import Work
from tests.redis_servers import shared_server
from tests.waiting import wait_for

__all__ = ["process"]
BOTH = pytest.mark.parametrize("kind", ["redis", "postgresql"])


@pytest.fixture
def mark() -> str:
    """Give a name that no other test's hints have."""
    return secrets.token_hex(8)


@BOTH
def test_a_hint_wakes_a_worker_of_another_process(kind: str, mark: str, process: StartProcess) -> None:
    work = Work()
    process(carrier(kind, mark), work)
    web = process(carrier(kind, mark))
    wake_up(web, work)
    for done in range(1, 6):
        time.sleep(0.03)
        work.add(1)
        web.hint("orders")
        wait_for(lambda done=done: work.done == done)  # type: ignore[misc]


@BOTH
def test_one_hint_is_enough_for_all_that_is_due(kind: str, mark: str, process: StartProcess) -> None:
    work = Work()
    process(carrier(kind, mark), work)
    web = process(carrier(kind, mark))
    wake_up(web, work)
    work.add(25)
    web.hint("orders")

    wait_for(lambda: work.done == 25)


def test_a_hint_by_redis_wakes_one_process_alone(mark: str, process: StartProcess) -> None:
    works = [Work(), Work(), Work()]
    for work in works:
        process(carrier("redis", mark), work)
    process(carrier("redis", mark)).hint("orders")
    wait_for(lambda: any(work.looked for work in works))
    time.sleep(0.1)

    assert sum(work.looked for work in works) == 1


@BOTH
def test_what_busy_workers_cannot_take_goes_to_another_process(kind: str, mark: str, process: StartProcess) -> None:
    """The busy process waits for hints too, since before its worker was busy."""
    busy, idle = Work(1), Work()
    busy.go_on.clear()
    first = process(carrier(kind, mark), busy, threads=1)
    process(carrier(kind, mark), idle)
    wake_up(process(carrier(kind, mark)), idle)
    first.hint("orders")
    wait_for(lambda: busy.running == 1)
    idle.add(2)
    for done in (1, 2):
        first.hint("orders")  # none of its own is free
        wait_for(lambda done=done: idle.done >= done)  # type: ignore[misc]

    assert busy.running == 1
    busy.go_on.set()


def test_a_hint_that_a_busy_process_took_is_passed_on(mark: str, process: StartProcess) -> None:
    busy, idle = Work(1), Work()
    busy.go_on.clear()
    first = process(carrier("redis", mark), busy, threads=1)
    time.sleep(0.1)  # Redis gives to the one that has waited for longest
    process(carrier("redis", mark), idle)
    first.hint("orders")
    wait_for(lambda: busy.running == 1)
    idle.add(1)
    process(carrier("redis", mark)).hint("orders")

    wait_for(lambda: idle.done == 1)
    assert busy.running == 1
    busy.go_on.set()


@BOTH
def test_two_shops_on_one_server_do_not_hear_each_other(kind: str, mark: str, process: StartProcess) -> None:
    ours, theirs = Work(), Work()
    process(carrier(kind, mark), ours)
    process(carrier(kind, "another"), theirs)
    wake_up(process(carrier(kind, mark)), ours)
    time.sleep(0.05)

    assert theirs.looked == 0


@BOTH
def test_a_kind_of_job_that_another_release_has_is_passed_over(kind: str, mark: str, process: StartProcess) -> None:
    work = Work()
    process(carrier(kind, mark), work)
    web = process(carrier(kind, mark))
    wake_up(web, work)
    for name in ("parcels", "orders"):
        work.add(1)
        web.hint(name)

    wait_for(lambda: work.done == 2)


def test_hints_that_nobody_takes_fill_nothing_up(mark: str, process: StartProcess) -> None:
    web = process(carrier("redis", mark))
    key = f"order-receiver:hints:{mark}"
    with Redis.from_url(shared_server()) as client:
        for _ in range(40):
            web.hint("orders")
            time.sleep(0.01)
        wait_for(lambda: client.llen(key) == 16)
        assert 0 < int(client.ttl(key)) <= 60
        client.delete(key)


@BOTH
def test_stopping_ends_a_read_that_waits(
    kind: str, mark: str, process: StartProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it still runs a job, hints go to other processes."""
    monkeypatch.setattr(messenger, "READ_SECONDS", 3600.0)
    work = Work(1)
    work.go_on.clear()
    worker = process(carrier(kind, mark), work)
    wake_up(process(carrier(kind, mark)), work)
    wait_for(lambda: work.running == 1)
    time.sleep(0.1)  # the hints that woke it have all come
    assert "hints-in" in threads()
    stopping = threading.Thread(target=worker.stop)
    stopping.start()
    wait_for(lambda: "hints-in" not in threads())
    assert work.running == 1

    work.go_on.set()
    stopping.join()
