"""The job that asks a shop about its POSTs in quarantine makes an order of one, refuses it, or asks again later."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from receiver.app.doctor import diagnose
from receiver.errors import Unavailable
from receiver.intake import asking, inserting, unanswered
from receiver.intake.asking import Asking
from receiver.intake.quarantine import KEPT_FOR
from receiver.sources import Question, Source, source_kind
from receiver.storage.models import HandlerRow, MailRow, QuarantineRow, RefusalRow
from receiver.storage.sqlite import driver
from receiver.storage.transactions import WriteTransaction
from tests.asked_shops import Answers, Asked, AskedShop, Said
from tests.served import Served
from tests.waiting import SOON

HOST, KEY, OTHER = "api.mollie.com", "live_0123456789abcdefghij", "live_abcdefghij0123456789"
TABLE = {"pay": {"kind": "mollie", "secrets": [KEY]}}
PAYMENT: dict[str, Any] = {
    "resource": "payment",
    "id": "tr_7UhSN1zuXS",
    "mode": "live",
    "amount": {"value": "49.80", "currency": "EUR"},
    "status": "paid",
    "billingAddress": {"email": "noor@buyer.example", "givenName": "Noor", "familyName": "Vos"},
}
Ask = Callable[[str, Answers], AskedShop]
Serve = Callable[..., Served]


def paid(_asked: Asked) -> Said:
    return Said(200, PAYMENT)


@pytest.fixture
def start(serve: Serve, ask_shop: Ask) -> Callable[..., tuple[Served, AskedShop]]:
    """Serve a receiver whose questions reach a shop that answers like this."""

    def begin(answers: Answers, *, work: bool = False, **settings: Any) -> tuple[Served, AskedShop]:
        asked = ask_shop(HOST, answers)
        served = serve(work=work, **{"sources": TABLE, **settings})
        served.kit.asking.pool = asked.pool
        return served, asked

    return begin


def notify(served: Served, name: str = "tr_7UhSN1zuXS") -> int:
    return served.post({"id": name}, path="/orders/pay", headers={}).status


def waiting(served: Served) -> list[Any]:
    return served.rows(QuarantineRow)


def refusals(served: Served) -> list[tuple[str, str]]:
    served.kit.refusals.flush()
    return [(row.reason, row.detail) for row in served.rows(RefusalRow)]


def make_due(served: Served, **values: Any) -> None:
    with served.kit.database.write() as session:
        session.execute(update(QuarantineRow).values(due_at=datetime.now(UTC), **values))


def test_a_paid_payment_becomes_an_order_after_the_answer(start: Any) -> None:
    served, shop = start(paid, work=True)
    assert notify(served) == 200
    served.wait_for(lambda: bool(served.rows()) and not waiting(served))
    (order,) = served.settled()
    assert (order.state, order.proof, order.order_id, order.total) == ("done", "asked", "tr_7UhSN1zuXS", "49.80")
    assert order.email == "noor@buyer.example"
    (question,) = shop.questions
    assert (question.path, question.headers["authorization"]) == ("/v2/payments/tr_7UhSN1zuXS", f"Bearer {KEY}")
    assert refusals(served) == []


def test_nothing_is_asked_or_handled_within_the_request(start: Any) -> None:
    served, shop = start(paid)
    assert notify(served) == 200
    assert (shop.questions, served.rows(), served.rows(HandlerRow), served.rows(MailRow)) == ([], [], [], [])
    (row,) = waiting(served)
    assert "tr_7UhSN1zuXS" not in row.sent


def test_the_same_again_is_asked_again_and_a_copy(start: Any) -> None:
    served, shop = start(paid)
    for _ in range(2):
        notify(served)
        assert served.kit.asking.run_next()
    assert not served.kit.asking.run_next()
    (order,) = served.rows()
    assert (order.copies, len(shop.questions), waiting(served)) == (1, 2, [])


def test_what_the_shop_does_not_know_is_refused_and_nothing_is_kept(start: Any) -> None:
    served, _ = start(lambda _asked: Said(404, {"status": 404}))
    notify(served)
    assert served.kit.asking.run_next()
    assert refusals(served) == [("not_confirmed", "Mollie knows no such payment or order (404).")]
    assert (waiting(served), served.rows(), served.rows(MailRow)) == ([], [], [])


def test_no_answer_is_waited_for(start: Any) -> None:
    served, shop = start(lambda _asked: Said(503, b"", (("Retry-After", "40"),)))
    notify(served)
    for wait in (40, 40, 120):
        before = datetime.now(UTC)
        assert served.kit.asking.run_next()
        (row,) = waiting(served)
        assert row.due_at - before >= timedelta(seconds=wait)
        assert row.detail == f"{HOST} answered 503."
        assert not served.kit.asking.is_due()
        make_due(served)
    shop.answers = paid
    assert served.kit.asking.run_next()
    assert (len(served.rows()), waiting(served), refusals(served)) == (1, [], [])


def test_the_doctor_names_what_waits_and_why(start: Any) -> None:
    served, _ = start(lambda _asked: Said(503))

    def said() -> list[tuple[str, str]]:
        return [(one.state, one.text) for one in diagnose(served.kit) if one.subject == "quarantine"]

    assert said() == [("ok", "nothing waits until its shop was asked")]
    for name in ("tr_1", "tr_2"):
        notify(served, name)
    assert said() == [("ok", "POSTs of pay that wait until its shop was asked: 2")]
    make_due(served, received_at=datetime.now(UTC) - timedelta(minutes=6))
    ((state, text),) = said()
    assert (state, text.partition(". ")[2]) == ("warning", "Is the server or `flask worker` running?")
    assert served.kit.asking.run_next()
    ((state, text),) = said()
    assert state == "warning"
    assert text.endswith(f" UTC. {HOST} answered 503.")


def test_after_an_hour_without_an_answer_the_merchant_hears_of_it_once(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("receiver.mail.notices._LOOK_EVERY_SECONDS", 0)
    tables = {name: {"kind": "mollie", "secrets": [KEY]} for name in ("pay", "shop two")}
    served, _ = start(lambda _asked: Said(401), sources=tables)

    def mailed() -> list[str]:
        served.kit.notices.look()
        return [mail.subject.partition(": ")[2] for mail in served.rows(MailRow)]

    for name in ("tr_1", "tr_2"):
        notify(served, name)
    served.post({"id": "tr_3"}, path="/orders/shop%20two", headers={})
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    with served.kit.database.write() as session:  # nobody was asked yet: no worker runs
        session.execute(update(QuarantineRow).values(received_at=hour_ago - timedelta(minutes=1)))
    assert mailed() == []
    while served.kit.asking.run_next():
        pass
    told = ["The shop of pay can't be asked: 2 POSTs wait", "The shop of shop two can't be asked: a POST waits"]
    assert mailed() == mailed() == told
    text = " ".join(served.rows(MailRow)[0].text.split())
    assert f"The last time: {HOST} refused each secret of this source (401 or 403)." in text
    assert "/admin/sources/shop%20two" in served.rows(MailRow)[1].text
    make_due(served, received_at=hour_ago + timedelta(minutes=10))
    with served.kit.database.read() as session:
        assert unanswered.standing(session, datetime.now(UTC)) == []


def test_a_day_without_an_answer_is_a_refusal(start: Any) -> None:
    served, _ = start(lambda _asked: Said(500))
    notify(served)
    almost = datetime.now(UTC) - KEPT_FOR + timedelta(minutes=1)
    make_due(served, received_at=almost, attempts=20)
    assert served.kit.asking.run_next()
    (row,) = waiting(served)
    assert abs(row.due_at - almost - KEPT_FOR) < timedelta(seconds=1)
    make_due(served, received_at=datetime.now(UTC) - KEPT_FOR)
    assert served.kit.asking.run_next()
    assert waiting(served) == []
    detail = f"The shop couldn't be asked for 24 hours: {HOST} answered 500."
    assert refusals(served) == [("never_answered", detail)]


def test_each_key_of_a_rotation_is_tried_and_a_wrong_one_is_waited_for(start: Any) -> None:
    def takes_only_the_second(asked: Asked) -> Said:
        return Said(200, PAYMENT) if asked.headers["authorization"] == f"Bearer {OTHER}" else Said(401)

    served, shop = start(takes_only_the_second, sources={"pay": {"kind": "mollie", "secrets": [KEY, OTHER]}})
    notify(served)
    shop.answers = lambda _asked: Said(401)
    assert served.kit.asking.run_next()
    (row,) = waiting(served)
    assert row.detail.startswith(f"{HOST} refused each secret of this source (401 or 403).")
    assert not {KEY, OTHER} & set(row.detail.split())
    shop.answers = takes_only_the_second
    make_due(served)
    assert served.kit.asking.run_next()
    assert len(served.rows()) == 1


def test_what_comes_again_while_it_is_asked_about_is_asked_about_again(start: Any) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def slow(_asked: Asked) -> Said:
        asked.set()
        assert go_on.wait(SOON)
        return Said(200, PAYMENT | {"status": "open"})

    served, shop = start(slow)
    notify(served)
    job = threading.Thread(target=served.kit.asking.run_next)
    job.start()
    assert asked.wait(SOON)
    assert notify(served) == 200  # it was paid meanwhile
    go_on.set()
    job.join()
    (row,) = waiting(served)
    assert (row.times, row.lease_token) == (2, None)
    shop.answers = paid
    assert served.kit.asking.run_next()
    assert [order.state for order in served.rows()] == ["ignored", "open"]
    assert waiting(served) == []


def test_a_run_that_lost_its_lease_writes_nothing(start: Any) -> None:
    served, shop = start(paid)
    notify(served)

    def another_run_took_over(_asked: Asked) -> Said:
        with served.kit.database.write() as session:
            session.execute(update(QuarantineRow).values(lease_token="another run"))
        return Said(200, PAYMENT)

    for answers in (another_run_took_over, lambda asked: another_run_took_over(asked)._replace(status=404)):
        shop.answers = answers
        assert served.kit.asking.run_next()
        make_due(served, lease_token=None, lease_until=None)
        assert (served.rows(), refusals(served), len(waiting(served))) == ([], [], 1)
    shop.answers = paid
    assert served.kit.asking.run_next()
    assert (len(served.rows()), waiting(served)) == (1, [])


@pytest.mark.parametrize("is_kept", [True, False])
@pytest.mark.parametrize("lost", ["claim", "result"])
def test_whichever_answer_is_lost_a_test_is_run_once_and_a_refusal_is_kept_once(
    start: Any, monkeypatch: pytest.MonkeyPatch, lost: str, is_kept: bool
) -> None:
    """A database that goes away during a commit doesn't say whether that was kept."""
    served, shop = start(lambda _asked: Said(200, PAYMENT | {"mode": "test"}))
    commit = WriteTransaction.commit

    def run() -> None:
        commits = iter(["claim", "result"])

        def lose_one(transaction: WriteTransaction) -> None:
            is_lost = next(commits, None) == lost
            if is_kept or not is_lost:
                commit(transaction)
            if is_lost:
                transaction.close()
                raise Unavailable("The server has gone away; try again.")

        notify(served)
        with monkeypatch.context() as patch, suppress(Unavailable):  # of the claim; the engine logs it and goes on
            patch.setattr(WriteTransaction, "commit", lose_one)
            served.kit.asking.run_next()
        make_due(served, lease_token=None, lease_until=None)
        while served.kit.asking.run_next():
            pass

    run()
    (order,) = served.rows()
    assert (order.test, order.state, order.copies) == (True, "done", 0)
    assert {row.attempts for row in served.rows(HandlerRow)} == {1}
    shop.answers = lambda _asked: Said(404, {"status": 404})
    run()
    assert [reason for reason, _ in refusals(served)] == ["not_confirmed"]
    assert (len(served.rows()), waiting(served)) == (1, [])


def test_the_order_and_the_end_of_its_wait_are_one_transaction(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    served, _ = start(paid)
    notify(served)
    record = inserting.record

    def killed(*args: Any) -> Any:
        record(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(inserting, "record", killed)
        with pytest.raises(KeyboardInterrupt):
            served.kit.asking.run_next()
    assert (served.rows(), len(waiting(served))) == ([], 1)
    make_due(served, lease_token=None, lease_until=None)
    assert served.kit.asking.run_next()
    assert ([order.copies for order in served.rows()], waiting(served)) == ([0], [])


@pytest.mark.sqlite
def test_a_database_that_cannot_be_read_refuses_nothing(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    served, shop = start(paid)
    notify(served)

    def unreadable() -> Any:
        raise driver.OperationalError("disk I/O error")

    def and_then_it_fails(asked: Asked) -> Said:
        failing.setattr(served.kit.database.engine, "raw_connection", unreadable)
        return paid(asked)

    with monkeypatch.context() as failing:
        shop.answers = and_then_it_fails
        assert served.kit.asking.run_next()
    (row,) = waiting(served)
    assert "disk I/O error" in row.detail
    assert (refusals(served), served.rows()) == ([], [])


def test_a_test_payment_is_a_test(start: Any) -> None:
    served, _ = start(lambda _asked: Said(200, PAYMENT | {"mode": "test"}))
    notify(served)
    assert served.kit.asking.run_next()
    (order,) = served.rows()
    assert (order.test, order.state) == (True, "done")
    notify(served)
    assert served.kit.asking.run_next()
    assert {row.attempts for row in served.rows(HandlerRow)} == {1}


def test_an_answer_that_cannot_be_read_or_may_not_be_kept(start: Any) -> None:
    served, shop = start(lambda _asked: Said(200, b"{", (("Content-Type", "application/json"),)))
    notify(served)
    assert served.kit.asking.run_next()
    (row,) = waiting(served)
    assert row.detail.startswith("What the shop answered can't be read: ")
    shop.answers = lambda _asked: Said(200, PAYMENT | {"card": {"number": "4111111111111111", "cvv": "123"}})
    make_due(served)
    assert served.kit.asking.run_next()
    assert [reason for reason, _ in refusals(served)] == ["card_data"]
    assert (served.rows(), waiting(served)) == ([], [])


def test_it_waits_for_a_table_a_secret_and_the_key_that_were_taken_away(start: Any, make_app: Any) -> None:
    served, _ = start(paid)
    notify(served)

    def why(kit: Any) -> str:
        make_due(served)
        assert kit.asking.run_next()
        (row,) = waiting(served)
        return str(row.detail)

    tables: tuple[dict[str, Any], ...] = {}, {"pay": {}}, {"pay": {"kind": "mollie"}}
    other_key: dict[str, Any] = {"sources": TABLE, "SECRET_KEY": "another secret key of this instance, long enough"}
    kits = [make_app(**one).extensions["receiver"] for one in (*({"sources": one} for one in tables), other_key)]
    assert [why(kit).partition(".")[0] for kit in kits] == [
        "The source pay no longer asks its shop",
        "The source pay no longer asks its shop",
        "The source pay has no secret to ask with",
        "It was encrypted under another SECRET_KEY",
    ]
    make_due(served, received_at=datetime.now(UTC) - KEPT_FOR)
    assert kits[-1].asking.run_next()
    kits[-1].refusals.flush()
    assert [(row.reason, row.headers, row.fields) for row in served.rows(RefusalRow)] == [
        ("never_answered", "[]", "[]")
    ]


@source_kind("hasty")
class Hasty(Source):
    """A kind of the merchant's own, whose question fails."""

    class _Fails(Question):
        hosts = ("fails.example",)

        def ask(self, *_args: object) -> Any:
            raise KeyError("a value of the customer's")

    asks = _Fails()


def test_a_question_that_fails_is_asked_again_and_its_place_is_named(
    start: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    served, _ = start(paid)
    monkeypatch.setattr(served.kit.sources, "_sources", {"pay": Hasty("pay", secrets=(KEY,)).with_rules({})})
    monkeypatch.setattr(served.kit.sources, "_look", lambda: None)
    assert notify(served) == 202
    assert served.kit.asking.run_next()
    (row,) = waiting(served)
    assert row.detail.startswith("Asking failed: KeyError at ")
    assert "customer's" not in row.detail + caplog.text


def test_a_question_has_to_be_written() -> None:
    with pytest.raises(TypeError, match="ask"):
        Question()  # type: ignore[abstract]


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 10), (2, 30), (6, 3600), (60, 3600)])
def test_the_waits_grow_to_an_hour(attempts: int, seconds: int) -> None:
    assert asking.wait(attempts, None) == timedelta(seconds=seconds)
    assert asking.wait(attempts, 5000) == timedelta(seconds=max(seconds, 5000))


def test_the_job_connects_to_public_addresses_only(kit: Any) -> None:
    assert isinstance(kit.asking, Asking)
    with pytest.raises(Exception, match="leads to no public address"):
        kit.asking.pool.request("GET", "https://127.0.0.1:9/")
