"""Overview: what is left to set up, what came in, what went wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import urllib3
from playwright.sync_api import Route
from sqlalchemy import select, update

from receiver.mail.notices import TROUBLES, Notices, Trouble
from receiver.storage import safekeeping
from receiver.storage.models import OrderRow
from tests.served import Served, order_fields
from tests.waiting import wait_for
from tests.web.console.browsing import FOLLOWS_EVERY, Browsing
from tests.web.console.visitor import Visitor

OWN = {
    "SHOP_NAME": "Corner Shop",
    "MERCHANT_EMAIL": "owner@laden.de",
    "MAIL_DEFAULT_SENDER": "shop@laden.de",
}
FOREIGN = {"OrderRef": "77"}
#: The kinds of trouble that are found outside ``receiver.notices``.
_OF_OTHERS = (
    *("quiet_hours", "order_gap", "mail_template", "transmission_given_up"),
    *("registration_failed", "relay_disabled", "transmission_refused"),
)


def signed_in(shop: Served) -> Visitor:
    person = Visitor(shop.base)
    person.sign_in()
    return person


def tiles(html: str) -> list[dict[str, str]]:
    """Return the counters of both periods by their labels."""
    return [
        dict(re.findall(r"<dt>([^<]+)</dt><dd[^>]*>([^<]+)</dd>", part))
        for part in html.split('<dl class="tiles">')[1:]
    ]


def test_the_root_leads_to_the_console(shop: Served) -> None:
    answer = urllib3.request("GET", f"{shop.base}/", redirect=False)
    assert (answer.status, answer.headers["Location"]) == (302, "/admin/")
    assert urllib3.request("POST", f"{shop.base}/", redirect=False).status == 405


def test_a_fresh_receiver_says_what_is_left_to_set_up(serve: Callable[..., Served]) -> None:
    page = signed_in(serve(work=False, SHARED_SECRETS=[])).get("/admin/")
    assert re.findall(r'<span class="state [a-z]+">([^<]+)</span>', page.html) == [
        *("to do", "to do", "to do", "optional", "to do"),
    ]
    assert "None is active, so every POST is refused" in page.text
    assert ".venv/bin/flask secret add SECRET" in page.text
    assert "Still the example values: SHOP_NAME, MERCHANT_EMAIL, MAIL_DEFAULT_SENDER" in page.text
    assert "PUBLIC_URL isn't https" in page.text


def test_the_step_to_https_says_what_https_is_for(serve: Callable[..., Served]) -> None:
    text = signed_in(serve(RELAY_ALLOW_PRIVATE=True)).get("/admin/").text
    assert "Serve it over https PUBLIC_URL isn't https" in text


def test_what_is_done_is_ticked_off(visitor: Visitor, shop: Served) -> None:
    shop.post(order_fields(test="true"))
    states = re.findall(r'<span class="state [a-z]+">([^<]+)</span>', visitor.get("/admin/").html)
    assert states[:2] == ["done", "done"]


def test_when_all_is_set_up_the_list_is_gone(serve: Callable[..., Served]) -> None:
    """A mail server is optional."""
    shop = serve(work=False, **OWN)
    shop.post(order_fields())
    person = signed_in(shop)
    assert "Finish setting up" in person.get("/admin/").text
    vars(shop.kit.settings)["PUBLIC_URL"] = "https://orders.laden.de"
    assert "Finish setting up" not in person.get("/admin/").text


def test_what_the_doctor_finds_wrong_stands_at_the_top(instance: Path, serve: Callable[..., Served]) -> None:
    (instance / "handlers" / "broken.py").write_text("def oops(:\n")
    text = signed_in(serve(work=False)).get("/admin/").text
    assert "broken.py cannot be loaded: line 1" in text


def test_how_old_the_last_backup_is_stands_there(serve: Callable[..., Served]) -> None:
    shop = serve(PUBLIC_URL="https://shop.example")
    assert "Backup: none yet" in signed_in(shop).get("/admin/").text
    with shop.kit.database.write() as session:
        safekeeping.note_backup(session, datetime.now(UTC) - timedelta(days=3, minutes=1))
    assert "3 days old" in signed_in(shop).get("/admin/").text


def test_held_jobs_run_once_a_button_is_pressed(serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch) -> None:
    shop = serve()
    person = signed_in(shop)
    assert "Let them run" not in person.get("/admin/").text
    with shop.kit.database.write() as session:
        safekeeping.hold(session, datetime.now(UTC))
    wait_for(lambda: bool(shop.kit.hold.kinds()))
    asked: list[str | None] = []
    said = shop.kit.hold.said
    monkeypatch.setattr(shop.kit.hold, "said", lambda: asked.append(said()) or asked[-1])  # type: ignore[func-returns-value]
    shop.post(order_fields(order_id="A-1"))
    page = person.get("/admin/").text
    assert "are held" in page
    with shop.kit.database.write() as session:
        session.execute(update(OrderRow).values(due_at=datetime.now(UTC) - timedelta(minutes=10)))
    assert "Oldest waiting job" in person.get("/admin/").text
    assert "Is the server" not in person.get("/admin/").text
    assert "Let them run" in page
    wait_for(lambda: len(asked) > 2)
    assert has_open(shop)
    assert "run again" in person.post("/admin/release-jobs").text
    wait_for(lambda: not has_open(shop))


def has_open(shop: Served) -> bool:
    with shop.kit.database.read() as session:
        return session.scalar(select(OrderRow.id).where(OrderRow.state == "open")) is not None


def test_orders_are_counted_and_tests_are_not(visitor: Visitor, shop: Served) -> None:
    shop.post(order_fields())
    shop.post(FOREIGN)
    shop.post(order_fields(test="true"))
    shop.post(order_fields(), prove=False)
    shop.settled()
    shop.kit.refusals.flush()
    page = visitor.get("/admin/")
    day, week = tiles(page.html)
    assert day == week
    assert int(day.pop("Emails sent")) >= 2, "the two of the order, and one about the parked one when it is told"
    assert day == {"Received": "2", "Done": "1", "Failed": "0", "Parked": "1", "Refused": "1", "Emails failed": "0"}
    assert "Orders received per hour: 2 in total, peak 2 in one hour." in page.text
    assert "Orders received per day: 2 in total, peak 2 in one day." in page.text


def test_without_an_order_no_chart_is_drawn(visitor: Visitor) -> None:
    page = visitor.get("/admin/")
    assert "<svg" not in page.html
    assert page.text.count("No orders in this period.") == 2


def test_the_chart_has_a_table_that_says_the_same(visitor: Visitor, shop: Served) -> None:
    shop.post(FOREIGN)
    html = visitor.get("/admin/").html
    assert html.count('role="img"') == 2
    cells = re.findall(r'<td class="number">(\d+)</td>', html)
    assert (len(cells), sum(map(int, cells))) == (31, 2)


def test_trouble_stands_there_in_the_words_of_the_mail(visitor: Visitor, shop: Served) -> None:
    shop.post(FOREIGN)
    text = visitor.get("/admin/").text
    assert "We couldn't read an order from shopintegrator." in text
    assert "Nothing is lost: no handler has run on what's parked." in text
    assert "/admin/parked?group=" in visitor.get("/admin/").html


def test_each_trouble_leads_to_the_page_where_it_is_mended(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    relayed = [Trouble(kind=kind, newest=lambda _: 1, headline=kind, lines=()) for kind in _OF_OTHERS]
    monkeypatch.setattr(Notices, "standing", lambda *_: [*TROUBLES, *relayed])
    html = signed_in(serve(work=False)).get("/admin/").html
    notices = [part.partition("</div>")[0] for part in html.split('<div class="notice bad">')[1:]]
    assert [re.findall(r'href="([^"]+)"', notice)[0].removeprefix("/admin/") for notice in notices] == [
        *("orders?state=failed", "mail?state=failed", "orders?which=same_id"),
        *("refused", "refused"),
        *("orders", "orders", "mail", "order-manager?state=failed", "customers"),
        *("order-manager?open=controls", "order-manager?open=controls"),
    ]


@pytest.mark.parametrize(("ago", "is_late"), [(timedelta(minutes=1), False), (timedelta(minutes=6), True)])
def test_the_oldest_waiting_job_is_named(serve: Callable[..., Served], ago: timedelta, is_late: bool) -> None:
    shop = serve(work=False)
    shop.post(order_fields())
    with shop.kit.database.write() as session:
        session.execute(update(OrderRow).values(due_at=datetime.now(UTC) - ago))
    page = signed_in(shop).get("/admin/")
    assert "Oldest waiting job: order rcp_00000001 , due since" in page.text
    assert ("Is the server or flask worker running?" in page.text) is is_late
    assert 'href="/admin/orders/rcp_00000001"' in page.html


def test_the_counters_follow_while_the_page_stands_open(
    serve: Callable[..., Served], browse: Callable[..., Browsing]
) -> None:
    shop = serve(work=False)
    person = browse(shop.base)
    person.page.clock.install()
    person.sign_in()
    person.page.get_by_text("No orders in this period.").first.wait_for()
    shop.post(FOREIGN)
    person.page.clock.fast_forward(FOLLOWS_EVERY)
    person.page.get_by_text("We couldn't read an order from shopintegrator.").wait_for()
    assert person.page.get_by_role("img").count() == 2


def test_a_part_that_was_opened_meanwhile_is_not_taken_away(shop: Served, browse: Callable[..., Browsing]) -> None:
    shop.post(order_fields())
    person = browse(shop.base)
    person.page.clock.install()
    person.sign_in()
    asked: list[Route] = []
    person.page.route("**/admin/figures", lambda route: asked.append(route))
    with person.page.expect_request("**/admin/figures"):
        person.page.clock.fast_forward(FOLLOWS_EVERY)
    person.page.get_by_text("Show as a table").first.click()
    person.page.evaluate("document.activeElement.blur()")
    with person.page.expect_response("**/admin/figures"):
        asked[0].fulfill(body="taken away", content_type="text/html")
    person.page.wait_for_timeout(200)
    assert person.page.get_by_text("Show as a table").first.is_visible()
