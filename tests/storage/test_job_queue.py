"""Jobs that are claimed several at a time, handed out one by one, and given back."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from receiver.app.components import Kit
from receiver.storage import jobs
from receiver.storage.job_queue import JobQueue
from receiver.storage.models import MailRow
from tests.storage.test_jobs import NOW, add_job, has_watched, stored


class Sending(JobQueue[MailRow]):
    """Mails, three at a time; each run says which it was."""

    def __init__(self, kit: Kit) -> None:
        super().__init__(kit.database, kit.leases, MailRow, most=3)
        self.claims: list[int] = []
        self.ran: list[int] = []

    def now(self) -> datetime:
        return NOW + timedelta(hours=1)

    def prepare(self, session: Session, claimed: Sequence[MailRow], now: datetime) -> None:  # noqa: ARG002
        self.claims.append(len(claimed))

    def run(self, job: MailRow) -> None:
        self.ran.append(job.id)
        jobs.write_down(self.database, lambda connection: jobs.settle(connection, job, state="sent", due_at=None))


def test_they_run_in_the_order_in_which_they_are_due(kit: Kit) -> None:
    late, early, *others = [add_job(kit, due_at=NOW - timedelta(minutes=age)) for age in (1, 9, 5, 4, 3)]
    queue = Sending(kit)

    while queue.run_next():
        pass

    assert queue.ran == [early, *others, late]
    assert queue.claims == [3, 2]
    assert {stored(kit, pk).state for pk in queue.ran} == {"sent"}
    assert not queue.is_due()


def test_what_is_claimed_is_due_without_a_look_into_the_database(kit: Kit) -> None:
    for _ in range(2):
        add_job(kit)
    queue = Sending(kit)
    assert queue.run_next()

    assert queue.is_due()
    assert not Sending(kit).is_due()


def test_a_job_whose_lease_nobody_renews_is_due(kit: Kit) -> None:
    pk = add_job(kit)
    with kit.database.write() as session:
        jobs.claim(session, MailRow, NOW, kit.leases.free(MailRow))
    queue = Sending(kit)
    assert not queue.is_due()
    queue.leases = has_watched(kit)

    assert queue.is_due()
    assert queue.run_next()
    assert queue.ran == [pk]


def test_many_threads_run_each_job_once(kit: Kit) -> None:
    added = {add_job(kit) for _ in range(30)}
    queue = Sending(kit)

    def work(_number: int) -> None:
        while queue.run_next():
            pass

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert len(queue.ran) == 30
    assert set(queue.ran) == added


def test_what_waits_for_a_thread_is_given_back_as_it_was(kit: Kit) -> None:
    first, second, third = [add_job(kit, due_at=NOW - timedelta(minutes=age)) for age in (3, 2, 1)]
    queue = Sending(kit)
    assert queue.run_next()
    assert stored(kit, second).lease_token

    queue.give_back(after=3600)
    assert stored(kit, second).lease_token
    queue.give_back()

    for pk in (second, third):
        row = stored(kit, pk)
        assert (row.state, row.attempts, row.lease_token, row.lease_until) == ("open", 0, None, None)
    other = Sending(kit)
    assert other.run_next()
    assert (other.ran, queue.ran) == ([second], [first])


def test_what_runs_is_not_given_back(kit: Kit) -> None:
    pk = add_job(kit)
    queue = Sending(kit)
    run, begun, go_on = queue.run, threading.Event(), threading.Event()

    def slowly(job: MailRow) -> None:
        begun.set()
        go_on.wait(30)
        run(job)

    queue.run = slowly  # type: ignore[method-assign]
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(queue.run_next)
        assert begun.wait(30)
        queue.give_back()
        assert stored(kit, pk).lease_token
        go_on.set()
        assert running.result()
    assert stored(kit, pk).state == "sent"


def test_nothing_is_claimed_while_nothing_is_due(kit: Kit) -> None:
    queue = Sending(kit)
    assert not queue.run_next()
    queue.give_back()
    assert queue.claims == []
