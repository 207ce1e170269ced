"""A database that goes away during a commit: whether that was kept or not, handlers' work and emails are there once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update

from receiver.errors import Unavailable
from receiver.storage.models import AttemptRow, HandlerRow, MailRow, OrderRow
from receiver.storage.transactions import WriteTransaction
from tests.served import Served, order_fields

NAMES = ["register_customer", "pack_parcel", "email_customer", "tell_the_warehouse"]
_HANDLERS = """
from sqlalchemy import text
from receiver.handlers import handler

@handler
def pack_parcel(order, context):
    context.session.execute(text("INSERT INTO parcels (order_id) VALUES (:id)"), {"id": order.order_id})

@handler
def tell_the_warehouse(order, context):
    context.mail(to="warehouse@laden.de", template="order_confirmation")
"""
#: Commits that the work on one order and its emails takes at most.
MOST = 6


@pytest.fixture
def shop(serve: Callable[..., Served], instance: Path) -> Served:
    (instance / "handlers" / "mine.py").write_text(_HANDLERS, "ascii")
    shop = serve(work=False, HANDLERS=NAMES)
    with shop.kit.database.write() as session:
        session.execute(text("CREATE TABLE parcels (order_id TEXT)"))
    return shop


def let_leases_run_out(shop: Served) -> None:
    with shop.kit.database.write() as session:
        session.execute(update(OrderRow).where(OrderRow.state == "open").values(lease_token=None, lease_until=None))


@pytest.mark.parametrize("is_kept", [True, False])
@pytest.mark.parametrize("lost", range(MOST))
def test_whichever_answer_is_lost_each_handlers_work_is_there_once(
    shop: Served, monkeypatch: pytest.MonkeyPatch, lost: int, is_kept: bool
) -> None:
    commits: Iterator[int] = count()
    commit = WriteTransaction.commit

    def lose_one(transaction: WriteTransaction) -> Any:
        is_lost = next(commits) == lost
        if is_kept or not is_lost:
            commit(transaction)
        if is_lost:
            transaction.close()
            raise Unavailable("The server has gone away; try again.")

    assert shop.post(order_fields(order_id="A-1")).status == 202
    with monkeypatch.context() as patch:
        patch.setattr(WriteTransaction, "commit", lose_one)
        for _ in range(3):
            with suppress(Unavailable):  # of the claim; the engine logs it and goes on
                shop.kit.processor.run_next()
    let_leases_run_out(shop)
    while shop.kit.processor.run_next():
        pass

    assert [row.state for row in shop.rows()] == ["done"]
    with shop.kit.database.read() as session:
        done = select(HandlerRow.name).join(AttemptRow).where(AttemptRow.state == "done")
        assert Counter(session.scalars(done)) == Counter(NAMES)
        assert session.scalars(text("SELECT order_id FROM parcels")).all() == ["A-1"]
    assert Counter(mail.handler for mail in shop.rows(MailRow)) == Counter(["email_customer", "tell_the_warehouse"])
