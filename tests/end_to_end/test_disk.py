"""A disk that takes no order: 503 with Retry-After in time, never a 2xx, never a 500; afterwards all is well."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text

from receiver.app.components import Kit
from receiver.storage import sqlite
from tests.end_to_end.processes import Running, at_once, granian
from tests.end_to_end.refusing_disks import files_end_at, foreign_writer, write_lock
from tests.served import Reply, order_fields

Launch = Callable[..., Running]

pytestmark = pytest.mark.sqlite


def test_each_of_many_waiting_for_the_write_lock_is_told_to_come_back(launch: Launch, instance: Path) -> None:
    """A waiter that gave up may still have been stored, so the next attempt may be a copy; never a second order."""
    shop = launch(EMBEDDED_WORKER="false")
    orders = [order_fields() for _ in range(8)]

    with write_lock(instance):
        started = time.monotonic()
        replies = at_once(8, lambda number: shop.post(orders[number]))
        assert time.monotonic() - started > 1.8

    _assert_unavailable(*replies)
    assert {shop.post(order).status for order in orders} <= {200, 202}
    assert sorted(row.order_id for row in shop.rows()) == sorted(order["order_id"] for order in orders)


def test_more_senders_than_threads_hear_in_time_that_the_database_is_locked(launch: Launch, instance: Path) -> None:
    """A shop hangs up at about 5 s: whoever queues for a thread is not to wait for those before it, 2 s each.

    Here that would be half a minute and more.
    """
    shop = launch(EMBEDDED_WORKER="false")
    times: list[float] = []

    def post(_number: int) -> Reply:
        started = time.monotonic()
        reply = shop.post(order_fields())
        times.append(time.monotonic() - started)
        return reply

    with foreign_writer(instance):
        replies = at_once(128, post)  # of a server that has 8 threads

    _assert_unavailable(*replies)
    assert max(times) < 20
    assert shop.post(order_fields()).status == 202


def test_a_foreign_program_that_writes_past_the_write_lock_is_waited_for_as_long(
    launch: Launch, instance: Path
) -> None:
    shop = launch(EMBEDDED_WORKER="false")
    order = order_fields()

    with foreign_writer(instance):
        started = time.monotonic()
        reply = shop.post(order)
        assert time.monotonic() - started > 1.8

    _assert_unavailable(reply)
    assert shop.post(order).status == 202
    assert len(shop.rows()) == 1


def test_a_write_that_the_system_refuses_is_answered_503_until_it_takes_writes_again(launch: Launch) -> None:
    """A limit on the size of files fails the very write that a commit waits for, as a full disk does."""
    shop = launch(workers=2, EMBEDDED_WORKER="false")
    orders = [order_fields() for _ in range(8)]
    assert shop.post(order_fields()).status == 202

    with files_end_at(4096, shop.process.pid):
        replies = at_once(8, lambda number: shop.post(orders[number]))
        ready = shop.request("GET", "/readyz")

    _assert_unavailable(*replies, ready)
    assert len(shop.rows()) == 1
    assert {shop.post(order).status for order in orders} == {202}
    assert len(shop.rows()) == 9
    with shop.kit.database.read() as session:
        assert session.scalars(text("PRAGMA integrity_check")).all() == ["ok"]


def test_a_full_database_is_answered_503_and_keeps_nothing(launch: Launch) -> None:
    shop = launch(partial(granian, app="tests.end_to_end.full_disk_app:app"))

    reply = shop.post(order_fields(custom_large="x" * 200_000))

    _assert_unavailable(reply, shop.request("GET", "/readyz"))
    assert shop.rows() == []


def test_a_database_that_can_only_be_read_is_answered_503(launch: Launch, instance: Path) -> None:
    shop = launch(DATABASE_URL=f"sqlite:///file:{instance / 'receiver.sqlite'}?mode=ro&uri=true")

    _assert_unavailable(shop.post(order_fields()), shop.request("GET", "/readyz"))
    assert shop.rows() == []


def test_every_pooled_connection_syncs_to_disk_before_a_commit_returns(kit: Kit) -> None:
    """FULL (2) makes SQLite call fsync in the commit, and a request is answered only after its commit."""
    with ExitStack() as stack:
        connections = [stack.enter_context(kit.database.engine.connect()) for _ in range(20)]
        modes = {
            (
                connection.exec_driver_sql("PRAGMA synchronous").scalar(),
                connection.exec_driver_sql("PRAGMA journal_mode").scalar(),
            )
            for connection in connections
        }
    assert modes == {(2, sqlite.journal_mode())}


def _assert_unavailable(*replies: Reply) -> None:
    for reply in replies:
        assert reply.status == 503, reply
        assert int(reply.headers["Retry-After"]) > 0
        assert reply.headers["Content-Type"] == "application/problem+json"
