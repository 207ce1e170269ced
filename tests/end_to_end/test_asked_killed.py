"""Killed between asking a shop and writing down what it said, a server asks again, and records each order once."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import update

from receiver.storage.models import HandlerRow, QuarantineRow
from tests.asked_shops import Answers, Asked, AskedShop, Said
from tests.end_to_end.processes import Running, granian
from tests.end_to_end.starting import Restarting

HOST, KEY = "api.mollie.com", "live_0123456789abcdefghij"
PAYMENTS, KILLS = 30, 4


def test_a_kill_loses_no_question_and_doubles_no_order(
    launch: Callable[..., Running],
    instance: Path,
    ask_shop: Callable[[str, Answers], AskedShop],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = threading.Semaphore(0)

    def answers(question: Asked) -> Said:
        asked.release()
        time.sleep(0.02)
        name = question.path.rpartition("/")[2]
        amount = {"value": "10.00", "currency": "EUR"}
        return Said(200, {"id": name, "mode": "live", "status": "paid", "amount": amount})

    mollie = ask_shop(HOST, answers)
    monkeypatch.setenv("ASKED_PORT", str(mollie.port))
    with (instance / "config.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'\n[sources.pay]\nkind = "mollie"\nsecrets = ["{KEY}"]\n')
    retries = ",".join(["1"] * KILLS)  # a handler met by every kill is not given up, nor does it wait longer
    serve = partial(granian, app="tests.end_to_end.asking_app:app")
    shop = launch(serve, process=Restarting, WORKER_THREADS=2, RETRY_SCHEDULE=retries)
    server = cast("Restarting", shop.process)
    names = [f"tr_{number:06}" for number in range(PAYMENTS)]
    statuses = [shop.post({"id": name}, path="/orders/pay", headers={}).status for name in names]
    assert statuses == [200] * PAYMENTS
    for _ in range(KILLS):
        assert asked.acquire(timeout=30)
        time.sleep(random.uniform(0, 0.05))
        server.kill()
        with shop.kit.database.write() as session:  # as half a minute of silence would
            session.execute(update(QuarantineRow).values(lease_token=None, lease_until=None))
        shop.let_leases_run_out()
        server.start()
        shop.wait_until_it_answers()
        while asked.acquire(blocking=False):
            pass
    shop.wait_for(lambda: not shop.rows(QuarantineRow), 60)
    orders: list[Any] = shop.settled(60)
    assert sorted(order.order_id for order in orders) == names
    assert {(order.proof, order.state) for order in orders} == {("asked", "done")}
    assert len(mollie.questions) >= PAYMENTS
    handlers = [(row.order_pk, row.name) for row in shop.rows(HandlerRow)]
    assert len(handlers) == len(set(handlers))
