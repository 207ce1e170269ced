"""Servers and workers of several processes that hint by Redis: while it fails in every way, each order is done once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import text

from receiver.storage.models import AttemptRow
from tests.end_to_end.processes import Process, Running, server_environment
from tests.redis_servers import RedisServer, redis_server
from tests.served import SECRET, order_fields

WORKERS, ORDERS, SENDERS = 2, 100, 4
_HANDLER = """
from sqlalchemy import text
from receiver.handlers import handler

@handler
def pack_parcel(order, context):
    context.session.execute(text("INSERT INTO parcels (order_id) VALUES (:id)"), {"id": order.order_id})
"""


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as server:
        yield server


@pytest.fixture
def shop(
    redis: RedisServer, launch: Callable[..., Running], add_handler: Callable[[str, str], None], tmp_path: Path
) -> Iterator[Running]:
    """Serve in two processes without workers, beside two processes that are nothing else."""
    add_handler("pack_parcel", _HANDLER)
    shop = launch(workers=2, EMBEDDED_WORKER="false", QUEUE_URL=redis.url)
    with shop.kit.database.write() as session:
        session.execute(text("CREATE TABLE parcels (order_id TEXT)"))
    environment = server_environment(SHARED_SECRETS=SECRET, QUEUE_URL=redis.url)
    with ExitStack() as stack:
        for number in range(WORKERS):
            worker = Process(["flask", "worker"], environment, tmp_path / f"worker-{number}.log")
            stack.callback(worker.kill)
        yield shop


def test_while_redis_fails_in_every_way_each_order_is_taken_and_done_once(
    shop: Running, redis: RedisServer, tmp_path: Path
) -> None:
    def send(number: int) -> int:
        time.sleep(0.02)
        return shop.post(order_fields(order_id=f"A-{number}", event_id=f"evt_{number}")).status

    with ThreadPoolExecutor(SENDERS) as pool:
        statuses = [pool.submit(send, number) for number in range(ORDERS)]
        for fail in (redis.flush, redis.freeze, redis.thaw, redis.kill, redis.start, redis.flush, redis.kill):
            time.sleep(0.2)
            fail()
    assert Counter(status.result() for status in statuses) == {202: ORDERS}

    assert {row.state for row in shop.settled(60)} == {"done"}  # Redis is gone still
    with shop.kit.database.read() as session:
        parcels = Counter(session.scalars(text("SELECT order_id FROM parcels")))
    assert parcels == {f"A-{number}": 1 for number in range(ORDERS)}
    assert {row.number for row in shop.rows(AttemptRow)} == {1}
    logs = [(tmp_path / f"worker-{number}.log").read_text() for number in range(WORKERS)]
    assert all("hints by Redis at 127.0.0.1" in log for log in logs)
    assert "Traceback" not in "".join([*logs, shop.log])
