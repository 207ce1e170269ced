"""A real server on a machine whose clock is wrong: its rows are dated by another clock than it has."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from receiver.clock_tables import ClockJumpRow, UpkeepRow
from receiver.models import MailRow, OrderRow
from tests.end_to_end.processes import Running
from tests.served import order_fields


def test_a_server_that_wakes_two_years_later_purges_nothing(launch: Callable[..., Running]) -> None:
    shop = launch()
    shop.post(order_fields())
    shop.settled()
    shop.process.kill()
    then = datetime.now(UTC) - timedelta(days=730)
    with shop.kit.database.write() as session:
        session.execute(update(OrderRow).values(received_at=then))
        session.execute(update(MailRow).values(created_at=then))
        session.execute(update(UpkeepRow).values(beat_at=then))
    shop.restart()
    shop.wait_until_it_answers()
    shop.wait_for(lambda: len(shop.rows(ClockJumpRow)) == 1)
    shop.wait_for(lambda: any("clock jumped" in mail.subject for mail in shop.rows(MailRow)), 20)

    assert [row.fields != "[]" for row in shop.rows()] == [True]
    assert len([row for row in shop.rows(MailRow) if row.order_pk]) == 2
    assert "nothing is purged" in shop.log
