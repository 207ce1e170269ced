"""Received → Parked: the list, Map parameters, and running all of it."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update
from werkzeug.test import TestResponse

from receiver.sources import saved_options
from receiver.storage.models import MailRow, OrderRow
from receiver.web.console import parked_runs as page_of_runs
from tests.effort import steps
from tests.served import SECRET, Served, order_fields
from tests.web.console.browsing import Browsing
from tests.web.console.visitor import Page, Visitor

FOREIGN = {
    "OrderRef": "77-A",
    "BuyerEmail": "zoe@kunde.de",
    "Product1Name": "Enamel mug",
    "Product1Qty": "2",
    "Product1Price": "617,28",
    "OrderDate": "23/11/2026",
    "Total": "£1.234,56",
    "Country": "UK",
    "AuthKey": SECRET,
}
#: Saves a mapping of a shop that sends only paid orders.
SAVE = {"do": "save", "only_paid": "yes"}
MAP = "/admin/parked/rcp_00000001/map"


def park(shop: Served, **changes: str) -> str:
    reply = shop.post({**FOREIGN, **changes}, prove=False)
    assert reply.content["status"] == "parked"
    return str(reply.content["receipt"])


def saved(shop: Served) -> dict[str, Any]:
    return saved_options.by_source(saved_options.read(shop.kit.database).rules).get("shopintegrator", {})


def chosen(page: Page) -> dict[str, str]:
    """Return what's filled in on Map parameters, as the form would send it; empty inputs are left out."""
    sent = {}
    for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', page.html, re.DOTALL):
        if found := re.search(r'<option value="([^"]*)" selected>', options):
            sent[html.unescape(name)] = html.unescape(found[1])
    for name, text in re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>\n?(.*?)</textarea>', page.html, re.DOTALL):
        sent[html.unescape(name)] = html.unescape(text)
    for name, value in re.findall(r'<input[^>]* name="([^"]+:[^"]+)" value="([^"]*)"', page.html):
        sent[html.unescape(name)] = html.unescape(value)
    return {name: value for name, value in sent.items() if value}


def names(*given: str) -> str:
    return json.dumps(given)


def test_the_list_shows_what_is_parked_and_what_is_wrong(shop: Served, visitor: Visitor) -> None:
    shop.post(order_fields(order_id="UNDERSTOOD"))
    receipt = park(shop)
    park(shop, OrderRef="78-A")
    page = visitor.get("/admin/parked")
    assert "2 orders are waiting" in page.text
    assert page.text.index("rcp_00000003") < page.text.index(receipt)
    assert "order_id is missing: send the order's unique id" in page.text
    assert f"/admin/parked/{receipt}/map" in page.html
    assert "rcp_00000001" not in page.text


def test_a_long_list_is_read_in_pages(serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    for number in range(52):
        shop.post({"OrderRef": str(number)})
    visitor = Visitor(shop.base)
    visitor.sign_in()
    first = visitor.get("/admin/parked")
    assert ("rcp_00000003" in first.text, "rcp_00000002" in first.text) == (True, False)
    older = visitor.get("/admin/parked?before=3")
    assert ("rcp_00000003" in older.text, "rcp_00000002" in older.text) == (False, True)


def test_where_nothing_is_parked_the_page_says_what_would_be(visitor: Visitor) -> None:
    assert "-d OrderRef=A-1" in visitor.get("/admin/parked").text
    assert "No parked orders" in visitor.get("/admin/parked/run").text
    assert "No orders were parked." in visitor.post("/admin/parked/run").text


def test_suggestions_are_filled_in_and_make_the_order_when_tried(shop: Served, visitor: Visitor) -> None:
    park(shop)
    page = visitor.get(MAP)
    form = chosen(page)
    assert form["order_id:from"] == names("OrderRef")
    assert form["items[].name:from"] == names("Product{n}Name")
    assert (form["order_date:date"], form["total:decimal"], form["currency:value"]) == ("%d/%m/%Y", ",", "GBP")
    assert page.text.count("suggested") == len([name for name in form if name.endswith(":from")]) + 1

    tried = visitor.post(MAP, form | {"do": "try"})
    assert tried.status == 200
    assert "Tried on this order: understood" in tried.text
    assert "total 1234.56 Total" in tried.text
    assert "processed normally: zoe@kunde.de would be told of order 77-A over 1234.56 GBP." in tried.text
    assert "No word says that the order is paid" in tried.text
    assert "Kept but not mapped: AuthKey" in tried.text
    assert SECRET not in page.html + tried.html
    assert chosen(tried) == form
    assert saved(shop) == {}
    assert shop.rows()[0].state == "parked"


def test_what_is_saved_is_read_so_at_once_and_what_is_emptied_is_gone(shop: Served, visitor: Visitor) -> None:
    park(shop)
    form = chosen(visitor.get(MAP))
    page = visitor.post(MAP, form | SAVE)
    assert page.url.endswith("/admin/parked/run")
    assert "Saved: 9 fields are mapped." in page.text
    assert "Ready to run 1 of 1" in page.text
    assert saved(shop)["billing.country"] == "Country"
    assert shop.post(FOREIGN | {"OrderRef": "78-A"}, prove=False).content["status"] == "accepted"

    assert chosen(visitor.get(MAP)) == form
    assert "One field is" not in page.text
    assert "Saved: 1 field is mapped." in visitor.post(MAP, {"order_id:from": names("OrderRef"), **SAVE}).text
    assert saved(shop) == {"order_id": "OrderRef"}


def test_every_way_of_writing_a_rule_can_be_filled_in_and_comes_back(shop: Served, visitor: Visitor) -> None:
    park(shop)
    rules = {
        "order_id": ["OrderRef", "Older\nName"],
        "order_date": {"from": "OrderDate", "date": "%d*%m*%Y", "zone": "Europe/London"},
        "currency": {"from": "Cur", "value": "GBP", "words": {"a=b": "EUR"}},
        "subtotal": {"from": ["A", "B"], "sum": True},
        "order_status": {"from": "State", "words": {"x": "paid"}, "other": "pending"},
        "items": "$.lines[*]",
        "items[].name": "@.name",
        "items[].options.Colour": "Product{n}Colour",
        "custom.gift": "Gift",
    }
    with shop.kit.database.write() as session:
        saved_options.save_rules(session, "shopintegrator", rules, datetime.now(UTC))
    form = chosen(visitor.get(MAP))
    kept = {name: value for name, value in form.items() if name.rpartition(":")[0] in rules}
    assert "suggested instead: order_date = " in visitor.get(MAP).text
    visitor.post(MAP, kept | SAVE)
    assert saved(shop) == rules


def test_a_field_that_the_file_names_is_shown_and_cannot_be_changed(
    serve: Callable[..., Served], instance: Path
) -> None:
    (instance / "config.toml").write_text('[sources.shopintegrator.fields]\n"customer.email" = ["BuyerEmail", "m"]\n')
    shop = serve(work=False)
    park(shop)
    visitor = Visitor(shop.base)
    visitor.sign_in()
    page = visitor.get(MAP)
    assert '"customer.email" = ["BuyerEmail", "m"] Set in config.toml' in page.text
    assert "customer.email:from" not in page.html
    sent = {
        "customer.email:from": names("Country"),
        "order_id:from": names("OrderRef"),
        "do": "save",
        "only_paid": "yes",
    }
    visitor.post(MAP, sent)
    assert saved(shop) == {"order_id": "OrderRef"}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"order_date:from": names("OrderDate"), "order_date:zone": "UTC"}, "has a zone, which is only for a date"),
        (
            {"order_date:from": names("OrderDate"), "order_date:date": "%d", "order_date:zone": ""},
            "year, month and day",
        ),
        ({"currency:value": "pounds"}, "must be an ISO 4217 code"),
        ({"billing.country:from": names("Country"), "billing.country:words": "UK"}, 'such as "UK = GB"'),
        ({"total:from": names("Total"), "total:more": "minor"}, 'such as "minor = true"'),
        ({"total:from": names("Total"), "total:more": "minor = true}\nx = {y = 1"}, 'such as "minor = true"'),
        ({"total:from": names("Total"), "total:more": "cents = true"}, "remove 'cents'"),
        ({"total:from": "not JSON"}, "has a name that isn't in the list"),
        ({"total:from": "[3]"}, "has a name that isn't in the list"),
        ({"items[].name:other": "Product1Name"}, "needs {n} or []"),
        ({"total:from": names("Total"), "total:decimal": ";"}, "needs decimal"),
    ],
)
def test_a_wrong_row_is_named_and_nothing_is_saved(
    shop: Served, visitor: Visitor, wrong: dict[str, str], told: str
) -> None:
    park(shop)
    page = visitor.post(MAP, {"order_id:from": names("OrderRef"), **wrong, **SAVE})
    assert page.status == 422
    assert "Nothing was saved" in page.text
    assert told in page.text
    assert saved(shop) == {}


def test_a_name_that_is_not_in_the_list_can_be_typed(shop: Served, visitor: Visitor) -> None:
    park(shop)
    visitor.post(MAP, {"order_id:from": names("OrderRef"), "order_id:other": "NextYearsRef", **SAVE})
    assert saved(shop) == {"order_id": "NextYearsRef"}


def test_what_no_page_sends_for_a_name_is_a_wrong_row(shop: Served, visitor: Visitor) -> None:
    park(shop)
    page = visitor.post(MAP, {"order_id:from": "[" * 100_000, **SAVE})
    assert (page.status, "has a name that isn't in the list" in page.text) == (422, True)


def test_saving_what_does_not_suffice_says_what_is_still_missing(shop: Served, visitor: Visitor) -> None:
    receipt = park(shop)
    page = visitor.post(MAP, {"customer.email:from": names("BuyerEmail"), **SAVE})
    assert "Saved: 1 field is mapped." in page.text
    assert f"{receipt} still isn't understood: order_id is missing: send the order's unique id" in page.text
    assert "Ready to run 0 of 1" in page.text
    assert 'class="primary" data-busy="Running' not in page.html


def test_of_many_things_still_wrong_the_first_are_named(shop: Served, visitor: Visitor) -> None:
    park(shop, a="x", b="x", c="x", d="x")
    fields = {"total": "a", "subtotal": "b", "shipping_total": "c", "tax_total": "d"}
    page = visitor.post(MAP, {f"{field}:from": names(name) for field, name in fields.items()} | SAVE)
    assert re.search(r"still isn't understood: .*; and \d more\.", page.text)


def test_only_a_parked_order_and_a_whole_form_can_be_saved(shop: Served, visitor: Visitor) -> None:
    park(shop)
    page = visitor.post(MAP, {**SAVE})
    assert (page.status, "The form was empty" in page.text) == (400, True)
    shop.post(order_fields(order_status="pending", payment_status=""))  # ignored, whatever a worker does meanwhile
    page = visitor.post(MAP.replace("0001", "0002"), {"order_id:from": names("OrderRef"), **SAVE})
    assert (page.status, "rcp_00000002 isn't parked any more" in page.text) == (409, True)
    assert saved(shop) == {}


def test_an_order_that_would_be_ignored_says_so(shop: Served, visitor: Visitor) -> None:
    park(shop, Paid="unpaid")
    sent = {"order_id:from": names("OrderRef"), "payment_status:from": names("Paid"), "total:from": names("Country")}
    assert "Country must be a plain decimal number" in visitor.post(MAP, sent).text
    del sent["total:from"]
    assert "It would be ignored because it isn't a completed order (unpaid)." in visitor.post(MAP, sent).text


def test_hostile_names_and_values_are_only_text(shop: Served, visitor: Visitor) -> None:
    evil = '"><script>alert(1)</script>'
    park(shop, **{evil: evil, "a\nb\r\nc": "x", "n" * 5000: "long", "{n}": "1", "": "empty"})
    page = visitor.get(MAP)
    assert page.status == 200
    assert "<script>alert" not in page.html
    visitor.post(MAP, {"order_id:from": names("a\nb\r\nc"), "total:other": evil, **SAVE})
    assert saved(shop) == {"order_id": "a\nb\r\nc", "total": evil}
    assert "<script>alert" not in visitor.get(MAP).html


def parameters(most: int) -> dict[str, str]:
    return {f"Some{'abcdefghij'[n % 10]}Name{chr(97 + n // 26 % 26)}{n}": "x" for n in range(most)}


def test_two_thousand_fields_do_not_break_it(shop: Served, visitor: Visitor) -> None:
    reply = shop.post(parameters(2000))
    page = visitor.get(f"/admin/parked/{reply.content['receipt']}/map")
    assert page.status == 200
    assert len(page.html) < 3_000_000
    assert "Received parameters (2000)" in page.text
    offered = page.html.partition('<datalist id="names">')[2].partition("</datalist>")[0]
    assert offered.count("<option") == 2000


def test_twice_the_fields_are_twice_the_work(shop: Served, visitor: Visitor, make_app: Callable[..., Flask]) -> None:
    client = make_app().test_client(use_cookies=False)
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())

    def work(most: int) -> int:
        page = f"/admin/parked/{shop.post(parameters(most)).content['receipt']}/map"
        answers: list[TestResponse] = []
        counted = steps(lambda: answers.append(client.get(page, base_url=shop.base, headers={"Cookie": cookies})))
        assert answers[0].text.count("<option") > most
        return counted

    work(100)
    assert work(1000) < 2.5 * work(500)


def test_an_unknown_receipt_or_source_is_told(shop: Served, visitor: Visitor) -> None:
    assert visitor.get("/admin/parked/rcp_00000009/map").status == 404
    park(shop)
    with shop.kit.database.write() as session:
        session.execute(update(OrderRow).values(source="gone"))
    page = visitor.get(MAP)
    assert (page.status, "No source has this name" in page.text) == (404, True)


def test_all_parked_orders_are_run_with_the_chosen_handlers(shop: Served, visitor: Visitor) -> None:
    receipts = [park(shop, OrderRef=f"R-{number}") for number in range(3)]
    shop.post({"Nothing": "known"})
    visitor.post(MAP, chosen(visitor.get(MAP)) | SAVE)
    with shop.kit.database.write() as session:
        old = datetime.now(UTC) - timedelta(days=12, minutes=1)
        session.execute(update(OrderRow).where(OrderRow.id == 1).values(received_at=old))
    page = visitor.get("/admin/parked/run")
    assert "Parked 4 orders" in page.text
    assert "Ready to run 3 of 4; the others stay parked" in page.text
    assert "Off by default: the oldest order is 12 days old, and this handler emails the customer." in page.text
    ticked = re.findall(r'name="handler" value="([^"]+)" checked', page.html)
    assert ticked == ["register_customer", "notify_merchant"]

    body = "&".join(f"handler={name}" for name in ticked)
    page = visitor.request(
        "POST",
        "/admin/parked/run",
        body=f"csrf_token={page.token}&{body}",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert "3 are running now, 1 is still parked." in page.text
    states = [row.state for row in shop.settled()]
    assert states == ["done", "done", "done", "parked"]
    assert {row.handler for row in shop.rows(MailRow) if row.handler} == {"notify_merchant"}  # others are alerts
    assert len(receipts) == 3


def test_many_are_run_a_moment_at_a_time(serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_of_runs, "_SECONDS", 0.0)
    shop = serve(work=False)
    for number in range(3):
        park(shop, OrderRef=f"R-{number}")
    visitor = Visitor(shop.base)
    visitor.sign_in()
    visitor.post(MAP, chosen(visitor.get(MAP)) | SAVE)
    page = visitor.post("/admin/parked/run", {"handler": "register_customer"})
    assert "1 of 3 orders read again" in page.text
    for expected in ("2 of 3 orders read again", "3 are running now."):
        sent = dict(re.findall(r'<input type="hidden" name="([a-z]+)" value="([^"]*)">', page.html))
        page = visitor.post("/admin/parked/run", sent)
        assert expected in page.text
    assert [row.state for row in shop.rows()] == ["open"] * 3


def walk(shop: Served, person: Browsing) -> None:
    """Go from the menu to Map parameters, try, save and run by clicking."""
    person.sign_in()
    page = person.page
    page.locator(".menu summary", has_text="Received").click()
    page.get_by_role("link", name="Parked", exact=True).click()
    page.get_by_role("link", name="Map parameters").first.click()
    page.get_by_role("button", name="Try on this order").click()
    page.get_by_role("heading", name="Tried on this order: understood").wait_for()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="which word means paid?").click()
    page.get_by_label("No parameter says so: the shop sends only paid orders").check()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved: 9 fields are mapped.").wait_for()
    page.get_by_role("button", name="Run all parked orders").click()
    page.get_by_text("1 is running now.").wait_for()
    shop.settled()


@pytest.mark.parametrize("javascript", [True, False])
def test_a_parked_order_is_mapped_and_handled_by_clicking(
    shop: Served, browse: Callable[..., Browsing], *, javascript: bool
) -> None:
    park(shop)
    walk(shop, browse(shop.base, java_script_enabled=javascript))
    (row,) = shop.rows()
    assert (row.state, row.order_id, row.total, row.currency) == ("done", "77-A", "1234.56", "GBP")
    order = json.loads(row.order)
    assert (order["billing"]["country"], order["order_date"][:10]) == ("GB", "2026-11-23")
    assert shop.handler_states() == {"register_customer": "done", "email_customer": "done", "notify_merchant": "done"}
    accepted = shop.post(FOREIGN | {"OrderRef": "78-A"}, prove=False)
    assert (accepted.status, accepted.content["status"]) == (202, "accepted")


def test_a_run_of_many_goes_on_by_itself(
    shop: Served, browse: Callable[..., Browsing], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_of_runs, "_SECONDS", 0.0)
    for number in range(4):
        park(shop, OrderRef=f"R-{number}")
    person = browse(shop.base)
    person.sign_in()
    person.open(MAP)
    person.page.get_by_label("No parameter says so: the shop sends only paid orders").check()
    person.page.get_by_role("button", name="Save").click()
    person.page.get_by_role("button", name="Run all parked orders").click()
    person.page.get_by_text("4 are running now.").wait_for()
    assert {row.state for row in shop.settled()} == {"done"}


def test_the_pages_look_right(shop: Served, browse: Callable[..., Browsing]) -> None:
    park(shop, **{"Long" * 40: "x" * 300})
    person = browse(shop.base)
    person.sign_in()
    wrong = []
    for path in ("/admin/parked", "/admin/parked/run"):
        person.open(path)
        wrong += person.look()
    person.open(MAP)
    for folded in person.page.locator("details").all()[::-1]:
        folded.evaluate("one => { one.open = !one.closest('.menu') }")
    person.page.get_by_role("button", name="Try on this order").click()
    person.page.get_by_text("Tried on this order").wait_for()
    for folded in person.page.locator("main details").all():
        folded.evaluate("one => { one.open = true }")
    wrong += person.look()
    assert wrong == []


def test_map_parameters_takes_a_form_of_many_fields_and_no_endless_one(shop: Served, visitor: Visitor) -> None:
    """Its limits are wider than those of other pages: a field of an order has seven inputs there."""
    park(shop)
    many = {f"custom.c{number}:from": '["a"]' for number in range(3_000)}

    assert visitor.post(MAP, {"order_id:other": "OrderRef"} | many).status == 200
    for too_much in ({"order_id:words": "b" * 1_100_000}, {f"f{number}": "" for number in range(10_001)}):
        page = visitor.post(MAP, too_much)
        assert (page.status, "The form is too large" in page.text) == (413, True)
    page = Visitor(shop.base).post(MAP, {"order_id:words": "b" * 1_100_000}, token="none")
    assert (page.status, "Your sign-in has ended" in page.text) == (401, True)
