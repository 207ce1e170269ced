"""A merchant's handlers that misbehave: orders are still taken in, and the other handlers still run."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, select

from receiver.storage.models import AttemptRow, HandlerRow, OrderRow
from tests.end_to_end.processes import Running
from tests.served import order_fields

Launch = Callable[..., Running]
AddHandler = Callable[[str, str], None]

#: Answers to be timed: so many that the two which wait for the held session are less than one in a hundred.
ENOUGH = 400
#: Answers that show how long this machine takes while no handler misbehaves.
UNDISTURBED = 100
#: On a busy machine the held session's end may come late; were it held for all of its 6 s, a hundred were refused.
A_FEW = 10

_HOSTILE = """
import threading, time
from sqlalchemy import text
from receiver.handlers import Skip, handler

def only_if_asked(order, word):
    if order.custom.get("be") != word:
        raise Skip("not asked to")

@handler(timeout=3)
def sleeps(order, context):
    only_if_asked(order, "asleep")
    time.sleep(60)

@handler
def holds_its_session(order, context):
    only_if_asked(order, "holding")
    context.session.execute(text("UPDATE customers SET company = 'held'"))
    time.sleep(6)

@handler(timeout=3)
def hangs(order, context):
    only_if_asked(order, "hanging")
    threading.Event().wait()
"""
_HANGS = """
import threading
from receiver.handlers import handler

@handler(timeout=0.3, retries=5)
def hangs(order, context):
    threading.Event().wait()
"""
_SWITCHED_OFF = "switched off: 3 of its abandoned attempts still hang; fix what it waits for and restart"
_ENDS_ITS_PROCESS = """
import os
from pathlib import Path
from receiver.handlers import Skip, handler

@handler(after="notify_merchant")
def ends_its_process(order, context):
    if order.custom.get("be") != "deadly":
        raise Skip("not asked to")
    with Path(__file__).with_suffix(".calls").open("a") as calls:
        calls.write("called ")
    os._exit(3)

@handler
def z_last(order, context):
    pass
"""
_LETS_ERRORS_GO = """
import threading
from receiver.handlers import handler

class Wild:
    def __del__(self):
        raise ValueError("ada@shop.example")

def fails():
    raise ValueError("ada@shop.example")

@handler
def lets_errors_go(order, context):
    Wild()
    thread = threading.Thread(target=fails)
    thread.start()
    thread.join()
"""
_OTHERS = ("register_customer", "email_customer", "notify_merchant")
#: Those that run beside the hostile ones: one that writes through its session, one that mails.
_GOOD = ("register_customer", "notify_merchant")
#: What each hostile handler is asked by, what its attempt must say, and how long that may take.
_SAID = {
    "asleep": ("sleeps", "took longer than its timeout of 3 s"),
    "holding": (
        "holds_its_session",
        "held its session open for more than 1.5 s; do slow work before the first use of context.session",
    ),
    "hanging": ("hangs", "took longer than its timeout of 3 s"),
}


class Load(threading.Thread):
    """Posts orders, one after the other, and notes how long each answer took, in seconds."""

    def __init__(self, shop: Running) -> None:
        super().__init__()
        self._shop = shop
        self._enough = threading.Event()
        self.took: list[float] = []
        self.statuses: Counter[int] = Counter()

    def run(self) -> None:
        while not self._enough.wait(0.01):
            started = time.monotonic()
            reply = self._shop.post(order_fields())
            self.took.append(time.monotonic() - started)
            self.statuses[reply.status] += 1

    def finish(self) -> None:
        self._enough.set()
        self.join()


@contextmanager
def _load(shop: Running) -> Iterator[list[Load]]:
    """Let two senders post until the block ends."""
    senders = [Load(shop), Load(shop)]
    for sender in senders:
        sender.start()
    try:
        yield senders
    finally:
        for sender in senders:
            sender.finish()


def test_accepts_and_other_handlers_go_on_beside_a_sleeping_a_holding_and_a_hanging_one(
    launch: Launch, add_handler: AddHandler
) -> None:
    """A held session keeps every sender waiting once, for little more than 1.5 s; after 2 s they would be told 503."""
    add_handler("hostile", _HOSTILE)
    shop = launch(workers=2, HANDLERS=",".join([*_GOOD, *(name for name, _ in _SAID.values())]))
    with _load(shop) as undisturbed:
        shop.wait_for(lambda: len(_took(undisturbed)) >= UNDISTURBED, 60)

    with _load(shop) as senders:
        for word in _SAID:
            assert shop.post(order_fields(order_id=word, custom_be=word)).status == 202
        shop.wait_for(lambda: all(_attempt(shop, word, name) for word, (name, _) in _SAID.items()), 60)
        shop.wait_for(lambda: len(_took(senders)) >= ENOUGH, 120)
    with _load(shop) as later:  # the machine may have become busier meanwhile
        shop.wait_for(lambda: len(_took(later)) >= UNDISTURBED, 60)

    statuses = sum((sender.statuses for sender in [*undisturbed, *senders, *later]), Counter())
    assert statuses[202] + statuses[503] == statuses.total()
    assert statuses[503] <= A_FEW
    assert _p99(senders) < max(1.5, 2 * _p99(undisturbed), 2 * _p99(later))
    assert _took(senders)[-1] < 30, "an answer waited for a handler"
    for word, (name, said) in _SAID.items():
        assert _attempt(shop, word, name) == ("retrying", said)
    shop.wait_for(lambda: _others_are_done(shop), 120)
    assert not _was_changed_by_the_held_session(shop)


def test_a_handler_that_hung_three_times_is_switched_off_and_says_so(launch: Launch, add_handler: AddHandler) -> None:
    add_handler("hangs", _HANGS)
    shop = launch(RETRY_SCHEDULE="1")
    shop.post(order_fields())

    (order,) = shop.settled(30)

    assert order.state == "failed"
    with shop.kit.database.read() as session:
        of_the_hanging = select(AttemptRow.state, AttemptRow.detail).join(HandlerRow).where(HandlerRow.name == "hangs")
        attempts = [tuple(row) for row in session.execute(of_the_hanging.order_by(AttemptRow.number))]
    assert attempts == [
        ("retrying", "took longer than its timeout of 0.3 s"),
        ("retrying", "took longer than its timeout of 0.3 s"),
        ("retrying", "took longer than its timeout of 0.3 s"),
        ("retrying", _SWITCHED_OFF),
        ("retrying", _SWITCHED_OFF),
        ("failed", _SWITCHED_OFF),
    ]
    assert [shop.handler_states()[name] for name in _OTHERS] == ["done"] * 3


def test_a_handler_that_ends_its_process_is_given_up_and_the_server_comes_back(
    launch: Launch, add_handler: AddHandler, instance: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is called three times, each by a fresh process; then it waits for its next attempt like any that failed."""
    monkeypatch.setenv("GRANIAN_RESPAWN_INTERVAL", "0.1")
    add_handler("deadly", _ENDS_ITS_PROCESS)
    calls = instance / "handlers" / "deadly.calls"
    shop = launch()
    shop.post(order_fields(order_id="deadly", custom_be="deadly"))
    shop.wait_for(calls.exists, 60)
    shop.wait_until_it_answers()
    for number in (2, 3):
        shop.let_leases_run_out()
        shop.wait_for(partial(_was_called_again, shop, calls, number), 60)
    shop.let_leases_run_out()
    shop.wait_for(lambda: _kept_up(shop) and shop.handler_states()["ends_its_process"] == "retrying", 60)

    shop.wait_until_it_answers()
    assert shop.post(order_fields(order_id="harmless")).status == 202
    shop.wait_for(lambda: shop.rows()[-1].state == "done", 60)
    deadly, harmless = [row for row in shop.rows(HandlerRow) if row.name == "ends_its_process"]
    assert (deadly.state, deadly.detail) == ("retrying", "the process ended during this attempt")
    assert deadly.due_at - datetime.now(UTC) > timedelta(minutes=4)
    assert harmless.state == "skipped"
    assert [row.state for row in shop.rows(HandlerRow) if row.name == "z_last"] == ["done", "done"]
    assert calls.read_text() == "called " * 3


def test_an_error_that_nobody_catches_is_logged_by_its_place_alone(launch: Launch, add_handler: AddHandler) -> None:
    add_handler("lets_errors_go", _LETS_ERRORS_GO)
    shop = launch()
    shop.post(order_fields())
    shop.settled(20)

    assert re.search(r"a thread ended: ValueError at /\S+/lets_errors_go\.py, line 10\n", shop.log)
    assert re.search(r"an error at an object's end: ValueError at /\S+/lets_errors_go\.py, line 7\n", shop.log)
    assert "ada@shop.example" not in shop.log
    assert shop.handler_states()["lets_errors_go"] == "done"


def _was_called_again(shop: Running, calls: Path, times: int) -> bool:
    return _kept_up(shop) and calls.read_text() == "called " * times


def _kept_up(shop: Running) -> bool:
    """Start the server again if it has ended, as a service manager does; it ends by deaths in a row."""
    if not shop.process.is_running:
        shop.restart()
    return True


def _took(senders: list[Load]) -> list[float]:
    """Give how long each answer to some senders took, in seconds, the slowest last."""
    return sorted(seconds for sender in senders for seconds in sender.took)


def _p99(senders: list[Load]) -> float:
    took = _took(senders)
    return took[int(len(took) * 0.99)]


def _attempt(shop: Running, order_id: str, name: str) -> tuple[str, str | None] | None:
    """Give state and detail of a handler's only attempt at an order, or None before it has ended."""
    attempt = (
        select(AttemptRow.state, AttemptRow.detail)
        .join(HandlerRow, HandlerRow.id == AttemptRow.handler_pk)
        .join(OrderRow, OrderRow.id == HandlerRow.order_pk)
        .where(OrderRow.order_id == order_id, HandlerRow.name == name)
    )
    with shop.kit.database.read() as session:
        found = session.execute(attempt).one_or_none()
        return None if found is None else (found[0], found[1])


def _others_are_done(shop: Running) -> bool:
    """Tell whether every order has been run and each of the good handlers is done with it."""
    done = select(HandlerRow.name, func.count()).where(HandlerRow.state == "done").group_by(HandlerRow.name)
    with shop.kit.database.read() as session:
        orders = session.scalar(select(func.count(OrderRow.id)))
        return dict(session.execute(done).all()) == dict.fromkeys(_GOOD, orders)


def _was_changed_by_the_held_session(shop: Running) -> bool:
    with shop.kit.database.read() as session:
        return (
            session.connection().exec_driver_sql("SELECT 1 FROM customers WHERE company = 'held'").first() is not None
        )
