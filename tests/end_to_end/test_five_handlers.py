"""Five handlers on 500 orders, three of them bad: nothing of the others is lost, delayed or done twice."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import select, text

from receiver.storage.models import AttemptRow, HandlerRow
from tests.served import Served, order_fields

ORDERS = 200
KEEP = """
from sqlalchemy import text
from receiver.handlers import handler

@handler
def {name}(order, context):
    keep(order, context, "{name}")

def keep(order, context, name):
    context.session.execute(text("INSERT INTO kept VALUES (:name, :id)"), {{"name": name, "id": order.order_id}})
"""
SHAKY = """
import random
from sqlalchemy import text
from receiver.handlers import handler

chance = random.Random(4)

@handler(retries=20)
def shaky(order, context):
    context.session.execute(text("INSERT INTO kept VALUES ('shaky', :id)"), {"id": order.order_id})
    if chance.random() < 0.3:
        raise ConnectionError("not today")
"""
HANGING = """
import threading
from receiver.handlers import handler

@handler(timeout=0.2, retries=0)
def hanging(order, context):
    threading.Event().wait(60)
"""
GOOD = ("ledger", "stock")


@pytest.mark.unmeasured
def test_every_good_handler_runs_once_on_each_order_and_a_shaky_one_ends_done(
    serve: Callable[..., Served], instance: Path
) -> None:
    sources = {name: KEEP.format(name=name) for name in GOOD}
    sources |= {"shaky": SHAKY, "hanging": HANGING, "broken": "1 / 0\n"}
    for name, source in sources.items():
        (instance / "handlers" / f"{name}.py").write_text(source, "utf-8")
    shop = serve(HANDLERS=["ledger", "shaky", "hanging", "stock"], RETRY_SCHEDULE=[1])
    (problem,) = shop.kit.registry.problems
    assert "broken.py" in problem
    assert "line 1" in problem
    with shop.kit.database.write() as session:
        session.execute(text("CREATE TABLE kept (handler TEXT, order_id TEXT)"))

    with ThreadPoolExecutor(8) as senders:
        answers = senders.map(lambda number: shop.post(order_fields(order_id=f"N-{number}")).status, range(ORDERS))
        assert set(answers) == {202}
    shop.wait_for(lambda: finished(shop) == ORDERS * 4, seconds=120)

    with shop.kit.database.read() as session:
        kept = Counter(name for name, _ in session.execute(text("SELECT DISTINCT handler, order_id FROM kept")))
        lines = Counter(session.scalars(text("SELECT handler FROM kept")))
        states = Counter(tuple(row) for row in session.execute(select(HandlerRow.name, HandlerRow.state)))
        done = select(HandlerRow.name).join(AttemptRow, AttemptRow.handler_pk == HandlerRow.id)
        successes = Counter(session.scalars(done.where(AttemptRow.state == "done")))
    expected = dict.fromkeys((*GOOD, "shaky"), ORDERS)
    assert kept == lines == successes == expected
    assert states == {**{(name, "done"): ORDERS for name in expected}, ("hanging", "failed"): ORDERS}


def finished(shop: Served) -> int:
    """Count the handlers that are finished; not too often, for counting takes time from them."""
    time.sleep(0.3)
    with shop.kit.database.read() as session:
        count = text("SELECT count(*) FROM order_handlers WHERE state IN ('done', 'failed')")
        return int(session.scalar(count) or 0)
