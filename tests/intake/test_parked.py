"""The parked orders: number, age, what would become of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text, update

from receiver.intake import parked
from receiver.sources import saved_options
from receiver.storage.models import OrderRow
from tests.served import Served, order_fields

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def shop(serve: Callable[..., Served]) -> Served:
    """Serve with two parked orders between two that are not."""
    shop = serve(work=False)
    shop.post(order_fields())
    for number in (1, 2):
        shop.post({"OrderRef": f"A-{number}"})
    shop.post(order_fields())
    return shop


def seen(shop: Served, after: int = 0) -> parked.Overview:
    with shop.kit.database.read() as session:
        return parked.overview(session, after)


def map_names(shop: Served) -> None:
    with shop.kit.database.write() as session:
        saved_options.save_rules(session, "shopintegrator", {"order_id": "OrderRef"}, NOW)
    shop.kit.sources.look_again()


def test_number_and_age_of_what_is_parked(shop: Served) -> None:
    rows = shop.rows()
    assert seen(shop) == parked.Overview(2, rows[1].received_at, rows[2].received_at)
    assert seen(shop, after=2) == parked.Overview(1, rows[2].received_at, rows[2].received_at)
    assert seen(shop, after=3) == parked.Overview(0, None, None)


def test_the_lists_hold_the_parked_ones_alone(shop: Served) -> None:
    with shop.kit.database.read() as session:
        assert parked.receipts(session) == [(2, "rcp_00000002"), (3, "rcp_00000003")]
        assert parked.receipts(session, after=2) == [(3, "rcp_00000003")]
        assert [row.id for row in session.scalars(parked.newest())] == [3, 2]
        assert [row.id for row in session.scalars(parked.newest(before=3))] == [2]


@pytest.mark.sqlite
def test_the_list_uses_the_index_of_parked_orders(shop: Served) -> None:
    with shop.kit.database.read() as session:
        statement = str(parked.newest(before=9).compile(session.get_bind(), compile_kwargs={"literal_binds": True}))
        plan = " ".join(str(row) for row in session.execute(text(f"EXPLAIN QUERY PLAN {statement}")))
    assert "ix_orders_parked" in plan


def test_what_will_be_understood_is_foreseen_and_nothing_changes(shop: Served) -> None:
    with shop.kit.database.read() as session:
        assert parked.foresee(session, shop.kit.sources) == parked.Foreseen(2, 0)
    map_names(shop)
    with shop.kit.database.read() as session:
        assert parked.foresee(session, shop.kit.sources) == parked.Foreseen(2, 2)
    assert [row.state for row in shop.rows()] == ["open", "parked", "parked", "open"]


def test_what_came_from_a_source_that_is_gone_is_not_understood(shop: Served) -> None:
    map_names(shop)
    with shop.kit.database.write() as session:
        session.execute(update(OrderRow).where(OrderRow.id == 2).values(source="gone"))
    with shop.kit.database.read() as session:
        assert parked.foresee(session, shop.kit.sources) == parked.Foreseen(2, 1)


@pytest.mark.parametrize(
    ("age", "words", "names"),
    [
        (timedelta(minutes=5), "less than an hour", []),
        (timedelta(hours=1), "1 hour", []),
        (timedelta(hours=5), "5 hours", []),
        (timedelta(hours=30), "30 hours", ["email_customer"]),
        (timedelta(days=12), "12 days", ["email_customer"]),
    ],
)
def test_whoever_writes_to_customers_is_better_left_out_of_old_orders(
    age: timedelta, words: str, names: list[str]
) -> None:
    found = parked.Overview(1, NOW - age, NOW)
    assert found.age(NOW) == words
    assert parked.better_left_out(found, ["register_customer", "email_customer"], NOW) == names


def test_where_nothing_is_parked_nothing_is_old() -> None:
    nothing = parked.Overview(0, None, None)
    assert (nothing.is_old(NOW), nothing.age(NOW)) == (False, "less than an hour")
