"""Parked orders are purged too, after a warning of 30 days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from receiver.app.components import Kit
from receiver.customers import parked_purge
from receiver.customers.purging import Purged
from receiver.storage.heartbeat import Heartbeat
from receiver.storage.models import OrderRow
from tests.storage.test_order_queries import store

NOW = datetime.now(UTC)


@pytest.fixture
def kit(kit: Kit) -> Kit:
    """Return the parts of an app whose clock is believed."""
    Heartbeat(kit.database, days=365).look()
    return kit


def park(kit: Kit, pk: int, days: int) -> None:
    store(
        kit, pk, state="parked", received_at=NOW - timedelta(days=days), fields='[["a", "b"]]', errors='[{"word": "x"}]'
    )


def purge(kit: Kit, days: int = 0) -> Purged:
    return sum(kit.retention.purge(NOW + timedelta(days=days), trust_clock=True), Purged())


def warned(kit: Kit) -> list[str]:
    with kit.database.read() as session:
        return [line for one in parked_purge.standing(session, kit.settings) for line in one.lines[:1]]


def test_nobody_is_warned_of_what_is_young(kit: Kit) -> None:
    assert warned(kit) == []
    park(kit, 1, days=300)
    assert (warned(kit), purge(kit)) == ([], Purged())


def test_the_merchant_is_warned_for_30_days_and_then_it_is_gone(kit: Kit) -> None:
    park(kit, 1, days=400)
    park(kit, 2, days=340)
    park(kit, 3, days=10)
    assert warned(kit) == ["RETENTION_DAYS is 365, so the contents of 2 parked orders will be deleted in 30 days."]
    assert [purge(kit, days).orders for days in (0, 29, 30)] == [0, 0, 2]
    with kit.database.read() as session:
        rows = [session.get_one(OrderRow, pk) for pk in (1, 2, 3)]
    assert [(row.state, row.fields, row.errors) for row in rows[:2]] == [("ignored", "[]", None)] * 2
    assert (rows[2].state, rows[2].fields) == ("parked", '[["a", "b"]]')


def test_one_that_grows_old_later_is_named_with_its_day(kit: Kit) -> None:
    park(kit, 1, days=400)
    purge(kit, -31)
    purge(kit)
    park(kit, 2, days=340)
    day = NOW + timedelta(days=25)
    assert warned(kit) == [
        f"RETENTION_DAYS is 365, so the contents of 1 parked order will be deleted from {day:%Y-%m-%d} on."
    ]


def test_nothing_is_counted_while_the_clock_is_not_believed(kit: Kit) -> None:
    park(kit, 1, days=400)
    jumped = NOW + timedelta(days=40)
    assert sum(kit.retention.purge(jumped), Purged()) == Purged()
    assert purge(kit).orders == 0


def test_where_all_is_kept_nobody_is_warned(kit: Kit) -> None:
    park(kit, 1, days=400)
    with kit.database.read() as session:
        assert parked_purge.standing(session, kit.settings.model_copy(update={"RETENTION_DAYS": 0})) == []
