"""Retention and a clock that is wrong: nothing goes early, and nothing stays for ever."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from receiver.app.components import Kit
from receiver.app.doctor import diagnose
from receiver.customers.purging import Purged
from receiver.customers.retention import Retention
from receiver.mail import outbox
from receiver.mail.message import Draft
from receiver.storage import ages, clock, clock_jumps
from receiver.storage.clock import ClockJumpRow, UpkeepRow
from receiver.storage.heartbeat import Heartbeat
from receiver.storage.models import MailRow, OrderRow
from receiver.storage.relay_models import TransmissionRow
from tests.commanding import Run, runner
from tests.served import Served
from tests.storage.test_order_queries import store

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


class Machine:
    """Is a machine on which an installation runs, with a clock that may be wrong."""

    def __init__(self, kit: Kit, *, days: int = 60, now: datetime = NOW) -> None:
        self._kit = kit
        self._days = days
        self._steady = 1000.0
        #: What the clock says.
        self.now = now
        self._received = 0
        self.start()

    def start(self) -> None:
        """Start the process, as after a stop or a kill."""
        self._heartbeat = self.heartbeat()
        self._retention = Retention(
            self._kit.database, self._kit.transport, days=self._days, now=lambda: self.now, steady=lambda: self._steady
        )
        self.upkeep()

    def heartbeat(self) -> Heartbeat:
        """Make the heartbeat of one process."""
        return Heartbeat(self._kit.database, days=self._days, now=lambda: self.now, steady=lambda: self._steady)

    def upkeep(self) -> None:
        """Let one round of upkeep come."""
        self._heartbeat.look()
        for _ in range(5):  # a round purges one batch
            self._retention.look()

    def run(self, length: timedelta) -> None:
        """Let the process run for so long, its upkeep as often as makes a difference."""
        end = self._steady + length.total_seconds()
        while self._steady < end:
            step = min(3600.0 if self.hours_left else 86_400.0, end - self._steady)
            self._steady += step
            self.now += timedelta(seconds=step)
            self.upkeep()

    def is_off(self, length: timedelta) -> None:
        """Let the machine be off for so long, and start again."""
        self.now += length
        self.start()

    def receive(self) -> None:
        """Receive an order that is settled at once, with its mail and a transmission, dated by the clock."""
        self._received += 1
        number = self._received
        store(self._kit, number, received_at=self.now, fields='[["order_id", "A-1"]]')
        with self._kit.database.write() as session:
            draft = Draft(message_id=f"<{number}@laden.de>", recipient="a@b.de", subject="x", text="x")
            outbox.add(session, draft, now=self.now)
            session.execute(update(MailRow).values(state="sent"))
            values = {"event_id": f"evt_{number}", "order_id": "T", "test": False, "order": "{}", "state": "failed"}
            session.add(TransmissionRow(**values, created_at=self.now))

    @property
    def kept(self) -> tuple[int, int, int]:
        """Count the bodies, mails and transmissions that are still there."""
        with self._kit.database.read() as session:
            bodies = session.query(OrderRow).where(OrderRow.fields != "[]").count()
            return bodies, session.query(MailRow).count(), session.query(TransmissionRow).count()

    @property
    def jumps(self) -> int:
        """Count what is kept of the clock's jumps."""
        with self._kit.database.read() as session:
            return session.query(ClockJumpRow).count()

    @property
    def hours_left(self) -> int:
        with self._kit.database.read() as session:
            return session.get_one(UpkeepRow, 1).suspended_hours


def received(kit: Kit, *days_ago: int) -> None:
    """Store settled orders that came in so many days ago."""
    for number, days in enumerate(days_ago, 1):
        store(kit, number, received_at=NOW - days * DAY, fields="[[]]")


@pytest.fixture
def machine(kit: Kit) -> Machine:
    return Machine(kit)


def test_a_clock_two_years_ahead_while_running_purges_nothing(machine: Machine) -> None:
    machine.receive()
    machine.run(2 * DAY)
    machine.now += 730 * DAY
    machine.upkeep()
    machine.run(2 * DAY)

    assert machine.kept == (1, 1, 1)


def test_a_clock_two_years_ahead_at_one_start_purges_nothing_then_nor_when_it_is_right_again(
    machine: Machine,
) -> None:
    machine.receive()
    machine.run(2 * DAY)
    machine.is_off(730 * DAY)
    machine.receive()
    machine.run(2 * DAY)
    machine.is_off(-730 * DAY)
    machine.receive()
    machine.run(5 * DAY)

    assert machine.kept == (3, 3, 3)


@pytest.mark.unmeasured
def test_what_came_in_while_the_clock_was_ahead_is_purged_on_time(machine: Machine) -> None:
    machine.is_off(730 * DAY)
    machine.receive()
    machine.run(DAY)
    machine.is_off(-730 * DAY)
    machine.run(58 * DAY)
    assert machine.kept == (1, 1, 1)
    machine.run(3 * DAY)

    assert machine.kept == (0, 0, 0)


@pytest.mark.unmeasured
def test_even_a_clock_that_stays_two_years_ahead_purges_little_early(machine: Machine) -> None:
    machine.receive()
    machine.run(2 * DAY)
    machine.is_off(730 * DAY)
    machine.run(43 * DAY)
    assert machine.kept == (1, 1, 1)
    machine.run(16 * DAY)

    assert machine.kept == (0, 0, 0)


@pytest.mark.unmeasured
@pytest.mark.parametrize("is_restarted", [True, False])
@pytest.mark.parametrize("days", [90, 7])
def test_a_fresh_machine_whose_clock_was_400_days_behind_keeps_all_when_it_is_set_right(
    kit: Kit, is_restarted: bool, days: int
) -> None:
    """A machine without a battery: the very first orders are dated more than a year back."""
    machine = Machine(kit, days=days, now=NOW - 400 * DAY)
    machine.receive()
    machine.run(HOUR)
    machine.receive()
    if is_restarted:
        machine.is_off(400 * DAY)
    else:
        machine.now += 400 * DAY
        machine.upkeep()
    machine.receive()
    assert machine.hours_left == 72
    machine.run(75 * HOUR)
    assert machine.hours_left == 0
    assert machine.kept == (3, 3, 3)
    machine.run(days * DAY)

    assert machine.kept == (0, 0, 0)


@pytest.mark.unmeasured
def test_what_came_in_while_a_clock_was_behind_is_as_old_as_it_is(machine: Machine) -> None:
    machine.run(10 * DAY)
    machine.is_off(-400 * DAY)
    machine.receive()
    machine.run(10 * DAY)
    machine.is_off(400 * DAY)
    machine.run(48 * DAY)
    assert machine.kept == (1, 1, 1)
    machine.run(4 * DAY)

    assert machine.kept == (0, 0, 0)


def test_a_clock_that_is_behind_for_less_than_a_look_ages_no_order_that_follows_another(
    machine: Machine,
) -> None:
    machine.receive()
    machine.now -= 400 * DAY
    machine.receive()
    machine.now += 400 * DAY
    machine.run(5 * DAY)

    assert machine.kept == (2, 2, 2)


def test_a_normal_installation_purges_on_time(machine: Machine) -> None:
    for _ in range(3):
        machine.receive()
        machine.run(DAY)
    machine.run(56 * DAY)
    assert machine.kept == (3, 3, 3)
    machine.run(2 * DAY)
    assert machine.kept == (2, 2, 2)
    machine.run(2 * DAY)
    assert machine.kept == (0, 0, 0)


@pytest.mark.unmeasured
def test_a_shop_with_one_order_a_month_is_purged_on_time(machine: Machine) -> None:
    for _ in range(4):
        machine.receive()
        machine.run(31 * DAY)

    assert machine.kept == (1, 1, 1)


@pytest.mark.unmeasured
def test_a_server_that_was_off_for_a_week_purges_after_72_hours(machine: Machine) -> None:
    machine.receive()
    machine.run(55 * DAY)
    machine.is_off(7 * DAY)
    machine.run(71 * HOUR)
    assert (machine.kept, machine.hours_left) == ((1, 1, 1), 1)
    machine.run(2 * HOUR)

    assert (machine.kept, machine.hours_left) == ((0, 0, 0), 0)


def test_the_72_hours_go_on_after_a_restart(machine: Machine) -> None:
    machine.is_off(7 * DAY)
    for _ in range(9):
        machine.run(8 * HOUR)
        machine.is_off(HOUR)

    assert machine.hours_left == 0


def test_an_hour_is_counted_once_however_many_processes_run(machine: Machine) -> None:
    machine.is_off(7 * DAY)
    others = [machine.heartbeat() for _ in range(3)]
    for _ in range(20):
        machine.run(timedelta(minutes=30))
        for other in others:
            other.look()

    assert machine.hours_left == 62


def test_an_upgraded_installation_purges_old_rows_on_time(kit: Kit) -> None:
    """Its rows are older than the first heartbeat."""
    received(kit, 364, 59, 50, 1)
    machine = Machine(kit)
    assert machine.kept[0] == 3
    machine.run(2 * DAY)
    assert machine.kept[0] == 2

    machine.run(9 * DAY)
    assert machine.kept[0] == 1


@pytest.mark.parametrize("days", [730, -730])
def test_a_clock_that_is_wrong_at_the_first_start_after_an_upgrade_purges_nothing(kit: Kit, days: int) -> None:
    received(kit, 364, 59, 1)
    machine = Machine(kit, now=NOW + days * DAY)
    assert machine.hours_left == 72
    machine.run(2 * DAY)
    machine.is_off(-days * DAY)

    assert machine.kept[0] == 3


def test_a_shop_that_slept_for_long_before_an_upgrade_is_purged_after_72_hours(kit: Kit) -> None:
    received(kit, 364, 50)
    machine = Machine(kit)
    machine.run(71 * HOUR)
    assert machine.kept[0] == 2
    machine.run(2 * HOUR)

    assert machine.kept[0] == 1


def test_before_the_first_heartbeat_prune_asks_the_newest_order_about_the_clock(kit: Kit, run: Run) -> None:
    """As from cron, right after an upgrade."""
    store(kit, 1, received_at=clock.utc_now() - 800 * DAY, fields="[[]]")
    store(kit, 2, received_at=clock.utc_now() - 730 * DAY, fields="[[]]")
    refused = run("prune")
    assert refused.exit_code == 1
    assert "Nothing is deleted: the clock went on by 730 days" in refused.stderr

    store(kit, 3, received_at=clock.utc_now() - DAY, fields="[[]]")
    assert json.loads(run("prune", "--json").stdout)["orders"] == 2


def test_a_row_dated_in_the_far_future_keeps_no_other_from_being_purged(kit: Kit) -> None:
    store(kit, 1, received_at=NOW + 700 * DAY, fields="[[]]")
    store(kit, 2, received_at=NOW - 59 * DAY, fields="[[]]")
    store(kit, 3, received_at=NOW, fields="[[]]")
    machine = Machine(kit)
    machine.run(2 * DAY)

    assert machine.kept[0] == 2


def test_a_small_correction_of_the_clock_suspends_nothing(machine: Machine) -> None:
    for gap in (2 * DAY, -2 * DAY):
        machine.now += gap
        for _ in range(3):
            machine.run(HOUR)
        machine.is_off(gap)
        machine.run(2 * HOUR)

    assert machine.hours_left == 0


@pytest.mark.parametrize("gap", [2.9 * DAY, -2.9 * DAY])
def test_many_small_wrong_steps_are_one_large_one(machine: Machine, gap: timedelta) -> None:
    """Each start would be believed by itself."""
    machine.receive()
    for _ in range(20):
        machine.is_off(gap)
        machine.run(HOUR / 3)
    machine.run(2 * DAY)

    assert machine.hours_left > 0
    assert machine.kept == (1, 1, 1)


def test_many_small_steps_while_it_runs_are_one_large_one(machine: Machine) -> None:
    """An hour in which the clock was set confirms nothing."""
    machine.receive()
    machine.run(2 * HOUR)
    for _ in range(40):
        machine.now += 1.5 * DAY
        machine.run(timedelta(minutes=50))
    machine.run(2 * DAY)

    assert machine.hours_left > 0
    assert machine.kept == (1, 1, 1)


@pytest.mark.unmeasured
def test_a_machine_that_is_off_on_long_weekends_is_purged(machine: Machine) -> None:
    """It runs for 40 hours a week, and never for 72 on end."""
    machine.receive()
    for _ in range(10):
        for _ in range(4):
            machine.run(10 * HOUR)
            machine.is_off(14 * HOUR)
        machine.is_off(3 * DAY + HOUR)

    assert machine.kept == (0, 0, 0)


@pytest.mark.parametrize("receives", [False, True])
@pytest.mark.parametrize("first", [timedelta(0), -20_000 * DAY], ids=["right at first", "wrong at first"])
def test_a_machine_without_a_battery_is_purged(kit: Kit, first: timedelta, receives: bool) -> None:
    """Each day it starts in 1972, for a minute; on weekends it is off for longer."""
    machine = Machine(kit, days=14, now=NOW + first)
    machine.now -= first
    machine.run(8 * HOUR)
    machine.receive()
    for day in range(30):
        off = 4 * DAY if day % 7 == 0 else 16 * HOUR
        machine.is_off(-20_000 * DAY)
        if receives:
            machine.receive()
        machine.run(timedelta(minutes=1))
        machine.now += 20_000 * DAY + off
        machine.run(8 * HOUR)
    if receives:
        assert 8 < machine.kept[0] < 16
    else:
        assert (machine.kept, machine.jumps < 20) == ((0, 0, 0), True)


@pytest.mark.unmeasured
def test_jumps_are_forgotten_once_all_that_came_before_is_old(machine: Machine) -> None:
    for _ in range(10):
        machine.receive()
        machine.is_off(4 * DAY)
        machine.run(16 * DAY)

    assert machine.kept == (3, 3, 3)
    assert machine.jumps <= 5


def test_a_clock_that_jumps_all_the_time_leaves_few_jumps_purges_nothing_early_and_all_at_last(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock_jumps, "_MOST_JUMPS", 1)
    for days in (40, -80):
        machine.receive()
        machine.is_off(days * DAY)
        machine.receive()
        machine.run(73 * HOUR)
        assert machine.jumps == 1
    machine.run(30 * DAY)
    assert machine.kept == (4, 4, 4)
    machine.run(85 * DAY)
    assert machine.kept == (0, 0, 0)


def test_however_many_jumps_there_are_sqlite_takes_the_condition(kit: Kit) -> None:
    """It refuses about 1,000 ORs."""
    received(kit, 61, 1)
    times = {"before": NOW, "at": NOW, "gap": 0, "off": 0, "believed": True, "hours_left": 0}
    with kit.database.write() as session:
        session.add_all([ClockJumpRow(**times, orders=0, mails=0, transmissions=0) for _ in range(3000)])
        is_old = ages.old(session, "orders", NOW, 60 * DAY)
        assert session.scalars(select(OrderRow.id).where(is_old)).all() == [1]


def test_a_jump_during_a_purge_ends_it(machine: Machine) -> None:
    machine.receive()
    machine.run(60 * DAY - HOUR)
    machine.now += 2 * DAY
    batches = machine._retention.purge(machine.now)
    machine.now -= 400 * DAY
    machine.upkeep()

    assert sum(batches, Purged()) == Purged()


def jump(kit: Kit, days: int) -> None:
    """Let the last heartbeat be so many days from what the clock says, and the upkeep notice it."""
    with kit.database.write() as session:
        beat_at = clock.utc_now() - days * DAY
        session.add(UpkeepRow(id=1, beat_at=beat_at, beats=7, orders=0, mails=0, transmissions=0))
    Heartbeat(kit.database, days=365).look()


@pytest.fixture
def run(make_app: Callable[..., Flask]) -> Run:
    return runner(make_app)


@pytest.mark.parametrize(("days", "said"), [(730, "the clock went on by 730 days"), (-30, "went back by 30 days")])
def test_a_jump_is_told_by_doctor_mail_and_log(
    kit: Kit, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, days: int, said: str
) -> None:
    monkeypatch.setattr("receiver.mail.notices._LOOK_EVERY_SECONDS", 0)
    jump(kit, days)
    kit.notices.look()
    with kit.database.write() as session:
        assert session.query(MailRow).all() == [], "it may be over in a minute"
        session.execute(update(UpkeepRow).values(suspended_hours=71))
    kit.notices.look()

    (told,) = [one for one in diagnose(kit) if one.subject == "clock" and one.state == "warning"]
    assert said in told.text
    assert "has run for 71 more hours, no earlier than 20" in told.text
    with kit.database.read() as session:
        (mail,) = session.query(MailRow).all()
    assert mail.subject.endswith("The server's clock jumped, so no old data is deleted for now")
    assert said in mail.text
    assert "nothing is purged until upkeep has run for 72 hours" in caplog.text


def test_a_jump_that_nobody_noticed_yet_keeps_prune_from_it_too(kit: Kit, run: Run) -> None:
    store(kit, 1, received_at=clock.utc_now() - 366 * DAY, fields="[[]]")
    jump(kit, 0)
    with kit.database.write() as session:
        session.execute(update(UpkeepRow).values(beat_at=clock.utc_now() - 4 * DAY))
    refused = run("prune")
    assert refused.exit_code == 1
    assert "Nothing is deleted: the clock went on by 4 days" in refused.stderr
    assert "flask prune --trust-clock" in refused.stderr

    assert json.loads(run("prune", "--trust-clock", "--json").stdout)["orders"] == 1


def test_where_nothing_is_ever_purged_a_jump_is_no_trouble(make_app: Callable[..., Flask]) -> None:
    kit: Kit = make_app(RETENTION_DAYS=0).extensions["receiver"]
    jump(kit, 730)
    kit.notices.look()

    assert [one for one in diagnose(kit) if one.subject == "clock" and one.state == "warning"] == []
    with kit.database.read() as session:
        assert session.query(MailRow).all() == []
        assert session.query(ClockJumpRow).count() == 1


def test_a_serving_process_beats(shop: Served) -> None:
    def beats() -> bool:
        with shop.kit.database.read() as session:
            return session.get(UpkeepRow, 1) is not None

    shop.wait_for(beats)
