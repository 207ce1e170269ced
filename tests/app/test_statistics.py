"""What is counted of the last hours and days."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from receiver.app import statistics
from receiver.app.components import Kit
from receiver.mail import outbox
from receiver.mail.message import Draft
from receiver.storage.models import HandlerRow, MailRow, QuarantineRow, RefusalRow
from receiver.storage.relay_models import TransmissionRow
from tests.storage.test_order_queries import store

#: A quarter past noon in London, where it is an hour earlier in UTC.
NOW = datetime(2026, 7, 1, 11, 15, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")
HOUR = timedelta(hours=1)


def lately(kit: Kit, now: datetime = NOW, zone: ZoneInfo = LONDON) -> tuple[statistics.Figures, statistics.Figures]:
    with kit.database.read() as session:
        return statistics.lately(session, now, zone)


def add(kit: Kit, row: Any) -> None:
    with kit.database.write() as session:
        session.add(row)


def mail(kit: Kit, number: int, **changes: Any) -> None:
    draft = Draft(message_id=f"<{number}@x>", recipient="ada@shop.example", subject="", text="")
    with kit.database.write() as session:
        outbox.add(session, draft, now=changes.pop("at"), test=changes.pop("test", False))
        session.flush()
        row = session.get_one(MailRow, number)
        for name, value in changes.items():
            setattr(row, name, value)


def test_orders_are_counted_by_hour_and_by_day_of_the_shops_zone(kit: Kit) -> None:
    for number, ago in enumerate((timedelta(), timedelta(minutes=16), 12 * HOUR, 24 * HOUR, timedelta(days=6))):
        store(kit, number, received_at=NOW - ago)
    hours, days = lately(kit)
    assert (len(hours.orders), hours.orders[-1], hours.orders[-2], hours.orders[-13]) == (24, 1, 1, 1)
    assert hours.received == 3
    assert days.orders == [1, 0, 0, 0, 0, 1, 3], "half an hour past midnight in London is today there"
    assert (hours.starts[-1].hour, days.starts[0].day) == (12, 25)


def test_the_first_moment_counts_and_the_one_before_it_does_not(kit: Kit) -> None:
    first = lately(kit)[1].starts[0]
    store(kit, 1, received_at=first)
    store(kit, 2, received_at=first - timedelta(milliseconds=1))
    assert lately(kit)[1].orders == [1, 0, 0, 0, 0, 0, 0]


def test_states_are_counted_without_tests(kit: Kit) -> None:
    for number, state in enumerate(("done", "done", "failed", "parked", "open")):
        store(kit, number, state=state, received_at=NOW)
    store(kit, 9, test=True, received_at=NOW)
    assert lately(kit)[0].states == {"done": 2, "failed": 1, "parked": 1, "open": 1}


def test_mails_are_counted_without_tests(kit: Kit) -> None:
    mail(kit, 1, at=NOW, state="sent")
    mail(kit, 2, at=NOW - 30 * HOUR, state="sent")
    mail(kit, 3, at=NOW, state="failed")
    mail(kit, 4, at=NOW, state="sent", test=True)
    day, week = lately(kit)
    assert (day.mails, week.mails) == ({"sent": 1, "failed": 1}, {"sent": 2, "failed": 1})


@pytest.mark.parametrize(("number", "more"), [(3, False), (100, True)])
def test_refusals_are_counted_as_far_as_they_are_kept(kit: Kit, number: int, more: bool) -> None:
    for _ in range(number):
        values = {"source": "x", "reason": "no_secret", "detail": "", "headers": "[]", "fields": "[]"}
        add(kit, RefusalRow(at=NOW, **values))
    day, _ = lately(kit)
    assert (day.refused, day.refused_more) == (number, more)


def test_hours_go_on_evenly_over_the_end_of_summer_time(kit: Kit) -> None:
    starts = lately(kit, datetime(2026, 10, 25, 12, 0, tzinfo=UTC))[0].starts
    assert {later.astimezone(UTC) - start.astimezone(UTC) for start, later in pairwise(starts)} == {HOUR}


def test_the_job_that_waits_longest_is_named(kit: Kit) -> None:
    def longest() -> statistics.Waiting | None:
        with kit.database.read() as session:
            return statistics.longest_due(session, NOW)

    assert longest() is None
    store(kit, 1, state="open", due_at=NOW + HOUR)
    store(kit, 2, state="done", due_at=None)
    assert longest() is None
    mail(kit, 1, at=NOW - HOUR)
    assert longest() == statistics.Waiting("mail", None, NOW - HOUR)
    store(kit, 3, state="open", due_at=NOW - 2 * HOUR)
    assert longest() == statistics.Waiting("order", "rcp_00000003", NOW - 2 * HOUR)
    waiting = {"event_id": "evt_1", "order_id": "A-1", "test": False, "order": "{}", "created_at": NOW}
    add(kit, TransmissionRow(**waiting, state="open", due_at=NOW - 3 * HOUR))
    assert longest() == statistics.Waiting("transmission", None, NOW - 3 * HOUR)
    sent = {"source": "pay", "digest": "", "sent": "", "received_at": NOW}
    add(kit, QuarantineRow(**sent, state="open", due_at=NOW - 4 * HOUR))
    assert longest() == statistics.Waiting("question to a shop", None, NOW - 4 * HOUR)


def test_handlers_are_counted_over_their_orders(kit: Kit) -> None:
    for number, (state, ago, test) in enumerate(
        [("done", HOUR, False), ("done", timedelta(days=9), False), ("failed", 2 * HOUR, False), ("done", HOUR, True)],
        1,
    ):
        store(kit, number, test=test)
        at = NOW - ago
        add(
            kit,
            HandlerRow(
                order_pk=number, name="mine", position=1, state=state, attempts=1, waiting_since=at, changed_at=at
            ),
        )
    add(
        kit,
        HandlerRow(order_pk=1, name="new", position=2, state="pending", waiting_since=NOW, changed_at=NOW),
    )
    with kit.database.read() as session:
        mine, new = (statistics.of_handler(session, name, NOW - timedelta(days=7)) for name in ("mine", "new"))
    assert mine == statistics.HandlerFigures(NOW - HOUR, Counter(done=1, failed=1))
    assert new == statistics.HandlerFigures(None, Counter())


def test_later_events_are_no_orders_and_counted_apart(kit: Kit) -> None:
    for number, decided in enumerate(("completed", "refunded", "refunded", "cancelled", None)):
        store(kit, number, received_at=NOW, decided=decided)
    store(kit, 9, received_at=NOW, decided="refunded", test=True)
    hours, days = lately(kit)
    assert (hours.received, hours.states["done"], days.received) == (2, 2, 2)
    assert hours.later == {"refunded": 2, "cancelled": 1}
