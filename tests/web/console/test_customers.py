"""Customers: found by their email address, shown, exported and erased."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from receiver.customers import csv_list, records
from receiver.orders import Customer, Order
from receiver.storage.account_models import RegistrationRow
from receiver.storage.models import CustomerRow
from tests.customers.registrars.websites import Website, website
from tests.served import Served, order_fields
from tests.web.console.browsing import NARROW, Browsing
from tests.web.console.visitor import Visitor

ADDRESS = {"billing_name": "Ada Lovelace", "billing_line1": "12 St James's Square", "billing_city": "London"}


@pytest.fixture
def file_site(tmp_path: Path) -> Iterator[Website]:
    """Return a website's table of users in a file."""
    with website("sqlite", tmp_path) as found:
        yield found


@pytest.fixture
def ada(shop: Served) -> Served:
    """Return a shop where Ada has bought."""
    shop.post(order_fields(customer_last_name="Lovelace", customer_accepts_marketing="true", **ADDRESS))
    shop.settled()
    return shop


def register(shop: Served, *emails: str) -> None:
    with shop.kit.database.write() as session:
        for email in emails:
            order = Order(order_id="A-1", order_date=datetime.now(UTC), customer=Customer(email=email))
            records.apply_order(session, order, now=datetime.now(UTC))


def listed(html: str) -> list[str]:
    return re.findall(r'href="/admin/customers/\d+"><bdi>([^<]+)</bdi>', html)


def test_the_list_shows_who_was_registered(ada: Served, visitor: Visitor) -> None:
    text = visitor.get("/admin/customers").text
    assert "ada@shop.example Ada Lovelace" in text
    assert "subscribed" in text


def test_an_empty_list_says_what_to_do(visitor: Visitor) -> None:
    text = visitor.get("/admin/customers").text
    assert "No customers yet" in text
    assert "Help → Set-up" in text


def test_customers_are_searched_by_any_part_of_what_is_known_of_them(shop: Served, visitor: Visitor) -> None:
    register(shop, "zoe@kunde.de", "ada@kunde.de", "zora@kunde.de")
    shop.post(
        order_fields(customer_last_name="Müller-Łukasz", customer_company="Töchter GmbH", customer_phone="+49 30 99")
    )
    shop.settled()
    assert listed(visitor.get("/admin/customers?q=%20ZO").html) == ["zora@kunde.de", "zoe@kunde.de"]
    for words in ("LUKASZ", "ada m%C3%BCller", "tochter", "30 99", "da@shop"):
        assert listed(visitor.get(f"/admin/customers?q={words}").html) == ["ada@shop.example"], words
    assert listed(visitor.get("/admin/customers?q=%23").html) == []
    page = visitor.get("/admin/customers?q=<script>")
    assert "No matching customers" in page.text
    assert "<script>alert" not in page.html


def test_those_who_are_subscribed_are_listed_alone_and_in_a_file_that_holds_no_formula(
    shop: Served, visitor: Visitor
) -> None:
    register(shop, "zoe@kunde.de")
    shop.post(order_fields(customer_first_name="=1+1", customer_accepts_marketing="true", total="19.99"))
    shop.settled()
    assert len(listed(visitor.get("/admin/customers").html)) == 2
    page = visitor.get("/admin/customers?subscribed=yes")
    assert listed(page.html) == ["ada@shop.example"]
    (link,) = re.findall(r'href="([^"]+)" download', page.html)
    rows = list(csv.DictReader(visitor.get(link).html.removeprefix("\ufeff").splitlines()))
    assert [(row["email"], row["first_name"], row["orders"], row["subscribed"]) for row in rows] == [
        ("ada@shop.example", "'=1+1", "1", "yes")
    ]
    assert rows[0]["consent_source"].startswith("order ")
    every = list(csv.DictReader(visitor.get("/admin/customers.csv?q=kunde").html.removeprefix("\ufeff").splitlines()))
    assert [(row["email"], row["subscribed"], row["consent_at"]) for row in every] == [("zoe@kunde.de", "no", "")]
    visitor.post("/admin/customers/2/withdraw")
    assert "No subscribed customers" in visitor.get("/admin/customers?subscribed=yes").text


def test_a_file_of_many_customers_is_read_in_batches(
    shop: Served, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_list, "_BATCH", 2)
    register(shop, *(f"c{number}@kunde.de" for number in range(5)))
    lines = visitor.get("/admin/customers.csv").html.splitlines()
    assert [line.partition("@")[0] for line in lines[1:]] == ["c4", "c3", "c2", "c1", "c0"]


def test_a_long_list_is_read_in_pages(shop: Served, visitor: Visitor) -> None:
    register(shop, *(f"c{number}@kunde.de" for number in range(51)))
    first = visitor.get("/admin/customers?q=c")
    older = re.search(r'href="([^"]+)" rel="next"', first.html)
    assert older
    second = visitor.get(older[1].replace("&amp;", "&"))
    assert (len(listed(first.html)), listed(second.html)) == (50, ["c0@kunde.de"])
    assert 'rel="prev"' in second.html


def test_a_customers_page_shows_what_is_known(ada: Served, visitor: Visitor) -> None:
    page = visitor.get("/admin/customers/1")
    assert "Ada Lovelace, 12 St James's Square, London" in page.text
    assert "subscribed Unsubscribe since" in page.text
    assert "no password yet" in page.text
    assert 'href="/admin/orders/rcp_00000001"' in page.html
    assert visitor.get("/admin/orders/rcp_00000001").status == 200


def test_consent_is_withdrawn_by_the_merchant(ada: Served, visitor: Visitor) -> None:
    page = visitor.post("/admin/customers/1/withdraw")
    assert "ada@shop.example is unsubscribed from marketing emails." in page.text
    assert "not subscribed" in page.text
    assert "Unsubscribe" not in page.text
    assert "by merchant" in page.text
    assert not ada.rows(CustomerRow)[0].accepts_marketing


def test_consent_at_a_website_is_to_be_withdrawn_there(serve: Callable[..., Served], file_site: Website) -> None:
    shop = serve(REGISTRAR="sql", registrar=file_site.settings())
    register(shop, "zoe@kunde.de")
    person = Visitor(shop.base)
    person.sign_in()
    assert "Unsubscribe them on your website too" in person.post("/admin/customers/1/withdraw").text


def test_a_customer_without_address_or_order_says_so(shop: Served, visitor: Visitor) -> None:
    register(shop, "zoe@kunde.de")
    text = visitor.get("/admin/customers/1").text
    assert "None yet." in text
    assert "No orders. Test orders aren't shown." in text


@pytest.mark.parametrize("path", ["/admin/customers/7", "/admin/customers/7/erase", f"/admin/customers/{10**30}"])
def test_an_unknown_customer_is_said_in_plain_words(visitor: Visitor, path: str) -> None:
    page = visitor.get(path)
    assert page.status == 404
    assert "There's no such customer. They may have been erased." in page.text


def test_an_export_is_a_file(ada: Served, visitor: Visitor) -> None:
    page = visitor.get("/admin/customers/1/export")
    assert page.headers["Content-Disposition"] == 'attachment; filename="customer-1.json"'
    assert json.loads(page.html)["customer"]["last_name"] == "Lovelace"


def test_an_erasure_says_first_what_it_does(ada: Served, visitor: Visitor) -> None:
    text = visitor.get("/admin/customers/1/erase").text
    assert "the customer's details and consent, 1 address, the contents of 1 order, 2 emails" in text
    assert "Kept for the books" in text
    assert len(ada.rows(CustomerRow)) == 1


def test_asking_for_the_headers_alone_erases_nobody(ada: Served, visitor: Visitor) -> None:
    assert visitor.request("HEAD", "/admin/customers/1/erase").status == 200
    assert len(ada.rows(CustomerRow)) == 1


def test_an_erased_customer_is_gone(ada: Served, visitor: Visitor) -> None:
    page = visitor.post("/admin/customers/1/erase")
    assert "Erased ada@shop.example." in page.text
    assert ada.rows(CustomerRow) == []
    assert [row.email for row in ada.rows()] == [None]


def test_an_erased_customers_order_can_still_be_looked_at(ada: Served, visitor: Visitor) -> None:
    visitor.post("/admin/customers/1/erase")
    page = visitor.get("/admin/orders/rcp_00000001")
    assert page.status == 200
    assert "Lovelace" not in page.text
    again = visitor.post("/admin/orders/rcp_00000001/run", {"handler": "register_customer"})
    assert "no longer has personal data" in again.text


def test_hostile_names_are_only_text(shop: Served, visitor: Visitor) -> None:
    shop.post(order_fields(customer_first_name="<img src=x onerror=alert(1)>", customer_last_name="\u202eevil"))
    shop.settled()
    for path in ("/admin/customers", "/admin/customers/1"):
        html = visitor.get(path).html
        assert "&lt;img src=x" in html
        assert "<img src=x" not in html


def at_website(visitor: Visitor) -> str:
    """Return what the customer's page says about the website."""
    return visitor.get("/admin/customers/1").text.partition("Your website")[2].partition(" Orders ")[0]


def test_the_page_says_how_far_the_hand_over_to_the_website_is(
    serve: Callable[..., Served], file_site: Website
) -> None:
    settings = file_site.settings()
    shop = serve(work=False, REGISTRAR="sql", registrar={**settings, "table": "gone"}, RETRY_SCHEDULE=[60])
    visitor = Visitor(shop.base)
    visitor.sign_in()
    register(shop, "zoe@kunde.de")
    assert "Send now Not sent: this customer ordered before REGISTRAR was sql" in at_website(visitor)

    page = visitor.post("/admin/customers/1/register")
    assert "zoe@kunde.de is being sent to your website." in page.text
    assert "open waiting to be sent Attempts none yet Next attempt" in at_website(visitor)
    assert "Try again" not in at_website(visitor)

    assert shop.kit.registrations.run_next()
    said = at_website(visitor)
    for words in ("Try again now State open", "Attempts 1 Last attempt", "Last error", "gone", "Next attempt"):
        assert words in said

    due_at_once(shop)
    assert shop.kit.registrations.run_next()
    said = at_website(visitor)
    assert "Try again now State failed fix the problem, then try again Attempts 2" in said
    assert "Next attempt" not in said

    visitor.post("/admin/customers/1/register")
    registrar, problems = shop.kit.registrars.chosen("sql", settings)
    assert problems == []
    shop.kit.registrations.registrar = registrar
    assert shop.kit.registrations.run_next()
    said = at_website(visitor)
    assert "done up to date on your website Attempts 1 Sent" in said
    assert "Try again" not in said
    assert [row["email"] for row in file_site.rows()] == ["zoe@kunde.de"]


def due_at_once(shop: Served) -> None:
    with shop.kit.database.write() as session:
        session.execute(update(RegistrationRow).values(due_at=datetime.now(UTC)))


def test_without_a_website_nothing_is_said_of_one(ada: Served, visitor: Visitor) -> None:
    assert "Your website" not in visitor.get("/admin/customers/1").text
    assert "no password yet" in visitor.get("/admin/customers/1").text
    page = visitor.post("/admin/customers/1/register")
    assert page.status == 404
    assert "REGISTRAR isn't set to a website" in page.text
    assert ada.rows(RegistrationRow) == []


def test_handing_over_wants_the_forms_token_and_a_customer(serve: Callable[..., Served], file_site: Website) -> None:
    shop = serve(work=False, REGISTRAR="sql", registrar=file_site.settings())
    register(shop, "zoe@kunde.de")
    visitor = Visitor(shop.base)
    visitor.sign_in()
    visitor.post("/admin/customers/1/register", token="made up")
    assert shop.rows(RegistrationRow) == []
    assert visitor.post("/admin/customers/7/register").status == 404
    assert shop.rows(RegistrationRow) == []


def test_erasing_in_the_browser(ada: Served, browse: Callable[..., Browsing]) -> None:
    person = browse(ada.base, viewport=NARROW)
    person.sign_in()
    wrong = []
    person.open("/admin/customers")
    wrong += person.look()
    person.page.get_by_role("link", name="ada@shop.example").click()
    person.page.get_by_role("link", name="Erase…").wait_for()
    wrong += person.look()
    person.page.get_by_role("link", name="Erase…").click()
    person.page.get_by_role("button", name="Erase permanently").wait_for()
    wrong += person.look()
    person.page.get_by_role("button", name="Erase permanently").click()
    person.page.get_by_text("Erased ada@shop.example.").wait_for()
    person.page.get_by_text("No customers yet").wait_for()
    assert wrong + person.look() == []
