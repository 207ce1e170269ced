"""Durable jobs: the oldest due one is claimed under a lease, kept while it runs, settled only by its holder."""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select, update

from receiver.app.components import Kit
from receiver.errors import Unavailable
from receiver.mail import outbox
from receiver.mail.message import Draft
from receiver.storage import jobs
from receiver.storage.account_models import RegistrationRow
from receiver.storage.columns import Job
from receiver.storage.jobs import LEASE
from receiver.storage.leases import Leases
from receiver.storage.models import MailRow, OrderRow
from receiver.storage.relay_models import TransmissionRow
from tests.served import refuse_writes

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def add_job(kit: Kit, *, due_at: datetime = NOW, state: str = "open") -> int:
    """Put a job that is to be done at a moment into the database; gives its primary key."""
    with kit.database.write() as session:
        draft = Draft(
            message_id=f"<{secrets.token_hex(8)}@shop.example>", recipient="ada@shop.example", subject="-", text="-"
        )
        outbox.add(session, draft, now=NOW)
        session.flush()
        newest = session.scalars(select(MailRow).order_by(MailRow.id.desc()).limit(1)).one()
        newest.due_at, newest.state = due_at, state
        return newest.id


def claim(kit: Kit, at: datetime = NOW) -> MailRow | None:
    with kit.database.write() as session:
        return next(iter(jobs.claim(session, MailRow, at, kit.leases.free(MailRow))), None)


def settle(kit: Kit, job: MailRow, **values: object) -> bool:
    with kit.database.write() as session:
        return jobs.settle(session, job, **values)


def stored(kit: Kit, pk: int) -> MailRow:
    with kit.database.read() as session:
        return session.get_one(MailRow, pk)


def claimed(kit: Kit, at: datetime = NOW) -> MailRow:
    job = claim(kit, at)
    assert job is not None
    return job


@pytest.mark.parametrize("model", [OrderRow, MailRow, TransmissionRow, RegistrationRow])
@pytest.mark.sqlite
def test_no_long_queue_is_sorted_or_walked_to_claim_the_next(kit: Kit, model: type[Job]) -> None:
    """Every order that comes in waits for the claim's write."""
    statements: list[tuple[str, Any]] = []

    @event.listens_for(kit.database.engine, "before_cursor_execute")
    def _note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if "UPDATE" in statement:
            statements.append((statement, values))

    with kit.database.write() as session:
        jobs.claim(session, model, NOW, kit.leases.free(model))
        ((statement, values),) = statements
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
    steps = [str(row[3]) for row in plan]
    assert any("_due (" in step for step in steps)
    assert not [step for step in steps if re.search("SCAN (?!oldest)|TEMP B-TREE", step)]


def test_the_oldest_due_job_is_claimed_first_whatever_its_number(kit: Kit) -> None:
    late = add_job(kit, due_at=NOW - timedelta(minutes=1))
    early = add_job(kit, due_at=NOW - timedelta(minutes=2))
    same = add_job(kit, due_at=NOW - timedelta(minutes=1))

    assert [claimed(kit).id for _ in range(3)] == [early, late, same]
    assert claim(kit) is None


def test_what_is_not_due_yet_is_left_alone(kit: Kit) -> None:
    pk = add_job(kit, due_at=NOW + timedelta(milliseconds=1))

    assert claim(kit) is None
    assert claimed(kit, NOW + timedelta(milliseconds=1)).id == pk


@pytest.mark.parametrize("state", ["sent", "failed"])
def test_what_is_finished_is_never_claimed(kit: Kit, state: str) -> None:
    add_job(kit, state=state)

    assert claim(kit) is None


def test_a_claim_counts_the_attempt_and_writes_a_lease_of_its_own(kit: Kit) -> None:
    add_job(kit)
    add_job(kit)
    first, second = claimed(kit), claimed(kit)

    assert (first.attempts, first.lease_until) == (1, NOW + timedelta(seconds=30))
    assert first.lease_token != second.lease_token
    assert stored(kit, first.id).lease_token == first.lease_token


def has_watched(kit: Kit, seconds: float = 30.0) -> Leases:
    """Give the leases as another process sees them that has watched for so long while nobody renewed any."""
    steady = [0.0]
    watching = Leases(kit.database, (MailRow,), steady=lambda: steady[0])
    watching.watch()
    steady[0] += seconds
    watching.watch()
    return watching


def take_over(kit: Kit, watching: Leases, at: datetime = NOW) -> MailRow | None:
    with kit.database.write() as session:
        return next(iter(jobs.claim(session, MailRow, at, watching.free(MailRow))), None)


@pytest.mark.parametrize("clock", [timedelta(0), timedelta(hours=1), timedelta(days=-1)])
def test_a_held_job_is_taken_over_when_its_lease_was_seen_unchanged_for_as_long_as_it_lasts(
    kit: Kit, clock: timedelta
) -> None:
    """Whatever the clock says meanwhile, it blocks nothing."""
    add_job(kit, due_at=NOW - timedelta(days=2))
    first = claimed(kit)

    assert take_over(kit, has_watched(kit, 29.9), NOW + clock) is None
    again = take_over(kit, has_watched(kit), NOW + clock)
    assert again is not None
    assert (again.id, again.attempts) == (first.id, 2)
    assert again.lease_token != first.lease_token


@pytest.mark.parametrize("clock", [timedelta(hours=1), timedelta(days=400), timedelta(days=-1)])
def test_a_clock_that_is_set_ends_no_lease(kit: Kit, clock: timedelta) -> None:
    add_job(kit, due_at=NOW - timedelta(days=2))
    claimed(kit)

    assert take_over(kit, Leases(kit.database, (MailRow,)), NOW + clock) is None
    assert take_over(kit, has_watched(kit, 1), NOW + clock) is None


def test_a_lease_that_is_renewed_while_it_is_watched_does_not_end(kit: Kit, leases: Leases) -> None:
    add_job(kit)
    job = claimed(kit)
    watching = has_watched(kit)
    with leases.kept(job):
        leases.renew()

    assert take_over(kit, watching) is None


def test_the_silence_of_one_run_ends_no_lease_of_the_next_on_the_same_job(kit: Kit) -> None:
    add_job(kit)
    claimed(kit)
    first, second = has_watched(kit), has_watched(kit)
    assert take_over(kit, first) is not None

    assert take_over(kit, second) is None


def test_no_wall_clock_is_asked_whether_a_lease_is_to_be_renewed(kit: Kit) -> None:
    steady = [0.0]
    leases = Leases(kit.database, steady=lambda: steady[0])
    add_job(kit)
    job = claimed(kit)
    with leases.kept(job):
        leases.renew()
        assert stored(kit, job.id).lease_until == job.lease_until
        steady[0] += 10
        leases.renew()
    assert stored(kit, job.id).lease_until != job.lease_until


def test_what_a_run_of_this_process_holds_is_not_claimed_whatever_the_clock_says(kit: Kit) -> None:
    """The clock may be set, or the lease's renewal have to wait for a foreign lock."""
    add_job(kit)
    job, late = claimed(kit), NOW + timedelta(hours=1)
    watching = has_watched(kit)

    def is_free() -> bool:
        with kit.database.write() as session:
            return bool(jobs.claim(session, MailRow, late, watching.free(MailRow)))

    with watching.kept(job):
        assert not is_free()
    assert is_free()


def test_what_cannot_be_written_down_for_minutes_is_given_up(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "RESULT_PATIENCE", 0.05)
    monkeypatch.setattr(jobs, "_PAUSE", 0.01)
    add_job(kit)
    job = claimed(kit)
    refuse_writes(monkeypatch, kit, times=1000)

    with pytest.raises(Unavailable):
        jobs.write_down(kit.database, lambda session: jobs.settle(session, job, state="sent"))


def test_settling_writes_the_outcome_and_drops_the_lease(kit: Kit) -> None:
    add_job(kit)
    job = claimed(kit)

    assert settle(kit, job, state="sent", due_at=None)
    row = stored(kit, job.id)
    assert (row.state, row.due_at, row.lease_token, row.lease_until) == ("sent", None, None, None)


def test_a_late_finish_of_a_run_that_lost_its_lease_changes_nothing(kit: Kit) -> None:
    add_job(kit)
    slow = claimed(kit)
    with kit.database.write() as session:
        (second,) = jobs.claim(session, MailRow, NOW, has_watched(kit).free(MailRow))

    assert not settle(kit, slow, state="failed", detail="late")
    row = stored(kit, slow.id)
    assert (row.state, row.detail, row.lease_token) == ("open", None, second.lease_token)
    assert settle(kit, second, state="sent")
    assert not settle(kit, slow, state="failed")
    assert stored(kit, slow.id).state == "sent"


def test_one_run_settles_once(kit: Kit) -> None:
    add_job(kit)
    job = claimed(kit)

    assert settle(kit, job, state="sent")
    assert not settle(kit, job, state="failed")


def test_parallel_claimers_of_two_processes_never_get_the_same_job(make_app: Callable[..., Flask]) -> None:
    """Two apps on one file stand for two processes: their write locks are different objects."""
    kits: list[Kit] = [make_app().extensions["receiver"] for _ in range(2)]
    added = {add_job(kits[0]) for _ in range(40)}
    start = threading.Barrier(8)

    def take(number: int) -> list[int]:
        start.wait()
        mine: list[int] = []
        while len(mine) <= len(added) and (job := claim(kits[number % 2])) is not None:
            mine.append(job.id)
        return mine

    with ThreadPoolExecutor(8) as pool:
        taken = [pk for mine in pool.map(take, range(8)) for pk in mine]

    assert len(taken) == 40
    assert set(taken) == added


def test_anything_due_tells_whether_a_claim_would_find_a_job(kit: Kit) -> None:
    assert not jobs.anything_due(kit.database, MailRow, kit.leases.free(MailRow))
    add_job(kit, due_at=datetime.now(UTC) + timedelta(hours=1))
    assert not jobs.anything_due(kit.database, MailRow, kit.leases.free(MailRow))
    add_job(kit, due_at=datetime.now(UTC) - timedelta(seconds=1))
    assert jobs.anything_due(kit.database, MailRow, kit.leases.free(MailRow))
    claim(kit, datetime.now(UTC))
    assert not jobs.anything_due(kit.database, MailRow, kit.leases.free(MailRow))


def test_a_lease_lasts_half_a_minute_and_is_renewed_every_ten_seconds() -> None:
    assert (LEASE.total_seconds(), jobs.RENEWAL.total_seconds()) == (30, 10)


def running_out(kit: Kit, job: MailRow) -> datetime:
    """Let a claimed job's lease end in a second; gives when."""
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
    with kit.database.write() as session:
        session.execute(update(MailRow).where(MailRow.id == job.id).values(lease_until=soon))
    return soon


@pytest.fixture
def leases(kit: Kit) -> Leases:
    """Give leases whose renewal is due."""
    made = Leases(kit.database)
    made._renewed_at = time.monotonic() - jobs.RENEWAL.total_seconds()
    return made


def test_a_lease_is_renewed_while_its_run_lives(kit: Kit, leases: Leases) -> None:
    add_job(kit)
    job = claimed(kit)
    soon = running_out(kit, job)
    with leases.kept(job):
        leases.renew()

    until = stored(kit, job.id).lease_until
    assert until is not None
    assert soon < until <= datetime.now(UTC) + LEASE


def test_a_lease_is_not_renewed_after_its_run(kit: Kit, leases: Leases) -> None:
    add_job(kit)
    job = claimed(kit)
    soon = running_out(kit, job)
    with leases.kept(job):
        pass
    leases.renew()

    assert stored(kit, job.id).lease_until == soon


def test_a_lease_that_another_run_has_taken_is_not_renewed(kit: Kit, leases: Leases) -> None:
    add_job(kit)
    job = claimed(kit)
    soon = running_out(kit, job)
    with kit.database.write() as session:
        session.execute(update(MailRow).values(lease_token="another run"))
    with leases.kept(job):
        leases.renew()

    assert stored(kit, job.id).lease_until == soon


def test_leases_are_renewed_once_in_ten_seconds_only(kit: Kit, leases: Leases) -> None:
    add_job(kit)
    job = claimed(kit)
    with leases.kept(job):
        leases.renew()
        soon = running_out(kit, job)
        leases.renew()

    assert stored(kit, job.id).lease_until == soon
