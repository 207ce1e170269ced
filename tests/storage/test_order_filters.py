"""A list of orders holds what its filters let through, and says what that comes to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event

from receiver.app.components import Kit
from receiver.storage import order_filters, order_lines, search
from receiver.storage.models import OrderRow
from receiver.storage.order_filters import OrderFilter, Totals, of_days
from tests.storage.search.test_search import store_order
from tests.storage.test_order_queries import store

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SOLD: dict[str, Any] = {"decided": "completed", "currency": "GBP"}


def ids(kit: Kit, *, before: int | None = None, **filters: Any) -> list[int]:
    with kit.database.read() as session:
        return list(OrderFilter(**filters).ids(session, most=50, before=before))


def totals(kit: Kit, **filters: Any) -> Totals:
    with kit.database.read() as session:
        return OrderFilter(**filters).totals(session)


@pytest.fixture
def filled(kit: Kit) -> Kit:
    """Give a kit with orders that differ in what can be filtered."""
    store_order(kit, 1, **SOLD, total="9.99")
    store_order(kit, 2, **SOLD, total="115.50", source="ebay", state="failed")
    store_order(kit, 3, **SOLD, total="1000.00", test=True)
    store_order(kit, 4, **SOLD | {"currency": "JPY"}, total="500", received_at=NOON + timedelta(days=1))
    store_order(kit, 5, decided="refunded", currency="GBP", total="2.00", received_at=NOON + timedelta(days=2))
    store_order(kit, 6, total=None, state="parked", order_id="A-1")
    kit.search_writing.look()
    return kit


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, [6, 5, 4, 2, 1]),
        ({"which": "tests"}, [3]),
        ({"which": "later"}, [5]),
        ({"which": "same_id"}, []),
        ({"state": "failed"}, [2]),
        ({"source": "ebay"}, [2]),
        ({"source": "ebay", "state": "done"}, []),
        ({"since": NOON + timedelta(days=1)}, [5, 4]),
        ({"until": NOON + timedelta(days=1)}, [6, 2, 1]),
        ({"least": Decimal("115.50")}, [4, 2]),
        ({"most": Decimal("9.99")}, [5, 1]),
        ({"least": Decimal("9.99"), "most": Decimal("115.50")}, [2, 1]),
        ({"words": "pritchard"}, [6, 5, 4, 3, 2, 1]),
        ({"words": "pritchard", "which": "tests"}, [3]),
        ({"words": "115.50"}, [2]),
        ({"words": "pritchard", "state": "failed"}, [2]),
        ({"words": "a-1", "state": "failed"}, []),
    ],
)
def test_a_list_holds_what_meets_every_filter(filled: Kit, filters: dict[str, Any], found: list[int]) -> None:
    assert ids(filled, **filters) == found
    assert ids(filled, **filters, before=3) == [pk for pk in found if pk < 3]
    assert totals(filled, **filters).found == len(found)


@pytest.mark.parametrize("few", [0, 1, 6])
def test_a_word_and_a_filter_find_the_same_however_many_meet_the_filter(
    filled: Kit, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(search, "_MOST_TEXTS", few)
    store_order(filled, 7, state="failed")  # isn't in the index yet
    assert ids(filled, words="pritchard", state="failed") == [7, 2]
    assert ids(filled, words="pritchard", state="failed", before=7) == [2]
    assert ids(filled, words="pritchard zoe", state="done") == [5, 4, 3, 1]
    assert ids(filled, words="nobody", state="done") == []


@pytest.mark.sqlite
def test_a_word_that_stands_in_all_orders_does_not_walk_them_for_a_rare_filter(filled: Kit) -> None:
    asked: list[str] = []
    event.listen(filled.database.engine, "before_cursor_execute", lambda *about: asked.append(about[2]))
    assert ids(filled, words="pritchard", state="failed") == [2]
    (look,) = [one for one in asked if "LIKE" in one]
    assert "FROM order_search" in look
    assert "order_search.id IN" in look


def test_what_was_sold_is_summed_by_currency(filled: Kit) -> None:
    sums = {"GBP": Decimal("125.49"), "JPY": Decimal(500)}
    assert totals(filled) == Totals(5, is_cut=False, sold=3, sums=sums)
    assert totals(filled, words="pritchard") == Totals(6, is_cut=False, sold=3, sums=sums)
    assert totals(filled, which="tests") == Totals(1, is_cut=False, sold=0, sums={})


def test_many_amounts_are_summed_to_the_penny(kit: Kit) -> None:
    for number in range(1, 101):
        store(kit, number, **SOLD, total="0.10" if number % 2 else "1234567.89")
    assert totals(kit).sums == {"GBP": Decimal("61728399.50")}


def test_more_than_is_counted_says_so(filled: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit, filters in (("MOST_COUNTED", {}), ("MOST_FOUND", {"words": "pritchard"})):
        monkeypatch.setattr(order_filters, limit, 4)
        assert totals(filled, **filters) == Totals(4, is_cut=True, sold=0, sums={})


@pytest.mark.parametrize(
    ("zone", "came", "is_in"),
    [
        ("UTC", "2026-11-22T23:59:59Z", False),
        ("UTC", "2026-11-23T00:00:00Z", True),
        ("UTC", "2026-11-23T23:59:59Z", True),
        ("UTC", "2026-11-24T00:00:00Z", False),
        ("Pacific/Auckland", "2026-11-22T11:00:00Z", True),
        ("America/Los_Angeles", "2026-11-24T07:59:59Z", True),
        ("America/Los_Angeles", "2026-11-23T07:59:59Z", False),
    ],
)
def test_a_day_is_that_of_the_shops_zone(kit: Kit, zone: str, came: str, is_in: bool) -> None:
    store(kit, 1, received_at=datetime.fromisoformat(came))
    day = date(2026, 11, 23)
    assert bool(ids(kit, **of_days(day, day, ZoneInfo(zone)))) == is_in


def test_the_first_and_the_last_day_of_all_are_no_limit(kit: Kit) -> None:
    store(kit, 1)
    assert ids(kit, **of_days(date.min, date.max, ZoneInfo("Pacific/Auckland"))) == [1]


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "look",
    [
        lambda session: OrderFilter().ids(session, most=50),
        lambda session: OrderFilter(state="failed", source="x").ids(session, most=50, before=9),
        lambda session: OrderFilter(since=NOON, until=NOON, least=Decimal(1)).ids(session, most=50),
        lambda session: OrderFilter().totals(session),
        lambda session: OrderFilter(since=NOON, most=Decimal(1)).totals(session),
    ],
)
def test_a_list_reads_no_large_row_until_it_knows_which(kit: Kit, look: Callable[[Any], Any]) -> None:
    asked: list[tuple[str, Any]] = []
    event.listen(kit.database.engine, "before_cursor_execute", lambda *about: asked.append((about[2], about[3])))
    with kit.database.read() as session:
        look(session)
        connection = session.connection()
        plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {one}", values).all() for one, values in [*asked]]
    steps = [str(step[3]) for plan in plans for step in plan if "orders" in str(step[3])]
    assert steps
    assert [step for step in steps if "COVERING INDEX" not in step] == []


def test_a_line_says_who_bought_how_much(kit: Kit) -> None:
    address = '{"billing": {"name": "Zoë"}, "items": [{"quantity": 3}, {"quantity": "0.55"}], "order_number": "#7"}'
    store(kit, 1, order=address, email="zoe@shop.example")
    store(kit, 2, order='{"customer": {"last_name": "Müller"}}', order_id="A-2")
    store(kit, 3, email="zoe@shop.example", order_id=None)
    with kit.database.read() as session:
        lines = order_lines.read(session, [1, 2, 3])
    assert [line[1:] for line in lines] == [("", "zoe@shop.example", None), ("A-2", "Müller", 0), ("#7", "Zoë", 4)]
    assert isinstance(lines[0].row, OrderRow)
