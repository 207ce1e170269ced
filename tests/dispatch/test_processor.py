"""Running handlers: each recorded as it ends, its work and its "done" in one transaction."""

from __future__ import annotations

import textwrap
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update

from receiver.app.components import Kit
from receiver.dispatch.handler_rows import NOT_ENDED
from receiver.storage.models import AttemptRow, HandlerRow, MailRow, OrderRow
from tests.served import Served, order_fields, refuse_writes

Write = Callable[[str], None]


@pytest.fixture
def write_handlers(instance: Path) -> Write:
    """Write a file of handlers into the instance, and a table for their work into its database."""

    def write(code: str) -> None:
        head = "from datetime import timedelta\nfrom sqlalchemy import text\n"
        head += "from receiver.handlers import RetryLater, Skip, handler\n"
        (instance / "handlers" / "mine.py").write_text(head + textwrap.dedent(code))

    return write


@pytest.fixture
def run(serve: Callable[..., Served]) -> Callable[..., Served]:
    """Serve with only the named handlers, post one order, and run what is due once."""

    def start(*names: str, rounds: int = 1, **settings: Any) -> Served:
        shop = serve(work=False, HANDLERS=list(names), **settings)
        with shop.kit.database.write() as session:
            session.execute(text("CREATE TABLE IF NOT EXISTS work (order_id TEXT, note TEXT)"))
        assert shop.post(order_fields(order_id="A-1")).status == 202
        for _ in range(rounds):
            shop.kit.processor.run_next()
        return shop

    return start


def work(shop: Served) -> list[str]:
    with shop.kit.database.read() as session:
        return list(session.scalars(text("SELECT note FROM work")))


def make_due(kit: Kit) -> None:
    """Let all waiting be over."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    with kit.database.write() as session:
        session.execute(update(OrderRow).where(OrderRow.state == "open").values(due_at=past, lease_until=None))
        session.execute(update(HandlerRow).where(HandlerRow.due_at.is_not(None)).values(due_at=past))


def only(shop: Served) -> HandlerRow:
    (row,) = shop.rows(HandlerRow)
    found: HandlerRow = row
    return found


def test_work_and_done_commit_together_and_what_it_returns_is_shown(
    run: Callable[..., Served], write_handlers: Write
) -> None:
    write_handlers("""
        @handler
        def note(order, context):
            context.session.execute(text("INSERT INTO work VALUES (:id, 'once')"), {"id": order.order_id})
            return f"{len(order.items)} items"
    """)
    shop = run("note")

    assert (only(shop).state, only(shop).detail, only(shop).attempts) == ("done", "1 items", 1)
    assert work(shop) == ["once"]
    assert shop.rows()[0].state == "done"
    assert shop.rows()[0].lease_token is None
    assert not shop.kit.processor.run_next()


def test_the_kits_own_that_only_compute_run_in_the_workers_thread(
    run: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = "register_customer", "email_customer", "notify_merchant"
    shop = run(*own, rounds=0)

    def start(thread: threading.Thread) -> None:
        raise AssertionError(f"{thread.name} was started")

    monkeypatch.setattr(threading.Thread, "start", start)
    shop.kit.processor.run_next()

    assert [(one.name, one.state) for one in shop.rows(HandlerRow)] == [(name, "done") for name in own]


def test_a_failed_attempt_leaves_nothing_and_is_retried_by_the_schedule(
    run: Callable[..., Served], write_handlers: Write
) -> None:
    write_handlers("""
        @handler
        def flaky(order, context):
            context.session.execute(text("INSERT INTO work VALUES (:id, :n)"), {"id": "x", "n": str(context.attempt)})
            context.mail(to="ada@shop.example", template="merchant_alert", headline="x", lines=[])
            if context.attempt < 3:
                raise RuntimeError("the warehouse is closed")
    """)
    shop = run("flaky", RETRY_SCHEDULE=[60, 300])

    assert only(shop).state == "retrying"
    assert only(shop).detail == "RuntimeError: the warehouse is closed (mine.py, line 10)"
    assert work(shop) == []
    assert shop.rows(MailRow) == []
    wait = shop.rows()[0].due_at - datetime.now(UTC)
    assert timedelta(seconds=30) < wait <= timedelta(seconds=60)
    for _ in range(2):
        make_due(shop.kit)
        assert shop.kit.processor.run_next()
    assert only(shop).state == "done"
    assert work(shop) == ["3"]
    assert len(shop.rows(MailRow)) == 1
    assert [attempt.state for attempt in shop.rows(AttemptRow)] == ["retrying", "retrying", "done"]


def test_what_a_handler_logs_begins_with_the_receipt(
    run: Callable[..., Served], write_handlers: Write, caplog: pytest.LogCaptureFixture
) -> None:
    write_handlers("""
        @handler
        def tells(order, context):
            context.log.warning("%d items weigh 100%%", len(order.items))
    """)
    run("tells")

    assert ("receiver.handlers.tells", 30, "rcp_00000001: 1 items weigh 100%") in caplog.record_tuples


def test_after_the_last_wait_the_handler_has_failed_and_so_has_the_order(
    run: Callable[..., Served], write_handlers: Write
) -> None:
    write_handlers("""
        @handler
        def broken(order, context):
            raise RuntimeError
    """)
    shop = run("broken", RETRY_SCHEDULE=[60])
    make_due(shop.kit)
    shop.kit.processor.run_next()

    assert only(shop).state == "failed"
    assert (shop.rows()[0].state, shop.rows()[0].due_at) == ("failed", None)


def test_a_handler_counts_its_own_retries(run: Callable[..., Served], write_handlers: Write) -> None:
    write_handlers("""
        @handler(retries=0)
        def once(order, context):
            raise RuntimeError
    """)

    assert only(run("once")).state == "failed"


def test_skip_and_retry_later_say_why(run: Callable[..., Served], write_handlers: Write) -> None:
    write_handlers("""
        @handler
        def skips(order, context):
            context.session.execute(text("INSERT INTO work VALUES ('x', 'skipped')"))
            raise Skip("nothing to ship")

        @handler
        def waits(order, context):
            raise RetryLater("stock is counted", after=timedelta(hours=3))
    """)
    shop = run("skips", "waits")

    skips, waits = shop.rows(HandlerRow)
    assert (skips.state, skips.detail) == ("skipped", "nothing to ship")
    assert work(shop) == []
    assert (waits.state, waits.detail) == ("retrying", "stock is counted")
    assert waits.due_at - datetime.now(UTC) > timedelta(hours=2, minutes=59)


def test_one_failure_stops_no_other_and_a_retry_runs_only_the_unfinished(
    run: Callable[..., Served], write_handlers: Write
) -> None:
    write_handlers("""
        @handler
        def first(order, context):
            if context.attempt == 1:
                raise RuntimeError
            context.session.execute(text("INSERT INTO work VALUES ('x', 'first')"))

        @handler
        def second(order, context):
            context.session.execute(text("INSERT INTO work VALUES ('x', 'second')"))
    """)
    shop = run("first", "second")
    assert shop.handler_states() == {"first": "retrying", "second": "done"}
    make_due(shop.kit)
    shop.kit.processor.run_next()

    assert shop.handler_states() == {"first": "done", "second": "done"}
    assert work(shop) == ["second", "first"]


def test_after_waits_for_the_named_one_and_at_most_a_quarter_of_an_hour(
    run: Callable[..., Served], write_handlers: Write
) -> None:
    write_handlers("""
        @handler
        def leader(order, context):
            raise RuntimeError

        @handler(after="leader")
        def follower(order, context):
            pass
    """)
    shop = run("leader", "follower")
    assert shop.handler_states() == {"leader": "retrying", "follower": "pending"}
    with shop.kit.database.write() as session:
        session.execute(update(HandlerRow).values(waiting_since=datetime.now(UTC) - timedelta(minutes=15)))
    make_due(shop.kit)
    shop.kit.processor.run_next()

    assert shop.handler_states() == {"leader": "retrying", "follower": "done"}


def test_after_runs_once_the_named_one_has_failed_or_skipped(run: Callable[..., Served], write_handlers: Write) -> None:
    write_handlers("""
        @handler(retries=0)
        def fails(order, context):
            raise RuntimeError

        @handler(after="fails")
        def follows(order, context):
            raise Skip("-")

        @handler(after="follows")
        def last(order, context):
            pass
    """)

    assert run("fails", "follows", "last").handler_states() == {"fails": "failed", "follows": "skipped", "last": "done"}


def test_a_handler_that_is_gone_is_skipped(
    run: Callable[..., Served], write_handlers: Write, serve: Callable[..., Served]
) -> None:
    write_handlers("""
        @handler
        def here(order, context):
            raise RuntimeError

        @handler
        def other(order, context):
            pass
    """)
    shop = run("here")
    make_due(shop.kit)
    later = serve(work=False, HANDLERS=["other"])
    later.kit.processor.run_next()

    assert (only(later).state, only(later).detail) == ("skipped", "no longer installed")
    assert later.rows()[0].state == "done"


def test_a_handler_of_another_event_is_left_out_and_the_others_run(
    run: Callable[..., Served], write_handlers: Write
) -> None:
    write_handlers("""
        @handler(events=("order.refunded",))
        def refunds(order, context):
            pass

        @handler(events=("order.completed", "order.refunded"))
        def both(order, context):
            return "ran"
    """)

    shop = run("refunds", "both")

    assert (only(shop).name, only(shop).state, only(shop).detail) == ("both", "done", "ran")


def test_a_timeout_abandons_the_attempt_and_its_later_work_has_no_effect(
    run: Callable[..., Served], write_handlers: Write
) -> None:
    write_handlers("""
        import time

        @handler(timeout=0.2)
        def slow(order, context):
            time.sleep(0.6)
            context.session.execute(text("INSERT INTO work VALUES ('x', 'late')"))
    """)
    shop = run("slow")
    time.sleep(0.6)

    assert (only(shop).state, only(shop).detail) == ("retrying", "took longer than its timeout of 0.2 s")
    assert work(shop) == []


def test_a_session_held_open_is_closed_and_the_attempt_says_so(
    run: Callable[..., Served], write_handlers: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("receiver.dispatch.attempt.LONGEST_TRANSACTION", 0.3)
    write_handlers("""
        import time

        @handler
        def holds(order, context):
            context.session.execute(text("INSERT INTO work VALUES ('x', 'held')"))
            time.sleep(1)
            context.session.execute(text("INSERT INTO work VALUES ('x', 'later')"))
    """)
    shop = run("holds")

    assert only(shop).state == "retrying"
    assert "do slow work before the first use of context.session" in str(only(shop).detail)
    assert work(shop) == []
    with shop.kit.database.write(patience=0.1):
        pass


def test_a_clock_that_is_set_meanwhile_cuts_no_session_off(
    run: Callable[..., Served], write_handlers: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    class AnHourAgo(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) - timedelta(hours=1)

    monkeypatch.setattr("receiver.handlers.context.datetime", AnHourAgo, raising=False)
    write_handlers("""
        import time

        @handler
        def steady(order, context):
            context.session.execute(text("INSERT INTO work VALUES ('x', 'steady')"))
            time.sleep(0.2)
    """)
    shop = run("steady")

    assert (only(shop).state, only(shop).detail) == ("done", None)
    assert work(shop) == ["steady"]


def test_after_three_hangs_a_handler_is_switched_off(
    run: Callable[..., Served], write_handlers: Write, caplog: pytest.LogCaptureFixture
) -> None:
    write_handlers("""
        import time

        @handler(timeout=0.05)
        def hangs(order, context):
            time.sleep(600)
    """)
    shop = run("hangs")
    for _ in range(3):
        make_due(shop.kit)
        shop.kit.processor.run_next()

    assert (
        only(shop).detail == "switched off: 3 of its abandoned attempts still hang; fix what it waits for and restart"
    )
    assert shop.kit.processor.attempts.switched_off("hangs")
    assert "rcp_00000001: handler hangs ran into its timeout and was abandoned" in caplog.text


def test_timeouts_whose_threads_have_ended_switch_nothing_off(
    run: Callable[..., Served], write_handlers: Write
) -> None:
    write_handlers("""
        import time

        @handler(timeout=0.05)
        def slow(order, context):
            if context.attempt <= 3:
                time.sleep(0.3)
    """)
    shop = run("slow")
    for _ in range(3):
        shop.wait_for(lambda: all(thread.name != "handler-slow" for thread in threading.enumerate()))
        make_due(shop.kit)
        shop.kit.processor.run_next()

    assert (only(shop).state, only(shop).attempts) == ("done", 4)
    assert not shop.kit.processor.attempts.switched_off("slow")


@pytest.mark.parametrize(
    "body",
    [
        "context.session.commit(); context.session.rollback(); raise RuntimeError",
        "context.session.execute(text('INSERT INTO work VALUES (1, 2, 3)'))",
        "context.session.execute(text('COMMIT')); raise RuntimeError",
        "raise SystemExit(3)",
        "raise MemoryError",
        "return open",
        "context.mail(to='a@shop.example', template='no_such_template')",
        "context.session\n            context.http",
    ],
)
def test_whatever_a_handler_does_the_next_one_runs(
    run: Callable[..., Served], write_handlers: Write, body: str
) -> None:
    write_handlers(f"""
        @handler
        def wild(order, context):
            {body}

        @handler
        def tame(order, context):
            context.session.execute(text("INSERT INTO work VALUES ('x', 'tame')"))
    """)
    shop = run("wild", "tame")

    assert shop.handler_states()["tame"] == "done"
    assert work(shop) == ["tame"]


#: What a handler gets wrong, and what the merchant reads of it.
MISTAKES = {
    "context.mail(to=None, template='order_notice')": "to must be an email address, not None",
    "context.mail(to='', template='order_notice')": "raise Skip when the order has none",
    "context.mail(to='a@shop.example', template='order_notice', reply_to=5)": "reply_to must be text, not 5",
    "context.mail(to='a@shop.example', template='order_notice', subject=b'x')": "subject must be text, not b'x'",
    "context.mail(to='a@shop.example', template='order_notice', attachments=[('a.txt', 'text/plain', 'x')])": (
        "(file name, media type, bytes)"
    ),
    "context.mail(to='a@shop.example', template='order_notice', attachments=['a.txt'])": "media type, bytes)",
    "context.mail(to='a@shop.example', template='order_notice', subject='\\ud800')": "surrogates not allowed",
    "raise RetryLater('later', after=60)": "RetryLater: after must be a timedelta, not 60 (mine.py, line ",
    "raise RetryLater(60)": "RetryLater: its reason must be text, not 60",
    "raise RetryLater('in time', after=timedelta(days=10**7))": "in time",
    "raise RetryLater('long ago', after=timedelta(days=-1))": "long ago",
    "raise Skip(5)": "Skip: its reason must be text, not 5",
    "raise Unspeakable": "Unspeakable: (its words can't be read)",
    "raise Halved('no reason')": "AttributeError",
    "raise ValueError('half \\ud800 a pair')": "ValueError: half ? a pair",
    "return 'half \\ud800 a pair'": "half ? a pair",
    "return Unspeakable()": "RuntimeError: ada@secret.example",
}


@pytest.mark.parametrize("test", [False, True], ids=["order", "test"])
@pytest.mark.parametrize("body", MISTAKES)
def test_a_small_mistake_ends_its_attempt_and_the_last_handler_is_done(
    serve: Callable[..., Served],
    write_handlers: Write,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    body: str,
    test: bool,
) -> None:
    write_handlers(f"""
        class Unspeakable(Exception):
            def __str__(self):
                raise RuntimeError("ada@secret.example")

        class Halved(Skip):
            def __init__(self, _reason):
                pass

        @handler
        def mistaken(order, context):
            {body}

        @handler
        def z_last(order, context):
            return "last"
    """)
    shop = serve(work=False, HANDLERS=["mistaken", "z_last"])
    shop.post(order_fields(order_id="A-1", test=str(test).lower()))
    shop.kit.processor.run_next()

    mistaken, last = shop.rows(HandlerRow)
    expected = "done" if body.startswith("return '") else "failed" if test else "retrying"
    assert (mistaken.state, mistaken.attempts, last.state) == (expected, 1, "done")
    assert MISTAKES[body] in mistaken.detail
    assert mistaken.due_at is None or mistaken.due_at - datetime.now(UTC) < timedelta(days=367)
    assert mistaken.due_at is None or mistaken.due_at > datetime.now(UTC)
    (order,) = shop.rows()
    assert (order.state, order.lease_token) == (expected if expected != "retrying" else "open", None)
    assert "Traceback" not in capfd.readouterr().err
    assert "secret.example" not in caplog.text


def test_an_end_that_cannot_be_written_is_a_failed_attempt(
    run: Callable[..., Served], write_handlers: Write, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever nobody foresaw: the order does not stay open under a lease that runs out again and again."""

    def fails(*_: object) -> None:
        raise ValueError("ada@shop.example")

    write_handlers("""
        @handler
        def odd(order, context):
            pass

        @handler
        def z_last(order, context):
            pass
    """)
    monkeypatch.setattr("receiver.dispatch.attempt._not_to_run", fails)
    shop = run("odd", "z_last")

    assert [(row.state, row.attempts) for row in shop.rows(HandlerRow)] == [("retrying", 1)] * 2
    assert {row.detail for row in shop.rows(HandlerRow)} == {"its attempt could not be carried out: ValueError"}
    assert shop.rows()[0].lease_token is None
    assert "rcp_00000001: handler odd: its attempt could not be carried out: ValueError at receiver" in caplog.text
    assert "ada@shop.example" not in caplog.text


def test_a_test_whose_run_breaks_is_answered_and_logged_without_words(
    serve: Callable[..., Served],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def fails(*_: object) -> None:
        raise ValueError("ada@shop.example")

    monkeypatch.setattr("receiver.dispatch.handler_rows.next_ready", fails)
    reply = serve(work=False).post(order_fields(test="true"))

    assert {one["state"] for one in reply.content["handlers"]} == {"pending"}
    assert "a test order failed: ValueError at receiver/dispatch/processor.py, line " in caplog.text
    assert "ada@shop.example" not in caplog.text
    assert "Traceback" not in capfd.readouterr().err


@pytest.fixture
def die(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Run what is due as often as is said; each time, the process ends during the first attempt that is made."""

    def ends(*_: object) -> None:
        raise SystemExit

    def run_and_die(shop: Served, *, times: int = 1) -> None:
        for _ in range(times):
            make_due(shop.kit)
            with monkeypatch.context() as patch:
                patch.setattr(shop.kit.processor.attempts, "_call", ends)
                with pytest.raises(SystemExit):
                    shop.kit.processor.run_next()

    return run_and_die


def tries(shop: Served) -> list[tuple[int, str, str | None]]:
    return [(attempt.number, attempt.state, attempt.detail) for attempt in shop.rows(AttemptRow)]


def test_an_attempt_that_ended_its_process_three_times_is_settled_and_the_next_handler_runs(
    run: Callable[..., Served], write_handlers: Write, die: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    write_handlers("""
        @handler
        def deadly(order, context):
            pass

        @handler
        def z_last(order, context):
            pass
    """)
    shop = run("deadly", "z_last", rounds=0)
    die(shop, times=3)
    make_due(shop.kit)
    shop.kit.processor.run_next()

    assert tries(shop) == [
        (1, "retrying", NOT_ENDED),
        (2, "retrying", "the process ended during this attempt"),
        (1, "done", None),
    ]
    deadly, last = shop.rows(HandlerRow)
    assert (deadly.state, deadly.attempts, last.state) == ("retrying", 2, "done")
    assert deadly.due_at - datetime.now(UTC) > timedelta(seconds=290)
    assert (shop.rows()[0].state, shop.rows()[0].due_at) == ("open", deadly.due_at)
    assert "rcp_00000001: handler deadly: the process ended during this attempt" in caplog.text


def test_a_handler_that_ends_its_process_at_every_attempt_has_failed_in_the_end(
    run: Callable[..., Served], write_handlers: Write, die: Callable[..., None]
) -> None:
    write_handlers("""
        @handler(retries=2)
        def deadly(order, context):
            pass
    """)
    shop = run("deadly", rounds=0)
    die(shop, times=3)
    die_again = (shop.rows(HandlerRow)[0].attempts, shop.rows(HandlerRow)[0].state)
    make_due(shop.kit)
    shop.kit.processor.run_next()
    die(shop, times=2)
    make_due(shop.kit)
    shop.kit.processor.run_next()

    assert die_again == (2, "pending")
    assert (only(shop).state, only(shop).attempts) == ("failed", 4)
    assert only(shop).detail == "the process ended during this attempt"
    assert shop.rows()[0].state == "failed"


def test_a_process_that_was_restarted_meanwhile_counts_as_an_attempt_and_no_more(
    run: Callable[..., Served], write_handlers: Write, die: Callable[..., None]
) -> None:
    write_handlers("""
        @handler
        def steady(order, context):
            return f"attempt {context.attempt}"
    """)
    shop = run("steady", rounds=0)
    die(shop, times=2)
    make_due(shop.kit)
    shop.kit.processor.run_next()

    assert tries(shop) == [(1, "retrying", NOT_ENDED), (2, "done", "attempt 2")]
    assert shop.rows()[0].state == "done"


def test_a_swallowed_database_error_fails_the_attempt_at_its_commit(
    run: Callable[..., Served], write_handlers: Write
) -> None:
    write_handlers("""
        from receiver.storage.models import CustomerRow

        @handler
        def swallows(order, context):
            context.session.add(CustomerRow(email=None))
            try:
                context.session.flush()
            except Exception:
                pass

        @handler
        def forgets(order, context):
            context.session.add(CustomerRow(email=None))
    """)
    shop = run("swallows", "forgets")

    assert shop.handler_states() == {"swallows": "retrying", "forgets": "retrying"}
    assert all(row.detail.startswith("its work could not be committed") for row in shop.rows(HandlerRow))


def test_a_run_that_lost_its_lease_changes_nothing(run: Callable[..., Served], write_handlers: Write) -> None:
    write_handlers("""
        @handler
        def late(order, context):
            context.session.execute(text("INSERT INTO work VALUES ('x', 'late')"))
            context.session.execute(text("UPDATE orders SET lease_token = 'another run'"))
    """)
    shop = run("late")

    assert only(shop).state == "pending"
    assert work(shop) == []


def test_the_idempotency_key_is_the_same_at_every_attempt(
    run: Callable[..., Served], write_handlers: Write, instance: Path
) -> None:
    write_handlers(f"""
        from pathlib import Path

        @handler
        def keeps(order, context):
            with Path({str(instance / "keys")!r}).open("a") as file:
                file.write(context.idempotency_key + chr(10))
            raise RuntimeError
    """)
    shop = run("keeps")
    make_due(shop.kit)
    shop.kit.processor.run_next()

    first, second = (instance / "keys").read_text().split()
    assert first == second
    assert first.endswith(":keeps:1")


def test_a_test_transmission_is_walked_whole_and_leaves_nothing_behind(
    serve: Callable[..., Served], write_handlers: Write
) -> None:
    write_handlers("""
        @handler(on_test=False)
        def live_only(order, context):
            pass

        @handler
        def fails(order, context):
            raise RuntimeError("no stock")
    """)
    shop = serve()
    reply = shop.post(order_fields(test="true"))

    assert (reply.status, reply.content["status"]) == (200, "tested")
    states = {one["name"]: (one["state"], one["detail"]) for one in reply.content["handlers"]}
    assert states["register_customer"] == ("done", "registered")
    assert states["live_only"] == ("skipped", "doesn't run on test orders")
    assert states["fails"][0] == "failed"
    assert all(isinstance(one["ms"], int) for one in reply.content["handlers"])
    (row,) = shop.settled()
    assert (row.state, row.test) == ("failed", True)
    assert {mail.recipient for mail in shop.rows(MailRow)} == {"merchant@example.com"}
    assert all(mail.subject.startswith("[Test] ") for mail in shop.rows(MailRow))
    with shop.kit.database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM customers")) == 0


def test_a_slow_test_transmission_is_answered_in_time_with_what_is_pending(
    serve: Callable[..., Served], write_handlers: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("receiver.dispatch.processor.TEST_PATIENCE", 0.3)
    write_handlers("""
        import time
        from pathlib import Path

        @handler
        def slow(order, context):
            while not Path(__file__).with_suffix(".go_on").exists():
                time.sleep(0.01)
    """)
    shop = serve(HANDLERS=["slow"])
    reply = shop.post(order_fields(test="true"))
    for file in (shop.kit.instance / "handlers").glob("*.py"):
        file.with_suffix(".go_on").touch()

    assert [one["state"] for one in reply.content["handlers"]] == ["pending"]
    assert shop.settled()[0].state == "done"


def test_a_test_that_a_stopped_server_left_is_ended_not_run(serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    shop.post(order_fields(test="true"))
    with shop.kit.database.write() as session:
        past = datetime.now(UTC) - timedelta(seconds=1)
        session.execute(update(OrderRow).values(state="open", due_at=past, lease_until=None))
        session.execute(update(HandlerRow).values(state="pending"))
    shop.kit.processor.run_next()

    assert set(shop.handler_states().values()) == {"failed"}
    assert shop.rows()[0].state == "failed"


def test_a_handler_whose_end_cannot_be_written_down_at_once_runs_once(
    write_handlers: Write, serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch, instance: Path
) -> None:
    write_handlers(f"""
        @handler
        def count(order, context):
            with open({str(instance / "calls")!r}, "a") as calls:
                calls.write("x")
            context.mail(to="ada@shop.example", template="merchant_alert", headline="x", lines=[])
    """)
    shop = serve(work=False, HANDLERS=["count"])
    assert shop.post(order_fields()).status == 202
    refuse_writes(monkeypatch, shop.kit, times=2, after=(shop.kit.processor.attempts, "_call"))

    assert shop.kit.processor.run_next()
    assert (only(shop).state, only(shop).attempts, len(shop.rows(MailRow))) == ("done", 1, 1)
    assert (instance / "calls").read_text() == "x"
