"""Alerts about parked orders: one for each, with its question and a link to the page that answers it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from receiver.app.components import Kit
from receiver.storage.models import MailRow, OrderRow
from tests.chunked_forms import CUT, post
from tests.mail_pages import Page, flat
from tests.served import SECRET, Served, order_fields
from tests.smtp_servers import HOST, Mailbox, smtp_server
from tests.web.console.visitor import Visitor


@pytest.fixture
def shop(serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch) -> Served:
    """Serve two sources without running jobs; every look is a real one."""
    monkeypatch.setattr("receiver.mail.notices._LOOK_EVERY_SECONDS", 0)
    monkeypatch.setattr("receiver.app.engine.UPKEEP_EVERY", 3600.0)  # so that no other look comes between
    return serve(work=False, sources={"kiln": {}})


def parsed(content: Any) -> Any:
    message: EmailMessage = message_from_bytes(content, policy=policy.default)
    return message


def mailed(shop: Served) -> list[str]:
    """Look for problems, and give the subjects of all alerts so far without the shop's name."""
    shop.kit.notices.look()
    return [mail.subject.removeprefix("Example Shop: ") for mail in shop.rows(MailRow)]


def test_each_parked_order_has_an_alert_with_its_question(shop: Served) -> None:
    shop.post(order_fields(payment_status="in_kiln"), path="/orders/kiln")
    first = "We couldn't read order rcp_00000001 from kiln: does “in_kiln” in payment_status mean paid?"
    assert mailed(shop) == [first]
    assert mailed(shop) == [first]
    shop.post(order_fields(payment_status="In Kiln"), path="/orders/kiln")
    shop.post(order_fields(customer_email="nobody"))
    assert mailed(shop)[1:] == [
        "We couldn't read order rcp_00000002 from kiln: does “In Kiln” in payment_status mean paid?",
        "We couldn't read order rcp_00000003 from shopintegrator: customer_email must be one bare email address",
    ]
    links = [value for name, value in Page(shop.rows(MailRow)[0].html).attributes if name == "href" and value]
    order, answer = (link.removeprefix("http://127.0.0.1:8000/admin/") for link in links)
    assert order == "orders/rcp_00000001"
    assert re.fullmatch("parked[?]group=[0-9a-f]{16}", answer)


def test_a_question_is_one_problem_however_many_orders_ask_it(shop: Served) -> None:
    shop.post(order_fields(payment_status="in_kiln"), path="/orders/kiln")
    shop.post(order_fields(payment_status="In Kiln"), path="/orders/kiln")
    shop.post(order_fields(payment_status="glazed"), path="/orders/kiln")
    shop.post(order_fields(payment_status="in_kiln"))
    with shop.kit.database.read() as session:
        standing = [trouble.headline for trouble in shop.kit.notices.standing(session, datetime.now(UTC))]
    one, several = "We couldn't read an order from {}", "We couldn't read orders from {}"
    assert standing == [one.format("shopintegrator"), one.format("kiln"), several.format("kiln")]


def test_an_alert_says_how_many_how_old_and_what_to_answer(shop: Served) -> None:
    for _ in range(3):
        shop.post(order_fields(payment_status="in_kiln"))
    with shop.kit.database.write() as session:
        old = datetime.now(UTC) - timedelta(days=3)
        session.execute(update(OrderRow).where(OrderRow.id == 1).values(received_at=old))
    assert len(mailed(shop)) == 3
    text = flat(shop.rows(MailRow)[0].text)
    assert "3 orders wait for this, the oldest for 3 days: does “in_kiln” in payment_status mean paid?" in text
    assert "Or in a terminal: flask sources state shopintegrator in-kiln paid|unpaid" in text


def test_a_word_of_the_shell_is_quoted_in_the_command(shop: Served) -> None:
    shop.post(order_fields(payment_status="$(reboot);'x"))
    assert len(mailed(shop)) == 1
    text = flat(shop.rows(MailRow)[0].text)
    assert """flask sources state shopintegrator '$(reboot);'"'"'x' paid|unpaid""" in text


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"ticket": "7", "line1": "hello"}, "they may be no orders; order_id"),
        (order_fields(total="much"), "total "),
    ],
)
def test_what_cannot_be_answered_by_a_word_is_mapped(shop: Served, body: dict[str, str], said: str) -> None:
    shop.post(body)
    assert len(mailed(shop)) == 1
    text = flat(shop.rows(MailRow)[0].text)
    assert f"1 order waits for this, the oldest for less than an hour: {said}" in text
    assert "Map the parameters in the console under Received → Parked" in text
    assert ("or say that these are no orders" in text) == ("no orders" in said)


def test_a_body_that_could_not_be_decoded_is_looked_at(shop: Served) -> None:
    shop.post(b'{"order_id": nothing}', content_type="application/json")
    assert len(mailed(shop)) == 1
    assert "See the body in the console under Received → Parked" in flat(shop.rows(MailRow)[0].text)


def test_tests_and_what_may_have_been_cut_are_not_alerted_about(shop: Served) -> None:
    shop.post(order_fields(payment_status="in_kiln", test="true"))
    post(shop.kit, CUT)
    assert [row.state for row in shop.rows()] == ["parked", "parked"]
    assert mailed(shop) == []


def test_a_flood_of_questions_is_one_alert(shop: Served) -> None:
    for number in range(12):
        shop.post(order_fields(payment_status="x" * (number + 1)))
    (subject,) = mailed(shop)
    assert re.fullmatch(r"12 orders couldn't be read since (\d+ \w+, )?\d\d:\d\d", subject)
    assert len(mailed(shop)) == 1
    text = flat(shop.rows(MailRow)[0].text)
    assert "order rcp_00000012 from shopintegrator: does “xxxxxxxxxxxx” in payment_status mean paid?" in text


def test_the_mail_leads_to_the_page_of_the_question(
    serve: Callable[..., Served], make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The alert goes through a real mail server, and its link is opened by somebody who has to sign in first."""
    monkeypatch.setattr("receiver.mail.notices._LOOK_EVERY_SECONDS", 0)
    shop, mailbox = serve(work=False), Mailbox()
    for word in ("in_kiln", "glazed"):
        shop.post(order_fields(payment_status=word))
    with smtp_server(mailbox) as port:
        people = {"MERCHANT_EMAIL": "owner@laden.de", "MAIL_DEFAULT_SENDER": "shop@laden.de"}
        kit: Kit = make_app(MAIL_SERVER=HOST, MAIL_PORT=port, **people).extensions["receiver"]
        kit.notices.look()
        assert [kit.outbox.run_next() for _ in range(3)] == [True, True, False]
        kit.transport.close()
    texts = [parsed(mail.content).get_body(("plain",)).get_content() for mail in mailbox.mails]
    (text,) = [text for text in texts if "in_kiln" in text]
    assert SECRET not in text
    link = re.search(r"http://127.0.0.1:8000(/admin/parked\?group=[0-9a-f]{16})\b", text)
    assert link is not None

    visitor = Visitor(shop.base)
    visitor.sign_in(follow=False)
    page = visitor.get(link[1])
    assert "in_kiln" in page.text
    assert "glazed" not in page.text
    assert "rcp_00000001" in page.text
    assert "rcp_00000002" not in page.text
    assert "All parked orders" in page.text
    with shop.kit.database.write() as session:
        session.execute(update(OrderRow).where(OrderRow.id == 1).values(state="ignored"))
    page = visitor.get(link[1])
    assert "No parked order asks that any more." in page.text
    assert "glazed" in page.text


def test_no_value_of_an_order_is_in_an_alert(shop: Served) -> None:
    fields = order_fields(total="much", customer_email="zoe.private@home.example")
    shop.post(fields)
    mailed(shop)
    (mail,) = shop.rows(MailRow)
    said = mail.subject + mail.text
    assert not [value for value in ("zoe", "much", fields["order_id"]) if value in said]
