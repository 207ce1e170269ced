"""Several processes on one PostgreSQL server: it's restarted under load, and some of the workers are killed."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.end_to_end.processes import Process, Running, server_environment
from tests.end_to_end.test_killed import (
    HANDLER,
    assert_every_handler_finished_once,
    assert_mails_doubled_at_most,
    sending,
    wait_until_orders_come_in,
)
from tests.served import order_fields
from tests.stores import PostgreSQLServer

pytestmark = pytest.mark.postgresql
RESTARTS = 4
WORKERS, KILLED = 4, 2
ORDERS = 400


def test_restarts_of_the_database_under_load_lose_nothing_and_double_nothing(
    launch: Callable[..., Running],
    add_handler: Callable[[str, str], None],
    instance: Path,
    database_server: PostgreSQLServer,
) -> None:
    """While it's gone, orders are answered 503 and sent again; work that waits for its commit is done once."""
    add_handler("pack_parcel", HANDLER)
    shop = launch(workers=2, WORKER_THREADS=2, RETRY_SCHEDULE=",".join(["1"] * 2 * RESTARTS))
    with shop.kit.database.write() as session:
        session.execute(text("CREATE TABLE parcels (order_id TEXT)"))
    with sending(shop) as senders:
        for _ in range(RESTARTS):
            wait_until_orders_come_in(senders)
            database_server.stop()
            time.sleep(0.3)
            database_server.start()
        wait_until_orders_come_in(senders)
        for sender in senders:
            sender.finish()
    shop.kit.database.engine.dispose()  # its connections were to the server as it was
    orders = shop.settled(90)

    assert {status for sender in senders for status in sender.statuses} <= {200, 202, 503}
    acknowledged = {order_id: receipt for sender in senders for order_id, receipt in sender.acknowledged.items()}
    assert {order.order_id: order.receipt for order in orders} == acknowledged
    assert len(orders) == len(acknowledged)
    assert {order.state for order in orders} == {"done"}
    assert_every_handler_finished_once(shop, list(acknowledged))
    assert_mails_doubled_at_most(shop, instance / "outbox", times=RESTARTS)


def test_of_four_workers_two_are_killed_and_every_order_is_finished_once(
    launch: Callable[..., Running], add_handler: Callable[[str, str], None], instance: Path, tmp_path: Path
) -> None:
    add_handler("pack_parcel", HANDLER)
    shop = launch(EMBEDDED_WORKER="false")
    with shop.kit.database.write() as session:
        session.execute(text("CREATE TABLE parcels (order_id TEXT)"))
    ids = [f"W-{number}" for number in range(ORDERS)]
    for order_id in ids:
        assert shop.post(order_fields(order_id=order_id)).status == 202
    environment = server_environment(WORKER_THREADS=2, RETRY_SCHEDULE="1,1,1,1")
    with ExitStack() as stack:
        workers = [
            Process(["flask", "worker"], environment, tmp_path / f"worker-{number}.log") for number in range(WORKERS)
        ]
        for worker in workers:
            stack.callback(worker.end)
        shop.wait_for(lambda: sum(row.state == "done" for row in shop.rows()) > ORDERS // 4, 60)
        for worker in workers[:KILLED]:
            worker.kill()
        orders = shop.settled(120)  # those of the dead half a minute later, when their leases have run out

    assert {order.state for order in orders} == {"done"}
    assert_every_handler_finished_once(shop, ids)
    assert_mails_doubled_at_most(shop, instance / "outbox", times=KILLED)
