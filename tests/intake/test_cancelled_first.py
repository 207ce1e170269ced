"""An order that comes after its cancellation runs all the same, and the merchant hears of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from receiver.intake import cancelled_first
from receiver.storage.models import MailRow, OrderRow
from tests.served import Served, order_fields

CANCELLED = {"order_id": "A-1", "event": "order.cancelled"}


@pytest.fixture
def idle(serve: Callable[..., Served]) -> Served:
    return serve(work=False)


def alerts(shop: Served) -> list[str]:
    with shop.kit.database.read() as session:
        return [one.headline for one in cancelled_first.standing(session, datetime.now(UTC))]


def test_the_merchant_is_mailed_that_the_order_came_after_its_cancellation(serve: Callable[..., Served]) -> None:
    shop = serve()
    shop.post(CANCELLED)
    shop.post(order_fields(order_id="A-1"))
    shop.settled()

    def mails() -> list[MailRow]:
        return [one for one in shop.rows(MailRow) if "came after its cancellation" in one.subject]

    shop.wait_for(lambda: bool(mails()), 30)
    (mail,) = mails()
    assert "The cancellation is rcp_00000001, the order rcp_00000002." in mail.text
    assert "/admin/orders/rcp_00000002" in mail.text


def test_one_that_came_in_order_or_is_of_another_order_is_no_alert(idle: Served) -> None:
    idle.post(order_fields(order_id="A-1"))
    idle.post(CANCELLED)
    idle.post({**CANCELLED, "order_id": "A-2"})
    idle.post(order_fields(order_id="A-3"))
    idle.post({**order_fields(order_id="A-2"), "test": "true"})
    idle.post({"order_id": "A-2", "payment_status": "pending", "total": "1.00"})
    assert alerts(idle) == []


def test_a_second_order_of_the_id_is_no_alert(idle: Served) -> None:
    idle.post(order_fields(order_id="A-1"))
    idle.post(CANCELLED)
    idle.post({**order_fields(order_id="A-1"), "total": "1.00"})
    assert alerts(idle) == []


def test_an_old_cancellation_is_no_alert(idle: Served) -> None:
    idle.post(CANCELLED)
    idle.post(order_fields(order_id="A-1"))
    assert alerts(idle) == ["Order A-1 came after its cancellation"]
    with idle.kit.database.write() as session:
        session.execute(update(OrderRow).values(received_at=datetime.now(UTC) - timedelta(days=2)))
    assert alerts(idle) == []
