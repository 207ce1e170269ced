"""Received → Parked: what the parked orders ask, and one answer for all that ask the same."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from receiver.sources import saved_options
from receiver.storage.models import OrderRow
from receiver.web.console import parked_runs
from tests.served import Served, order_fields
from tests.web.console.browsing import Browsing
from tests.web.console.visitor import Page, Visitor

TICKET = {"ticket": "7", "note": "hello"}


@pytest.fixture
def shop(serve: Callable[..., Served]) -> Served:
    """Serve with two old orders that ask about one word, one that asks about another, and a ticket."""
    shop = serve(work=False)
    for word in ("in_kiln", "In Kiln", "glazed"):
        shop.post(order_fields(payment_status=word))
    shop.post(TICKET)
    with shop.kit.database.write() as session:
        old = datetime.now(UTC) - timedelta(days=3)
        session.execute(update(OrderRow).where(OrderRow.id == 1).values(received_at=old))
    return shop


def link(page: Page, label: str, number: int = 0) -> str:
    """Give the address of a link of the page by its label."""
    return str(re.findall(rf'<a href="([^"]+)">{label}</a>', html.unescape(page.html))[number])


def hidden(page: Page) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.html)
    checked = re.findall(r'name="(handler)" value="([^"]*)" checked', page.html)
    return {html.unescape(name): html.unescape(value) for name, value in [*found, *checked[:1]]}


def states(shop: Served) -> list[str]:
    return [row.state for row in shop.rows()]


def test_the_questions_are_listed_with_number_and_age(visitor: Visitor) -> None:
    page = visitor.get("/admin/parked")
    assert "Does In Kiln in payment_status mean paid? 2, such as rcp_00000002 List them" in page.text
    assert "like rcp_00000002 3 days shopintegrator" in page.text
    assert "Does glazed in payment_status mean paid? 1 rcp_00000003 less than an hour" in page.text
    assert "These may be no orders. order_id is missing" in page.text
    assert "Your answers" not in page.text


def test_a_word_that_means_paid_runs_all_that_ask_after_a_look(shop: Served, visitor: Visitor) -> None:
    page = visitor.get(link(visitor.get("/admin/parked"), "It means paid", 1))
    assert "Settles 2 parked orders" in page.text
    assert "3 days ago" in page.text
    assert "Off by default: the oldest order is 3 days old, and this handler emails the customer." in page.text
    assert states(shop) == ["parked"] * 4
    done = visitor.post("/admin/parked/answer", hidden(page))
    assert "Saved for every order of shopintegrator." in done.text
    assert "2 are running now." in done.text
    assert "in-kiln means paid" in done.text
    assert states(shop) == ["open", "open", "parked", "parked"]
    assert shop.post(order_fields(payment_status="IN KILN")).content["status"] == "accepted"
    assert "No parked order asks this any more" in visitor.post("/admin/parked/answer", hidden(page)).text


def test_an_order_that_asks_links_to_the_answer_from_its_own_page_and_from_the_list(visitor: Visitor) -> None:
    listed = re.findall(
        r'<a href="([^"]+)">Answer the question<span class="sr-only"> of (rcp_[0-9]+)',
        visitor.get("/admin/parked").html,
    )
    assert [receipt for _, receipt in listed] == ["rcp_00000003", "rcp_00000002", "rcp_00000001"]
    of_group = visitor.get(html.unescape(listed[1][0]))
    assert "Does In Kiln in payment_status mean paid? 2, such as rcp_00000002" in of_group.text
    assert "Answer the question" not in of_group.text
    own = visitor.get("/admin/orders/rcp_00000001")
    assert "Does in_kiln mean paid? One answer settles all orders from shopintegrator" in own.text
    assert "Settles 2 parked orders" in visitor.get(link(own, "It means paid")).text
    assert "Settles 2 parked orders" in visitor.get(link(own, "It isn't paid yet")).text
    ticket = visitor.get("/admin/orders/rcp_00000004")
    assert "Settles 1 parked order" in visitor.get(link(ticket, "These are no orders")).text
    assert "It means paid" not in ticket.text


def test_a_word_that_is_not_paid_yet_ignores_them(shop: Served, visitor: Visitor) -> None:
    page = visitor.get(link(visitor.get("/admin/parked"), "It isn't paid yet"))
    assert "no handler runs on them" in page.text
    assert "1 isn't a completed order." in visitor.post("/admin/parked/answer", hidden(page)).text
    assert states(shop) == ["parked", "parked", "ignored", "parked"]


def test_what_is_no_order_is_ignored_until_it_is_asked_again(shop: Served, visitor: Visitor) -> None:
    page = visitor.get(link(visitor.get("/admin/parked"), "These are no orders"))
    done = visitor.post("/admin/parked/answer", hidden(page))
    assert "No orders: bodies with the parameters of rcp_00000004" in done.text
    assert states(shop)[3] == "ignored"
    assert shop.post(TICKET | {"ticket": "8"}).content["status"] == "ignored"
    question = hidden(page)["question"]
    again = visitor.post("/admin/parked/ask-again", {"source": "shopintegrator", "question": question})
    assert "Taken back." in again.text
    assert shop.post(TICKET | {"ticket": "9"}).content["status"] == "parked"


def test_an_answered_word_is_asked_again(shop: Served, visitor: Visitor) -> None:
    page = visitor.get(link(visitor.get("/admin/parked"), "It means paid"))
    visitor.post("/admin/parked/answer", hidden(page))
    visitor.post("/admin/parked/ask-again", {"source": "shopintegrator", "word": "glazed"})
    assert shop.post(order_fields(payment_status="glazed")).content["status"] == "parked"


def test_many_orders_are_run_a_moment_at_a_time(
    shop: Served, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parked_runs, "_SECONDS", 0.0)
    page = visitor.get(link(visitor.get("/admin/parked"), "It means paid", 1))
    going = visitor.post("/admin/parked/answer", hidden(page))
    assert "1 of 2 orders read again" in going.text
    assert states(shop) == ["open", "parked", "parked", "parked"]
    assert "2 are running now." in visitor.post("/admin/parked/answer", hidden(going)).text
    assert states(shop) == ["open", "open", "parked", "parked"]


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"source": "shopintegrator", "question": "word:glazed", "means": "maybe"}, 400),
        ({"source": "shopintegrator", "question": "word:glazed", "means": "no orders"}, 400),
        ({"source": "elsewhere", "question": "word:glazed", "means": "paid"}, 404),
        ({}, 404),
    ],
)
def test_what_is_no_answer_changes_nothing(shop: Served, visitor: Visitor, asked: dict[str, str], status: int) -> None:
    assert visitor.post("/admin/parked/answer", asked).status == status
    assert states(shop) == ["parked"] * 4
    assert not shop.kit.sources.get("shopintegrator").answers.states


def test_an_answer_nobody_asks_for_leads_back(visitor: Visitor) -> None:
    page = visitor.get("/admin/parked/answer?source=shopintegrator&question=word:x&means=paid")
    assert "No parked order asks this any more" in page.text


def test_a_mapping_that_says_nothing_of_payment_asks_for_it(shop: Served, visitor: Visitor) -> None:
    path, form = "/admin/parked/rcp_00000004/map", {"order_id:from": '["ticket"]', "do": "save"}
    assert "Which word means paid?" in visitor.get(path).text
    assert "None does yet" not in visitor.get(path).text
    assert "None does yet" in visitor.post(path, form | {"do": "try"}).text
    refused = visitor.post(path, form)
    assert (refused.status, "Nothing was saved. Answer first: which word means paid?" in refused.text) == (422, True)
    assert "Map one of the three parameters above, or tick this." in refused.text
    assert "Saved: 1 field is mapped." in visitor.post(path, form | {"only_paid": "yes"}).text
    assert 'value="yes" checked' in visitor.get(path).html
    assert "Saved: 2 fields are mapped." in visitor.post(path, form | {"payment_status:from": '["note"]'}).text


def test_a_mapping_saved_before_the_question_shows_it_and_answers_it_when_saved_again(
    shop: Served, visitor: Visitor
) -> None:
    with shop.kit.database.write() as session:
        saved_options.save_rules(session, "shopintegrator", {"order_id": {"from": ["ticket"]}}, datetime.now(UTC))
    assert "all of them count as paid" in visitor.get("/admin/parked").text
    path, form = "/admin/parked/rcp_00000004/map", {"order_id:from": '["ticket"]', "do": "save"}
    assert visitor.post(path, form).status == 422
    assert visitor.post(path, form | {"payment_status:from": '["state"]'}).status == 200
    assert "all of them count as paid" not in visitor.get("/admin/parked").text


def test_the_pages_look_right_and_work_without_javascript(shop: Served, browse: Callable[..., Browsing]) -> None:
    person = browse(shop.base, java_script_enabled=False)
    person.sign_in()
    person.open("/admin/parked")
    person.page.get_by_role("link", name="It means paid").last.click()
    person.page.get_by_role("button", name="Save this answer").click()
    person.page.get_by_text("2 are running now.").wait_for()

    person = browse(shop.base)
    person.sign_in()
    person.open("/admin/parked")
    for folded in person.page.locator("main details").all():
        folded.evaluate("one => { one.open = true }")
    wrong = person.look()
    person.open("/admin/orders/rcp_00000001")
    wrong += person.look()
    for label in ("It means paid", "It isn't paid yet", "These are no orders"):
        person.open("/admin/parked")
        person.page.get_by_role("link", name=label).click()
        wrong += person.look()
    assert wrong == []
