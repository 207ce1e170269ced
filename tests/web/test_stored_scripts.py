"""Nothing that anybody sends runs in a browser, whatever field it's in and whatever page shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Dialog

from tests.served import Served
from tests.web.addresses import administrator, customer, mailed_link
from tests.web.console.browsing import Browsing
from tests.web.console.walking import every_page, pages
from tests.web.hostile_texts import Elements, hostile_order, told

#: What a browser keeps as a file instead of showing it.
_FILES = {"console.customers_export", "console.customers_csv", "console.orders_csv"}


@pytest.fixture
def shop(serve: Callable[..., Served], instance: Path) -> Iterator[Served]:
    with told(serve, instance) as found:
        yield found


def test_a_text_is_an_element_on_no_page(shop: Served, make_app: Callable[..., Flask]) -> None:
    visitor = administrator(shop)
    shown = list(every_page(visitor, make_app()))
    html = {path: page.html for path, page in shown if page.headers["Content-Type"].startswith("text/html")}
    assert {path: found for path, text in html.items() if (found := Elements(text).faults)} == {}
    assert sum("&lt;xss-canary" in text for text in html.values()) > 20
    assert sum("&lt;xss-canary" in text for path, text in html.items() if path.endswith("/preview")) > 2
    for path, page in shown:
        assert page.status < 500, path


def test_no_text_runs_in_a_browser(
    shop: Served, make_app: Callable[..., Flask], browse: Callable[..., Browsing]
) -> None:
    paths = pages(administrator(shop), make_app())
    person = browse(shop.base)
    ran: list[str] = []

    def note(dialog: Dialog) -> None:
        ran.append(dialog.message)
        dialog.dismiss()

    person.page.on("dialog", note)
    person.page.on("request", lambda request: ran.append(request.url))
    person.sign_in()
    for endpoint, path in paths.items():
        if endpoint.startswith("console.help") or endpoint in _FILES:
            continue
        person.open(path)
        person.page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
        assert person.page.locator("xss-canary").count() == 0, path
    assert [one for one in ran if not one.startswith(shop.base)] == []


def test_a_customers_pages_show_it_as_text(serve: Callable[..., Served], browse: Callable[..., Browsing]) -> None:
    shop = serve()
    shop.post(hostile_order() | {"customer_email": "ada@shop.example"})
    shop.settled()
    visitor = customer(shop, mailed_link(shop))
    person = browse(shop.base)
    person.page.context.add_cookies(
        [{"name": name, "value": value, "url": shop.base} for name, value in visitor.cookies.items()]
    )
    for path in ("/account/", "/account/orders/rcp_00000001", "/account/details", "/account/password"):
        page = visitor.get(path, follow=False)
        assert (page.status, Elements(page.html).faults) == (200, []), path
        person.open(path)
        assert person.page.locator("xss-canary").count() == 0, path
    assert "&lt;xss-canary" in visitor.get("/account/orders/rcp_00000001").html
