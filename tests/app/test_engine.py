"""The engine: hints wake workers, the sweep finds what no hint told of, one failure ends no worker."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

import pytest

from receiver.app.components import Kit
from receiver.app.engine import Engine, Kind
from receiver.errors import Unavailable
from receiver.mail.outbox import Outbox
from receiver.storage.models import HandlerRow, MailRow
from tests.app.work import Work
from tests.served import Served, order_fields
from tests.waiting import SOON, wait_for

Start = Callable[..., Engine]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start engines; the sweep is far off unless a test asks for it."""
    with ExitStack() as stack:

        def begin(
            kinds: dict[str, Kind],
            *,
            threads: int = 4,
            upkeep: Sequence[Callable[[], None]] = (),
            every: float = 60,
            work: bool = True,
        ) -> Engine:
            monkeypatch.setattr("receiver.app.engine.UPKEEP_EVERY", every)
            engine = Engine(kinds, upkeep, threads=threads)
            stack.callback(engine.stop)
            engine.start(work=work)
            return engine

        yield begin


def test_a_hint_runs_all_that_is_due(start: Start) -> None:
    work = Work(25)
    start({"orders": work.kind(4)}).hint("orders")

    wait_for(lambda: work.done == 25)


def test_a_hint_too_many_finds_nothing(start: Start) -> None:
    work = Work(1)
    engine = start({"orders": work.kind(1)})
    for _ in range(5):
        engine.hint("orders")

    wait_for(lambda: work.done == 1 and work.looked > 1)
    assert work.done == 1


def test_one_kinds_work_wakes_the_other(start: Start) -> None:
    """An order's handlers put mails into the outbox; nobody hints at those."""
    orders, mails = Work(1), Work(3)
    start({"orders": orders.kind(4, ("mails",)), "mails": mails.kind(2)}).hint("orders")

    wait_for(lambda: (orders.done, mails.done) == (1, 3))


def test_what_no_hint_told_of_is_found_by_the_sweep(start: Start) -> None:
    work = Work()
    start({"orders": work.kind(4)}, every=0.02)
    time.sleep(0.1)
    work.add(3)

    wait_for(lambda: work.done == 3)


def test_no_kind_runs_more_at_once_than_it_may(start: Start) -> None:
    orders, mails = Work(1), Work(20)
    mails.go_on.clear()
    engine = start({"orders": orders.kind(4), "mails": mails.kind(2)}, every=0.02)
    wait_for(lambda: mails.running == 2)
    engine.hint("orders")
    wait_for(lambda: orders.done == 1)
    time.sleep(0.1)
    assert mails.running == 2

    mails.go_on.set()
    wait_for(lambda: mails.done == 20)
    assert mails.most_at_once == 2


@pytest.mark.parametrize(("threads", "at_once"), [(1, 1), (2, 1), (4, 2), (5, 2)])
def test_mail_takes_at_most_half_of_the_threads(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch, threads: int, at_once: int
) -> None:
    """Slow SMTP servers never keep orders waiting, unless there is but one thread."""
    mails = Work(20)
    mails.go_on.clear()
    monkeypatch.setattr(Outbox, "is_due", lambda _outbox: True)
    monkeypatch.setattr(Outbox, "run_next", lambda _outbox: mails.run_next())
    shop = serve(WORKER_THREADS=threads)
    for _ in range(2 * threads):
        shop.kit.engine.hint("mails")
    wait_for(lambda: mails.running == at_once)
    time.sleep(0.05)

    assert mails.running == at_once
    mails.go_on.set()
    wait_for(lambda: mails.done == 20)
    assert mails.most_at_once == at_once


def test_while_a_setting_of_the_mails_is_wrong_handlers_run_and_mails_wait(serve: Callable[..., Served]) -> None:
    shop = serve(MAIL_SERVER="127.0.0.1", MAIL_PORT=0)
    shop.post(order_fields())
    wait_for(lambda: shop.rows()[0].state == "done")
    time.sleep(0.05)

    assert {mail.state for mail in shop.rows(MailRow)} == {"open"}


def test_while_a_setting_of_the_handlers_is_wrong_orders_are_taken_and_wait(serve: Callable[..., Served]) -> None:
    shop = serve(HANDLERS=[1])
    assert shop.post(order_fields()).status == 202
    time.sleep(0.05)

    assert (shop.rows()[0].state, shop.rows(HandlerRow)) == ("open", [])


def test_a_job_that_raises_is_logged_without_its_words_and_the_worker_goes_on(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    class Raising(Work):
        def run_next(self) -> bool:
            raise ValueError("ada@shop.example")

    good = Work(1)
    engine = start({"bad": Raising(1).kind(1), "good": good.kind(1)}, threads=1)
    engine.hint("bad")
    engine.hint("good")

    wait_for(lambda: good.done == 1)
    said = [record for record in caplog.records if record.name == "receiver.app.engine"]
    assert len(said) >= 1
    assert said[0].levelno == logging.ERROR
    assert said[0].getMessage().startswith("a job of bad failed: ValueError at receiver/app/engine.py, line ")
    assert "ada@shop.example" not in caplog.text


def test_upkeep_goes_on_whatever_one_task_meets(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    rounds: list[str] = []
    work = Work(1)

    def broken() -> None:
        rounds.append("broken")
        raise OSError("the merchant's disk")

    start({"orders": work.kind(1)}, upkeep=[broken, lambda: rounds.append("next")], every=0.01)

    wait_for(lambda: len(rounds) >= 6 and work.done == 1)
    assert rounds[:4] == ["broken", "next", "broken", "next"]
    assert "upkeep failed: OSError at receiver/app/engine.py, line " in caplog.text
    assert " > tests/app/test_engine.py, line " in caplog.text
    assert "the merchant's disk" not in caplog.text


def test_what_keeps_failing_in_the_same_way_is_logged_once(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    """As on a database that is not upgraded: every task, every second."""
    rounds: list[int] = []

    def fails() -> None:
        if len(rounds) != 3:
            raise Unavailable("No table." if len(rounds) < 6 else "No disk.")

    start({}, upkeep=[fails, fails, lambda: rounds.append(1)], every=0.01)
    wait_for(lambda: len(rounds) > 10)
    assert caplog.messages == [
        *("upkeep failed: No table.", "upkeep failed: No table."),  # it was over in between
        "upkeep failed: No disk.",
    ]


def test_a_process_that_does_not_work_keeps_its_upkeep_only(start: Start) -> None:
    work = Work(1)
    rounds: list[int] = []
    engine = start({"orders": work.kind(1)}, upkeep=[lambda: rounds.append(1)], every=0.01, work=False)
    engine.hint("orders")

    wait_for(lambda: len(rounds) > 5)
    assert (work.done, work.looked) == (0, 0)
    assert len(engine._hints) == 0


def test_a_flood_of_hints_does_not_fill_the_queue(start: Start) -> None:
    work = Work(100)
    work.go_on.clear()
    engine = start({"orders": work.kind(4)}, threads=4)
    for _ in range(1000):
        engine.hint("orders")
    assert len(engine._hints) <= 8

    work.go_on.set()
    wait_for(lambda: work.done == 100)


def test_kinds_that_are_always_due_do_not_fill_the_queue(start: Start) -> None:
    """A job that was found leaves a hint for each kind that it makes due, so each could bring forth many."""
    works = {name: Work(400) for name in ("orders", "mails", "registrations", "transmissions")}
    engine = start({name: work.kind(4, tuple(works)) for name, work in works.items()}, threads=4)
    seen: list[int] = []
    engine.hint("orders")

    def all_done() -> bool:
        seen.append(len(engine._hints))
        return all(work.done == 400 for work in works.values())

    wait_for(all_done)
    assert max(seen) <= 2 * 4 * 4 + 4 * 4


def test_upkeep_goes_on_while_stopping_waits_for_running_jobs(start: Start) -> None:
    """It renews their leases; without that another process ran them a second time."""
    work, rounds, others = Work(1), list[int](), set(threading.enumerate())
    work.go_on.clear()
    engine = start({"orders": work.kind(1)}, upkeep=[lambda: rounds.append(1)], every=0.01)
    wait_for(lambda: work.running == 1)
    stopping = threading.Thread(target=engine.stop)
    stopping.start()
    before = len(rounds)
    wait_for(lambda: len(rounds) > before + 5)

    work.go_on.set()
    stopping.join(SOON)
    wait_for(lambda: not any(thread.name == "upkeep" for thread in set(threading.enumerate()) - others))


def test_stopping_lets_running_jobs_end_and_starts_no_more(start: Start) -> None:
    work = Work(50)
    work.go_on.clear()
    engine = start({"orders": work.kind(2)}, threads=2, every=0.01)
    wait_for(lambda: work.running == 2)
    stopping = threading.Thread(target=engine.stop)
    stopping.start()
    time.sleep(0.05)
    assert stopping.is_alive()
    work.go_on.set()
    stopping.join(SOON)

    assert not stopping.is_alive()
    assert (work.done, work.running) == (2, 0)
    time.sleep(0.1)
    assert work.done == 2


def test_an_engine_that_never_started_can_be_stopped_and_starts_no_job_then(kit: Kit) -> None:
    before = set(threading.enumerate())
    kit.engine.stop()
    kit.engine.hint("orders")

    assert not kit.engine.works
    assert len(kit.engine._hints) == 0
    assert set(threading.enumerate()) == before


def test_an_order_that_another_process_took_in_is_run_by_the_sweep(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its hint reached nobody; the row is the truth."""
    monkeypatch.setattr("receiver.app.engine.UPKEEP_EVERY", 0.05)
    serve(work=False).post(order_fields())
    shop = serve()

    assert [row.state for row in shop.settled()] == ["done"]
    assert {row.attempts for row in shop.rows(HandlerRow)} == {1}


def test_a_hint_wakes_an_idle_worker_long_before_the_sweep(start: Start) -> None:
    """Nobody polls: an order's handlers begin as soon as it is recorded, however long nothing came."""
    work = Work()
    engine = start({"orders": work.kind(1)}, threads=2, every=3_600)
    for done in range(1, 6):
        time.sleep(0.03)
        work.add(1)
        engine.hint("orders")
        wait_for(lambda done=done: work.done == done)  # type: ignore[misc]


def test_what_is_claimed_and_not_begun_is_given_back_at_the_end_and_when_it_waits_too_long(start: Start) -> None:
    work = Work()
    engine = start({"orders": work.kind(1)}, every=0.01)
    wait_for(lambda: len(work.given_back) > 1)
    assert set(work.given_back) == {1.0}

    engine.stop()
    assert 0 in work.given_back
