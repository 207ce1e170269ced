"""Alerts about single cases: each names its order, a few an hour of a kind, then one email about several."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, update

from receiver.app.components import Kit
from receiver.customers import privacy
from receiver.dispatch.replay import Replay
from receiver.mail.alert_mails import AlertMails
from receiver.mail.alerts import MOST_AN_HOUR, Alert
from receiver.mail.templates import BUILT_IN, Rendered
from receiver.storage.models import HandlerRow, MailRow, NoticeRow, OrderRow
from tests.mail_pages import Page, flat
from tests.served import Served, order_fields

_COURIER = """
from receiver.handlers import handler

@handler(retries=0)
def book_courier(order, context):
    raise RuntimeError("no courier for\\n" + order.customer.last_name + " at http://evil.example")
"""
SUBJECT = "Order 2105 (Alan O'Neill, £54.50): book_courier failed after 1 attempt"


@pytest.fixture
def shop(serve: Callable[..., Served], instance: Path, monkeypatch: pytest.MonkeyPatch) -> Served:
    """Serve with a handler that fails on every order; every look is a real one, and none is made but here."""
    monkeypatch.setattr("receiver.mail.notices._LOOK_EVERY_SECONDS", 0)
    monkeypatch.setattr("receiver.app.engine.UPKEEP_EVERY", 3600.0)  # so that no other look comes between
    (instance / "handlers" / "book_courier.py").write_text(_COURIER, "utf-8")
    return serve(work=False, HANDLERS=["book_courier"], SHOP_NAME="Corner Shop", MERCHANT_EMAIL="owner@laden.de")


def fail(shop: Served, number: int = 2105, **changes: str) -> None:
    """Receive an order on which the handler fails."""
    names = {"customer_first_name": "Alan", "customer_last_name": "O'Neill"}
    shop.post(order_fields(order_id=f"mp-{number}", order_number=str(number), total="54.50", **names, **changes))
    while shop.kit.processor.run_next():
        pass
    assert shop.rows()[-1].state == "failed"


def subjects(shop: Served) -> list[str]:
    """Look for problems, and return the subjects of all alerts so far."""
    shop.kit.notices.look()
    return [mail.subject for mail in shop.rows(MailRow)]


def later(kit: Kit, by: timedelta = timedelta(minutes=61)) -> None:
    """Date every alert so far back."""
    with kit.database.write() as session:
        session.execute(
            update(NoticeRow).where(NoticeRow.mailed_at.is_not(None)).values(mailed_at=datetime.now(UTC) - by)
        )


def test_it_names_order_buyer_total_handler_error_and_attempts(shop: Served) -> None:
    fail(shop)
    assert subjects(shop) == [SUBJECT]
    (mail,) = shop.rows(MailRow)
    assert (mail.recipient, mail.order_pk, mail.handler, mail.test) == ("owner@laden.de", 1, None, False)
    page = Page(mail.html)
    for text in (flat(mail.text), flat(page.text)):
        assert SUBJECT in text
        assert "Handler book_courier" in text
        assert "Error RuntimeError: no courier for O'Neill at http: //evil.example (book_courier.py, line 6)" in text
        assert "Attempts 1" in text
        assert "flask orders replay rcp_00000001" in text
    links = [value for name, value in page.attributes if name == "href"]
    order = "http://127.0.0.1:8000/admin/orders/rcp_00000001"
    assert links == [order, f"{order}/run"]
    assert mail.text.count(f"\n{order}\n") == mail.text.count(f"\n{order}/run\n") == 1


def test_nobody_who_orders_writes_in_the_alert(shop: Served) -> None:
    names = {"customer_first_name": "Ada\r\nBcc: x@evil.example", "customer_last_name": "\u202ehttp://evil.example"}
    shop.post(order_fields(order_id="http://evil.example/1", **names))
    assert shop.kit.processor.run_next()
    (subject,) = subjects(shop)
    (mail,) = shop.rows(MailRow)
    assert subject.startswith("Order http: //evil.example/1 (Ada Bcc: x@evil.example http: //evil.example, £19.99): ")
    assert "://evil" not in f"{mail.subject} {mail.text} {mail.html}"
    assert "\u202e" not in f"{mail.subject} {mail.text} {mail.html}"
    assert "\nBcc" not in mail.text


def test_a_frame_that_was_copied_before_alerts_had_one_takes_them(shop: Served, instance: Path) -> None:
    layout = (BUILT_IN / "_layout.html").read_text("utf-8").replace("(order and order.test)", "order.test")
    assert "{% if test or order.test %}" in layout
    (instance / "templates").mkdir(exist_ok=True)
    (instance / "templates" / "_layout.html").write_text(layout.replace("<body", "<body id=mine", 1), "utf-8")
    fail(shop)
    assert subjects(shop) == [SUBJECT]
    assert "<body id=mine" in shop.rows(MailRow)[0].html
    assert shop.kit.templates.broken == {}


def test_every_order_is_told_and_each_once(shop: Served) -> None:
    fail(shop)
    assert len(subjects(shop)) == 1
    fail(shop, 2106)
    told = subjects(shop)
    assert [subject.partition(" (")[0] for subject in told] == ["Order 2105", "Order 2106"]
    assert subjects(shop) == told
    later(shop.kit, timedelta(days=3))
    assert subjects(shop) == told


def test_an_order_that_was_run_again_and_failed_again_is_told_again(shop: Served) -> None:
    fail(shop)
    assert subjects(shop) == [SUBJECT]
    kit = shop.kit
    with kit.database.write() as session:
        Replay(sources=kit.sources, registry=kit.registry, bodies=kit.bodies).one(session, "rcp_00000001")
    assert subjects(shop) == [SUBJECT]
    kit.processor.run_next()
    assert subjects(shop) == [SUBJECT] * 2


def test_after_five_in_an_hour_one_email_counts_the_others(shop: Served, make_app: Callable[..., Flask]) -> None:
    for number in range(MOST_AN_HOUR):
        fail(shop, 3001 + number)
        assert len(subjects(shop)) == number + 1
    of_the_hour = [flat(mail.text) for mail in shop.rows(MailRow)]
    assert ["they come in one email" in text for text in of_the_hour] == [False] * 4 + [True]
    for number in range(12):
        fail(shop, 4001 + number)
    assert len(subjects(shop)) == 5
    with shop.kit.database.write() as session:
        first = (datetime.now(UTC) - timedelta(days=2)).replace(hour=9, minute=0)
        session.execute(update(HandlerRow).where(HandlerRow.order_pk == 6).values(changed_at=first))
    later(shop.kit)
    restarted: Kit = make_app(HANDLERS=["book_courier"], SHOP_NAME="Corner Shop").extensions["receiver"]
    restarted.notices.look()
    assert subjects(shop)[5:] == [f"Corner Shop: 12 orders failed since {first.day} {first:%b}, 09:00"]
    mail = shop.rows(MailRow)[-1]
    page = Page(mail.html)
    for number in range(12):
        said = f"Order {4001 + number} (£54.50): book_courier failed"
        assert said in flat(mail.text)
        assert said in flat(page.text)
    links = [value for name, value in page.attributes if name == "href"]
    assert links[0] == "http://127.0.0.1:8000/admin/orders/rcp_00000006"
    assert links[-1] == "http://127.0.0.1:8000/admin/orders?state=failed"
    assert mail.order_pk is None
    assert "Neill" not in mail.text + mail.html + mail.subject, "the email belongs to no order, so it names nobody"
    later(shop.kit)
    assert len(subjects(shop)) == 6
    fail(shop, 5001)
    assert subjects(shop)[6:] == ["Order 5001 (Alan O'Neill, £54.50): book_courier failed after 1 attempt"]


def test_many_at_once_are_one_email_that_counts_as_one(shop: Served) -> None:
    for number in range(25):
        fail(shop, 3001 + number)
    (subject,) = subjects(shop)
    assert re.fullmatch("Corner Shop: 25 orders failed since (\\d+ \\w+, )?\\d\\d:\\d\\d", subject)
    text = shop.rows(MailRow)[0].text
    assert (text.count("book_courier failed"), "And 5 more." in text) == (20, True)
    fail(shop, 4001)
    assert subjects(shop)[1:] == ["Order 4001 (Alan O'Neill, £54.50): book_courier failed after 1 attempt"]


def test_many_are_written_down_in_as_few_statements_as_one(shop: Served) -> None:
    """The write lock is held meanwhile, and senders of orders wait for it."""
    ran: list[str] = []
    event.listen(shop.kit.database.engine, "before_cursor_execute", lambda *about: ran.append(about[2]))
    counts = []
    for number in (1, 30):
        for one in range(number):
            fail(shop, 1000 * number + one)
        later(shop.kit)
        ran.clear()
        shop.kit.notices.look()
        counts.append(sum(statement.startswith(("INSERT INTO notices", "DELETE FROM notices")) for statement in ran))
    assert counts == [2, 2]


def test_two_processes_that_look_at_the_same_moment_tell_once(
    shop: Served, make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    other: Kit = make_app(HANDLERS=["book_courier"], MERCHANT_EMAIL="owner@laden.de").extensions["receiver"]
    fail(shop)
    write = shop.kit.database.write

    def write_after_the_other(*args: Any, **options: Any) -> Any:
        other.notices.look()
        return write(*args, **options)

    monkeypatch.setattr(shop.kit.database, "write", write_after_the_other)
    assert subjects(shop) == [SUBJECT]
    assert subjects(shop) == [SUBJECT]


def test_cases_that_come_while_the_email_is_written_hold_it_up_no_longer(
    shop: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    render, numbers = AlertMails.render, iter(range(3001, 3009))

    def render_meanwhile(self: AlertMails, alert: Alert) -> Rendered:
        for number in itertools.islice(numbers, 2):
            fail(shop, number)
        return render(self, alert)

    monkeypatch.setattr(AlertMails, "render", render_meanwhile)
    fail(shop)
    assert subjects(shop) == [SUBJECT]
    told = [subject.partition(" (")[0] for subject in subjects(shop)]
    assert told == ["Order 2105", "Order 3001", "Order 3002"]


def test_a_test_order_and_one_that_is_retried_are_no_case(shop: Served) -> None:
    fail(shop, test="true")
    fail(shop, 2106)
    with shop.kit.database.write() as session:
        session.execute(update(HandlerRow).where(HandlerRow.order_pk == 2).values(state="retrying"))
    assert subjects(shop) == []


def test_an_alert_of_a_time_when_the_clock_was_ahead_takes_no_room(shop: Served) -> None:
    for number in range(MOST_AN_HOUR):
        fail(shop, 3001 + number)
    assert len(subjects(shop)) == 5
    later(shop.kit, -timedelta(days=365))
    fail(shop)
    assert subjects(shop)[5:] == [SUBJECT]


def test_what_was_told_is_forgotten_once_it_is_old(shop: Served) -> None:
    fail(shop)
    subjects(shop)
    with shop.kit.database.write() as session:
        old = datetime.now(UTC) - timedelta(days=40)
        session.execute(update(HandlerRow).values(changed_at=old))
        session.execute(update(NoticeRow).values(last_seen=int(old.timestamp() * 1000)))
    assert len(subjects(shop)) == 1, "older than what's looked at"
    fail(shop, 2106)
    assert len(subjects(shop)) == 2
    with shop.kit.database.read() as session:
        assert [row.kind for row in session.query(NoticeRow)] == ["handler_failed:2"]


def test_the_alert_goes_with_the_customer(shop: Served) -> None:
    fail(shop)
    assert subjects(shop) == [SUBJECT]
    kit = shop.kit
    with kit.database.write() as session:
        session.execute(update(MailRow).values(state="sent", due_at=None))
    key = kit.settings.SECRET_KEY.get_secret_value()
    privacy.erase(kit.database, kit.transport, "ada@shop.example", secret_key=key)
    assert shop.rows(MailRow) == []
    later(kit)
    with kit.database.write() as session:
        session.execute(update(NoticeRow).values(last_seen=0))
    assert subjects(shop) == ["Order mp-2105: book_courier failed after 1 attempt"]
    assert shop.rows(OrderRow)[0].order is None
