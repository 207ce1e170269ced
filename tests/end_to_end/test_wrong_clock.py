"""A real server on a machine whose clock is wrong: its rows and leases are dated by another clock than it has."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from receiver.storage.clock import ClockJumpRow, UpkeepRow
from receiver.storage.models import MailRow, OrderRow
from tests.end_to_end.processes import Running
from tests.served import order_fields


def test_a_server_that_wakes_two_years_later_purges_nothing(launch: Callable[..., Running]) -> None:
    shop = launch()
    shop.post(order_fields())
    shop.settled()
    shop.wait_for(lambda: len(shop.rows(UpkeepRow)) == 1)
    shop.process.kill()
    then = datetime.now(UTC) - timedelta(days=730)
    with shop.kit.database.write() as session:
        session.execute(update(OrderRow).values(received_at=then))
        session.execute(update(MailRow).values(created_at=then))
        session.execute(update(UpkeepRow).values(beat_at=then))
    shop.restart()
    shop.wait_until_it_answers()
    shop.wait_for(lambda: len(shop.rows(ClockJumpRow)) == 1)
    with shop.kit.database.write() as session:
        session.execute(update(UpkeepRow).values(suspended_hours=71))
    shop.wait_for(lambda: any("clock jumped" in mail.subject for mail in shop.rows(MailRow)))

    assert [row.fields != "[]" for row in shop.rows()] == [True]
    assert len([row for row in shop.rows(MailRow) if row.order_pk]) == 2
    assert "nothing is purged" in shop.log


_SLOW = """
from pathlib import Path
import time
from receiver.handlers import handler

FOLDER = Path(__file__).parents[1]

@handler
def slow(order, context):
    with open(FOLDER / "calls", "a") as calls:
        calls.write(order.order_id + "\\n")
    while order.order_id == "slow" and not (FOLDER / "go_on").exists():
        time.sleep(0.02)
"""


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(days=-1)])
def test_a_clock_that_jumps_while_a_handler_runs_calls_it_once_and_blocks_nothing(
    launch: Callable[..., Running], add_handler: Callable[[str, str], None], instance: Path, jump: timedelta
) -> None:
    """To a process whose clock went on, each lease seems to have ended so long ago; the oldest job is claimed first."""
    add_handler("slow", _SLOW)
    shop, _ = (launch(HANDLERS="slow", WORKER_THREADS=1) for _ in range(2))
    shop.post(order_fields(order_id="slow"))
    calls = instance / "calls"
    shop.wait_for(calls.exists)
    with shop.kit.database.write() as session:
        until = session.scalars(select(OrderRow.lease_until)).one()
        assert until is not None
        session.execute(update(OrderRow).values(lease_until=until - jump))
    for number in range(3):
        shop.post(order_fields(order_id=f"other-{number}"))
    shop.wait_for(lambda: [row.state for row in shop.rows()] == ["open", "done", "done", "done"])
    (instance / "go_on").touch()

    assert {row.state for row in shop.settled()} == {"done"}
    assert sorted(calls.read_text().split()) == ["other-0", "other-1", "other-2", "slow"]
