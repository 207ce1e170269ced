"""Received → Orders: what came in is found, shown whole, and run again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest
from sqlalchemy import update

from receiver.app.components import Kit
from receiver.orders import encode_form
from receiver.orders.sample import dummy_order
from receiver.storage.models import HandlerRow, OrderRow
from tests.served import Served, order_fields, signed
from tests.storage.test_order_queries import store
from tests.web.console.browsing import FOLLOWS_EVERY, NARROW, Browsing
from tests.web.console.visitor import Visitor

_SCRIPT = "<script>alert(1)</script>"
_FAILING = """
from receiver.handlers import handler

@handler(retries=0)
def tell_the_warehouse(order, context):
    raise ValueError("the warehouse answered 500")
"""


def receipts(visitor: Visitor, query: str = "") -> list[str]:
    """Return the receipts that a list shows, in its order."""
    return linked(visitor.get(f"/admin/orders{query}").html)


def linked(html: str) -> list[str]:
    """Return the receipts of the orders that a page of the list links to."""
    return re.findall(r'class="key short"><a href="/admin/orders/(rcp_[0-9]+)"', html)


def post(shop: Served, **changes: str) -> str:
    """Send an order, wait until all is done, and give its receipt."""
    receipt: str = shop.post(order_fields(**changes)).content["receipt"]
    shop.settled()
    return receipt


def complete_order() -> bytes:
    """Make the body of an order in which every parameter is filled in."""
    changes = {"test": False, "order_id": "W-1042", "event_id": "evt_w1042", "extra": {"AffiliateRef": "77"}}
    return encode_form(dummy_order(now=datetime.now(UTC), nonce="w").model_copy(update=changes))


def test_an_empty_list_says_how_to_send_the_first_order(visitor: Visitor) -> None:
    page = visitor.get("/admin/orders")
    assert "No orders yet" in page.text
    assert "curl http://127.0.0.1:8000/orders \\ -H 'X-Shared-Secret: SECRET'" in page.text


def test_the_curl_of_the_empty_list_sends_an_order(shop: Served, visitor: Visitor) -> None:
    fields = re.findall(r"-d ([a-z0-9_]+=\S+)", visitor.get("/admin/orders").text)
    assert shop.post("&".join(fields).encode()).content["status"] == "accepted"


def test_a_line_shows_what_matters_of_an_order(shop: Served, visitor: Visitor) -> None:
    post(shop, order_id="A-17", order_number="2117", customer_last_name="Lovelace", item_1_quantity="3", total="59.97")
    post(shop, order_id="A-18", total="0.00")
    cells = re.findall(r'role="cell"[^>]*>(.*?)</td>', visitor.get("/admin/orders").html)
    lines = [text for cell in cells if (text := re.sub("<[^>]+>", "", cell).strip())]
    assert lines == [
        *("A-18", "Ada", "1", "£0.00", "done", "now"),
        *("2117", "Ada Lovelace", "3", "£59.97", "done", "now"),
    ]


def test_numbers_stand_below_their_headings(shop: Served, visitor: Visitor) -> None:
    receipt = post(shop)
    for path in (
        "/admin/orders",
        f"/admin/orders/{receipt}",
        "/admin/customers",
        "/admin/customers/1",
        "/admin/handlers",
    ):
        page = visitor.get(path).html
        numbers = set(re.findall(r'data-label="([^"]+)" class="number"', page))
        assert set(re.findall(r'role="columnheader" class="number">([^<]+)', page)) == numbers != set(), path


def test_the_handlers_that_are_not_done_are_counted_in_the_line(instance: Path, serve: Callable[..., Served]) -> None:
    (instance / "handlers" / "tell_the_warehouse.py").write_text(_FAILING)
    shop = serve()
    post(shop)
    visitor = Visitor(shop.base)
    visitor.sign_in()
    assert "failed 1 failed" in visitor.get("/admin/orders?state=failed").text


def test_a_filter_shows_a_state_or_the_tests_alone(kit: Kit, visitor: Visitor) -> None:
    store(kit, 1)
    store(kit, 2, state="failed")
    store(kit, 3, test=True)
    store(kit, 4, test=True, state="failed")
    assert receipts(visitor) == ["rcp_00000002", "rcp_00000001"]
    assert receipts(visitor, "?state=failed") == ["rcp_00000002"]
    assert receipts(visitor, "?which=tests") == ["rcp_00000004", "rcp_00000003"]
    assert receipts(visitor, "?which=tests&state=failed") == ["rcp_00000004"]
    assert receipts(visitor, "?state=nonsense&which=perhaps") == ["rcp_00000002", "rcp_00000001"]
    assert "No orders are parked." in visitor.get("/admin/orders?state=parked").text


def test_every_filter_of_the_page_is_in_its_address_and_kept_by_its_links(kit: Kit, visitor: Visitor) -> None:
    at = datetime(2026, 11, 23, 12, tzinfo=UTC)
    for number in range(1, 53):
        store(kit, number, total="5.00", currency="GBP", decided="completed", received_at=at)
    store(kit, 53, total="5.00", source="ebay", received_at=at)
    store(kit, 54, total="9.00", received_at=at)
    store(kit, 55, total="5.00", received_at=datetime(2026, 11, 25, tzinfo=UTC))
    where = "?state=done&source=shopintegrator&from=2026-11-23&to=2026-11-23&min=5&max=5.00"
    page = visitor.get(f"/admin/orders{where}")
    assert [int(one.removeprefix("rcp_")) for one in linked(page.html)] == list(range(52, 2, -1))
    assert "52 orders · £260.00" in page.text
    for value in ('value="done" selected', 'value="2026-11-23" type="date"', 'value="5.00" type="text"'):
        assert value in page.html
    (older,) = re.findall(r'href="/admin/orders([^"]+)" rel="next"', page.html)
    page = visitor.get(f"/admin/orders{older.replace('&amp;', '&')}")
    assert linked(page.html) == ["rcp_00000002", "rcp_00000001"]
    assert "52 orders · £260.00" in page.text


@pytest.mark.parametrize("wrong", ["from=x", "from=2026-13-01", "to=", "min=-1", "max=1e9", "min=NaN", "source="])
def test_a_filter_that_makes_no_sense_is_none(kit: Kit, visitor: Visitor, wrong: str) -> None:
    store(kit, 1)
    assert receipts(visitor, f"?{wrong}") == ["rcp_00000001"]


def test_filters_that_nothing_meets_say_so(kit: Kit, visitor: Visitor) -> None:
    store(kit, 1)
    assert "No order meets all of these filters." in visitor.get("/admin/orders?source=nowhere").text


def test_fifty_orders_are_two_lines_each_on_a_phone(shop: Served, browse: Callable[..., Browsing]) -> None:
    for number in range(1, 51):
        name = {"first_name": "Maximiliana-Constantina", "last_name": "von Hohenstein"}
        order = json.dumps({"order_id": str(number), "customer": name})
        store(shop.kit, number, order=order, total="333.50", currency="GBP", state="failed" if number % 2 else "done")
    person = browse(shop.base, viewport=NARROW)
    person.sign_in()
    person.open("/admin/orders")
    assert person.page.locator(".lines tbody tr").count() == 50
    assert person.page.evaluate("document.documentElement.scrollHeight") < 4000
    heights = person.page.locator(".lines tbody tr").evaluate_all("all => all.map((one) => one.offsetHeight)")
    assert max(heights) < 2.5 * 25
    assert person.look() == []


def test_what_came_under_one_id_is_marked_filtered_and_linked_both_ways(
    serve: Callable[..., Served],
) -> None:
    shop = serve(work=False)
    visitor = Visitor(shop.base)
    visitor.sign_in()
    assert "No two orders share an id" in visitor.get("/admin/orders?which=same_id").text
    shop.post(order_fields(order_id="B-1"))
    for changes in ({"payment_status": "pending"}, {}, {"order_id": "A-2"}):
        shop.post(order_fields(order_id="A-1", event_id="E1") | changes)
    first, second, third = (row.receipt for row in shop.rows()[1:])

    assert receipts(visitor, "?which=same_id") == [third, second, first]
    assert receipts(visitor, "?which=same_id&state=ignored") == [first]
    assert visitor.get("/admin/orders").html.count(">same id</span>") == 3
    for receipt, others in ((first, [second, third]), (second, [first, third]), (third, [first, second])):
        page = visitor.get(f"/admin/orders/{receipt}")
        assert "the same id but different contents" in page.text
        assert re.findall(r'href="/admin/orders/(rcp_[0-9]+)"', page.html) == others
    assert "the same id but different contents" not in visitor.get("/admin/orders/rcp_00000001").text


def test_without_a_test_the_page_says_how_to_send_one(visitor: Visitor) -> None:
    assert "flask selftest" in visitor.get("/admin/orders?which=tests").text


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("A-1", [3, 1]),
        (" A-17 ", [3]),
        ("ada@", [2, 1]),
        ("ADA@shop.example", [2, 1]),
        ("rcp_00000002", [2]),
        ("rcp_2", [2]),
        ("rcp_00000009", []),
        ("17", []),
        ("a-17", [3]),
        ("%", []),
        ("\x00\ufffd", []),
        ("x" * 1000, []),
    ],
)
def test_a_search_finds_by_what_is_on_an_order_and_by_its_receipt(
    kit: Kit, visitor: Visitor, words: str, found: list[int]
) -> None:
    store(kit, 1, order_id="A-1", email="ada@shop.example")
    store(kit, 2, order_id="B-2", email="ada@shop.example", test=True)
    store(kit, 3, order_id="A-17", email="zoe@shop.example")
    page = f"?{urlencode({'q': words})}"
    assert receipts(visitor, page) == [f"rcp_{number:08d}" for number in found]
    assert ("No matching orders" in visitor.get(f"/admin/orders{page}").text) == (not found)


def test_a_long_list_is_read_in_pages(kit: Kit, visitor: Visitor) -> None:
    for number in range(1, 103):
        store(kit, number, state="failed")
    pages, where = [], "?state=failed"
    while where:
        page = visitor.get(f"/admin/orders{where}")
        pages.append(linked(page.html))
        link = re.search(r'href="/admin/orders(\?[^"]*)" rel="next"', page.html)
        where = link[1].replace("&amp;", "&") if link else ""
    assert [len(rows) for rows in pages] == [50, 50, 2]
    assert [int(one.removeprefix("rcp_")) for rows in pages for one in rows] == list(range(102, 0, -1))
    assert 'href="/admin/orders?state=failed" rel="prev"' in page.html


@pytest.mark.parametrize("before", ["", "x", "-1", "9" * 40, "²"])
def test_a_page_that_begins_nowhere_is_the_first(kit: Kit, visitor: Visitor, before: str) -> None:
    store(kit, 1)
    assert receipts(visitor, f"?{urlencode({'before': before})}") == ["rcp_00000001"]


def test_an_order_is_shown_with_all_that_was_sent(shop: Served, visitor: Visitor) -> None:
    body = complete_order()
    headers = signed(body, webhook_id="evt_of_the_header")
    receipt = shop.post(body, headers=headers).content["receipt"]
    shop.post(body, headers=signed(body, webhook_id="evt_of_the_header"))
    shop.settled()
    text = visitor.get(f"/admin/orders/{receipt}").text
    for words in (
        *("Order W-1042", "Zoë Müller-Łukasz", "Please ring twice – danke!", "Oranienstraße 14", "Germany", "Poland"),
        *("Enamel mug “Łódź”", "Colour: red", "MUG-RED-L", "€18.50", "€57.45", "−€5.75", "€67.35"),
        *("gift_message", "AffiliateRef", "its signature", "b469f92f", "evt_of_the_header", "evt_w1042"),
        *("register_customer", "registered", "run 1, attempt 1", "1 received later", "Fields as received"),
        *("Ihre Bestellung 1042", "item_1_sku"),
    ):
        assert words in text, words


def test_a_free_order_shows_its_total(shop: Served, visitor: Visitor) -> None:
    receipt = post(shop, total="0.00", item_1_unit_price="0.00")
    assert "Total £0.00" in visitor.get(f"/admin/orders/{receipt}").text


def test_an_order_of_which_hardly_anything_is_known_is_shown(shop: Served, visitor: Visitor) -> None:
    receipt = shop.post({"order_id": "A-1"}).content["receipt"]
    shop.settled()
    text = visitor.get(f"/admin/orders/{receipt}").text
    assert "Order A-1" in text
    assert "Not sent." in text


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_date_at_the_end_of_time_is_shown(serve: Callable[..., Served], moment: str) -> None:
    for zone in ("Pacific/Auckland", "America/Los_Angeles"):
        shop = serve(TIMEZONE=zone)
        visitor = Visitor(shop.base)
        visitor.sign_in()
        receipt = post(shop, order_date=moment)
        assert visitor.get(f"/admin/orders/{receipt}").status == 200


@pytest.mark.parametrize("receipt", ["rcp_00000009", "nonsense", "rcp_" + "9" * 30, _SCRIPT, "%00", "%F0%9F%98%80"])
def test_an_unknown_receipt_is_said_in_plain_words(visitor: Visitor, receipt: str) -> None:
    for answer in (
        visitor.get(f"/admin/orders/{receipt}"),
        visitor.get(f"/admin/orders/{receipt}/progress"),
        visitor.post(f"/admin/orders/{receipt}/run"),
    ):
        assert answer.status == 404
        assert "<script>alert" not in answer.html
    if "<" not in receipt:
        assert "No order has the receipt" in visitor.get(f"/admin/orders/{receipt}").text


def test_a_test_transmission_is_marked_and_not_run_again(shop: Served, visitor: Visitor) -> None:
    receipt = post(shop, test="true")
    page = visitor.get(f"/admin/orders/{receipt}")
    assert "This is a test." in page.text
    assert "Run again" not in page.text
    assert "is a test order" in visitor.post(f"/admin/orders/{receipt}/run").text


def test_a_parked_order_shows_what_is_wrong_and_is_read_again(shop: Served, visitor: Visitor) -> None:
    receipt = shop.post({"OrderRef": "F-77"}).content["receipt"]
    page = visitor.get(f"/admin/orders/{receipt}")
    assert "Parked: we couldn't read this order" in page.text
    assert f"flask orders explain {receipt}" in page.text
    assert "They run once the order is mapped." in page.text
    assert "still not understood" in visitor.post(f"/admin/orders/{receipt}/run").text


def test_a_parked_order_that_is_understood_now_runs(instance: Path, shop: Served, visitor: Visitor) -> None:
    receipt = shop.post({"OrderRef": "F-77"}).content["receipt"]
    twin = shop.post({"OrderRef": "F-77", "x": "1"}).content["receipt"]
    with (instance / "config.toml").open("a") as file:
        file.write('\n[sources.shopintegrator.fields]\norder_id = "OrderRef"\n')
    shop.wait_for(lambda: shop.kit.sources.get().mapping is not None)
    assert "The unfinished handlers are running now." in visitor.post(f"/admin/orders/{receipt}/run").text
    shop.settled()
    assert f"is duplicate of {receipt}" in visitor.post(f"/admin/orders/{twin}/run").text
    assert f'href="/admin/orders/{twin}"' in visitor.get(f"/admin/orders/{receipt}").html
    assert f"A duplicate of {receipt}" in visitor.get(f"/admin/orders/{twin}").text


def test_an_ignored_order_says_why(shop: Served, visitor: Visitor) -> None:
    receipt = shop.post(order_fields(payment_status="unpaid")).content["receipt"]
    assert "Not a completed order (unpaid)" in visitor.get(f"/admin/orders/{receipt}").text
    assert "no handler runs on it" in visitor.post(f"/admin/orders/{receipt}/run").text


def test_a_handler_is_run_again_and_each_attempt_kept(shop: Served, visitor: Visitor) -> None:
    receipt = post(shop)
    page = visitor.post(f"/admin/orders/{receipt}/run", {"handler": "register_customer"})
    assert "register_customer is running now." in page.text
    shop.settled()
    text = visitor.get(f"/admin/orders/{receipt}").text
    assert "run 2, attempt 1" in text
    assert "run 1, attempt 1" in text
    assert "Nothing to do: all handlers are finished." in visitor.post(f"/admin/orders/{receipt}/run").text


def test_a_handler_that_is_not_there_is_said(shop: Served, visitor: Visitor) -> None:
    receipt = post(shop)
    page = visitor.post(f"/admin/orders/{receipt}/run", {"handler": _SCRIPT})
    assert "No handler is named" in page.text
    assert _SCRIPT not in page.html


def test_what_failed_is_run_again_once_it_is_mended(instance: Path, serve: Callable[..., Served]) -> None:
    handler = instance / "handlers" / "tell_the_warehouse.py"
    handler.write_text(_FAILING)
    broken = serve()
    receipt = post(broken)
    broken.kit.engine.stop()  # it has the failing handler still
    handler.write_text(_FAILING.replace("raise ValueError(", "return str("))
    shop = serve()
    visitor = Visitor(shop.base)
    visitor.sign_in()
    page = visitor.get(f"/admin/orders/{receipt}")
    assert "ValueError: the warehouse answered 500" in page.text
    assert "Run all unfinished" in page.text
    visitor.post(f"/admin/orders/{receipt}/run")
    shop.settled()
    page = visitor.get(f"/admin/orders/{receipt}")
    assert "Run all unfinished" not in page.text
    assert shop.handler_states()["tell_the_warehouse"] == "done"


def test_handlers_that_came_or_went_are_told_apart(instance: Path, serve: Callable[..., Served]) -> None:
    shop = serve()
    receipt = post(shop)
    with shop.kit.database.write() as session:
        session.execute(update(HandlerRow).where(HandlerRow.position == 1).values(name="long_gone"))
    visitor = Visitor(shop.base)
    visitor.sign_in()
    page = visitor.get(f"/admin/orders/{receipt}")
    assert "register_customer was added after this order ran." in page.text
    assert 'name="handler" value="long_gone"' not in page.html


def test_an_order_that_no_worker_took_up_says_so(serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    receipt = shop.post(order_fields()).content["receipt"]
    visitor = Visitor(shop.base)
    visitor.sign_in()
    assert "None has started yet" in visitor.get(f"/admin/orders/{receipt}").text


def test_a_retry_says_when_it_comes(instance: Path, serve: Callable[..., Served]) -> None:
    (instance / "handlers" / "tell_the_warehouse.py").write_text(_FAILING.replace("retries=0", "retries=3"))
    shop = serve()
    receipt = shop.post(order_fields()).content["receipt"]
    shop.wait_for(lambda: any(row.state == "retrying" for row in shop.rows(HandlerRow)))
    visitor = Visitor(shop.base)
    visitor.sign_in()
    page = visitor.get(f"/admin/orders/{receipt}/progress")
    assert "again" in page.text
    assert "<html" not in page.html


def test_hostile_words_stay_words(shop: Served, visitor: Visitor) -> None:
    long = "W" * 500
    receipt = post(
        shop,
        order_id=_SCRIPT,
        customer_first_name="\u202egnp.evil",
        item_1_name=f'"><img src=x onerror=alert(1)>{long}',
        item_1_options=f"{_SCRIPT}: {_SCRIPT}",
        customer_note=_SCRIPT,
        billing_name=_SCRIPT,
        shipping_method="{{ 7 * 7 }}",
        custom_x=_SCRIPT,
        **{_SCRIPT: _SCRIPT},
    )
    for path in ("/admin/orders", f"/admin/orders/{receipt}", f"/admin/orders?q={_SCRIPT}"):
        page = visitor.get(path)
        assert page.status == 200
        assert _SCRIPT not in page.html
        assert "<img" not in page.html
        assert _SCRIPT in page.text.replace("&lt;", "<")
    assert "{{ 7 * 7 }}" in visitor.get(f"/admin/orders/{receipt}").text


def test_an_open_order_shows_its_end_without_a_reload(
    instance: Path, serve: Callable[..., Served], browse: Callable[..., Browsing]
) -> None:
    gate = instance / "gate"
    (instance / "handlers" / "wait.py").write_text(
        "import time\nfrom pathlib import Path\nfrom receiver.handlers import handler\n"
        f"@handler\ndef wait(order, context):\n    while not Path({str(gate)!r}).exists(): time.sleep(0.05)\n"
    )
    shop = serve()
    receipt = shop.post(order_fields()).content["receipt"]
    person = browse(shop.base)
    person.page.clock.install()
    person.sign_in()
    person.open(f"/admin/orders/{receipt}")
    person.page.get_by_text("The order is open").wait_for()
    gate.touch()
    shop.settled()
    person.page.clock.fast_forward(FOLLOWS_EVERY)
    person.page.get_by_text("The order is done").wait_for()


def test_the_fields_as_received_open_by_keyboard(shop: Served, browse: Callable[..., Browsing]) -> None:
    receipt = post(shop)
    person = browse(shop.base)
    person.sign_in()
    person.open(f"/admin/orders/{receipt}")
    value = person.page.locator("code", has_text="item_1_unit_price")
    assert not value.is_visible()
    person.page.get_by_text("Fields as received (8)").focus()
    person.page.keyboard.press("Enter")
    assert value.is_visible()


def test_the_pages_suit_everybody(shop: Served, browse: Callable[..., Browsing]) -> None:
    person = browse(shop.base, reduced_motion="reduce")
    person.sign_in()
    person.open("/admin/orders")
    wrong = person.look()
    body = complete_order()
    whole = shop.post(body, headers=signed(body)).content["receipt"]
    hostile = post(shop, order_id="W" * 64, customer_email=f"{'a' * 60}@{'b' * 60}.example", item_1_name="X" * 500)
    parked = shop.post({"OrderRef": "F-77", "N" * 300: "V" * 500}).content["receipt"]
    test = post(shop, test="true")
    for path in ("", "?q=W", *(f"/{receipt}" for receipt in (whole, hostile, parked, test))):
        person.open(f"/admin/orders{path}")
        for summary in person.page.locator("main summary").all():
            summary.click()
        wrong += person.look()
    assert wrong == []
    assert shop.rows(OrderRow)
