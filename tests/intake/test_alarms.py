"""The alarms: no order came for long, order numbers skip."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from receiver.storage.models import MailRow, OrderRow
from tests.served import Served, order_fields

QUIET = "No orders for 6 hours"
GAP = "Gaps in order numbers: orders may be missing"


@pytest.fixture
def watched(serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch) -> Served:
    """Serve with both alarms, without running jobs; every look is a real one."""
    monkeypatch.setattr("receiver.mail.notices._LOOK_EVERY_SECONDS", 0)
    return serve(work=False, QUIET_HOURS_ALARM=6, ORDER_GAP_ALARM=True)


def arrive(shop: Served, *numbers: str | int, hours_ago: float = 0, path: str = "/orders", **fields: str) -> None:
    """Let orders with these numbers have come in some hours ago."""
    for number in numbers:
        assert shop.post(order_fields(order_number=str(number), **fields), path=path).status == 202
        then = datetime.now(UTC) - timedelta(hours=hours_ago)
        with shop.kit.database.write() as session:
            session.execute(update(OrderRow).where(OrderRow.id == shop.rows()[-1].id).values(received_at=then))


def standing(shop: Served) -> dict[str, tuple[str, ...]]:
    with shop.kit.database.read() as session:
        return {one.headline: one.lines for one in shop.kit.notices.standing(session, datetime.now(UTC))}


def mailed(shop: Served) -> list[str]:
    shop.kit.notices.look()
    return [mail.subject.partition(": ")[2] for mail in shop.rows(MailRow)]


def test_before_the_first_order_nothing_is_said(watched: Served) -> None:
    assert standing(watched) == {}


def test_a_silence_is_told_once_and_stands_until_an_order_comes(watched: Served) -> None:
    arrive(watched, 1, hours_ago=6.1)
    assert mailed(watched) == mailed(watched) == [QUIET]
    assert set(standing(watched)) == {QUIET}

    arrive(watched, 2)
    assert standing(watched) == {}


def test_before_the_time_is_over_it_is_no_silence(watched: Served) -> None:
    arrive(watched, 1, hours_ago=5.9)
    assert standing(watched) == {}


def test_a_test_transmission_ends_no_silence(watched: Served) -> None:
    arrive(watched, 1, hours_ago=7)
    watched.post(order_fields(test="true"))
    assert set(standing(watched)) == {QUIET}


def test_an_import_ends_no_silence(watched: Served) -> None:
    arrive(watched, 1, hours_ago=7)
    arrive(watched, 2)
    with watched.kit.database.write() as session:
        session.execute(update(OrderRow).where(OrderRow.id == 2).values(proof="import"))
    assert set(standing(watched)) == {QUIET}


def test_an_hour_is_said_as_one(serve: Callable[..., Served]) -> None:
    shop = serve(work=False, QUIET_HOURS_ALARM=1)
    arrive(shop, 1, hours_ago=2)
    assert set(standing(shop)) == {"No orders for an hour"}


def test_without_the_settings_nothing_is_said(serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    arrive(shop, 1, 5, hours_ago=200)
    assert standing(shop) == {}


def test_numbers_that_were_overtaken_for_an_hour_are_named(watched: Served) -> None:
    arrive(watched, 1001, 1002, 1005, hours_ago=2)
    assert "not: 1004, 1003" in standing(watched)[GAP][0]
    assert mailed(watched) == [GAP]

    arrive(watched, 1003, 1004)
    assert standing(watched) == {}


def test_a_number_may_be_late_by_an_hour(watched: Served) -> None:
    arrive(watched, 1001, 1003, hours_ago=0.9)
    assert standing(watched) == {}


def test_orders_that_come_out_of_their_order_leave_no_gap(watched: Served) -> None:
    arrive(watched, 3, 1, 4, 2, hours_ago=3)
    assert standing(watched) == {}


def test_a_refund_of_a_missing_order_closes_no_gap(watched: Served) -> None:
    arrive(watched, 1001, 1003, hours_ago=2)
    arrive(watched, 1002, event="order.refunded")
    assert "not: 1002" in standing(watched)[GAP][0]


def test_a_gap_is_as_old_as_the_first_order_that_overtook_it(watched: Served) -> None:
    arrive(watched, 1, 5, hours_ago=2)
    arrive(watched, 3)
    assert "not: 4, 2" in standing(watched)[GAP][0]


def test_more_than_ten_missing_numbers_are_counted(watched: Served) -> None:
    arrive(watched, "INV-0001", "INV-0020", hours_ago=2)
    assert standing(watched)[GAP][0].endswith("10 and 8 more")


def test_shops_and_sources_number_for_themselves(serve: Callable[..., Served]) -> None:
    shop = serve(work=False, ORDER_GAP_ALARM=True, sources={"market": {}})
    arrive(shop, 1, hours_ago=2)
    arrive(shop, 3, hours_ago=2, store_id="second")
    arrive(shop, 5, hours_ago=2, path="/orders/market")
    assert standing(shop) == {}


def test_a_shop_that_numbers_anew_misses_nothing(watched: Served) -> None:
    arrive(watched, 1, 2, 500_000, hours_ago=2)
    arrive(watched, "no number", hours_ago=2)
    assert standing(watched) == {}


def test_a_gap_that_opens_later_is_told_of_a_day_later_at_the_earliest(watched: Served) -> None:
    arrive(watched, 1, 3, 5, hours_ago=2)
    assert mailed(watched) == [GAP]
    arrive(watched, 7, hours_ago=2)
    assert mailed(watched) == [GAP]
