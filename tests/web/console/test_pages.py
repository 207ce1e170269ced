"""Every page of the console: reached by links, readable for everybody, on every screen, quick with many orders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from tests.served import Served
from tests.web.console.browsing import NARROW, WIDE, Browsing
from tests.web.console.filling import BROKEN_HANDLER, fill
from tests.web.console.visitor import Visitor
from tests.web.console.walking import pages

#: Pages that no link leads to: a form answers with them, or they say that there's no such page.
BEHIND_A_FORM = frozenset({"console.sign_in", "console.no_such_page"})
#: A website that customers are handed to, and that nobody answers at.
WEBSITE = {"url": "http://127.0.0.1:1/users", "allow_private": True, "body": {"email": "{email}"}}
#: Parts of a page, which it fetches again while it's open.
PARTS = frozenset({"console.overview_figures", "console.orders_progress", "console.sources_arrivals"})


@pytest.fixture
def filled(instance: Path, serve: Callable[..., Served]) -> Served:
    """Return a served receiver with something of every kind."""
    (instance / "handlers" / "tell_the_warehouse.py").write_text(BROKEN_HANDLER)
    shop = serve(RELAY_ALLOW_PRIVATE=True, RETENTION_DAYS=0, REGISTRAR="http", registrar=WEBSITE)
    fill(shop)
    return shop


def test_links_lead_to_every_page(filled: Served, make_app: Callable[..., Flask]) -> None:
    app = make_app()
    visitor = Visitor(filled.base)
    visitor.sign_in()
    found = pages(visitor, app)
    wanted = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/admin") and "GET" in (rule.methods or set())
    }
    assert wanted - set(found) - BEHIND_A_FORM - PARTS == set()


def test_short_words_are_not_broken_and_what_is_empty_takes_no_room(
    filled: Served, browse: Callable[..., Browsing]
) -> None:
    browsing = browse(filled.base, viewport=WIDE)
    browsing.sign_in()
    for path in ("/admin/mail", "/admin/orders", "/admin/orders/rcp_00000001", "/admin/order-manager"):
        browsing.page.set_viewport_size(WIDE)
        browsing.open(path)
        _keeps_words_and_room(browsing)


def _keeps_words_and_room(browsing: Browsing) -> None:
    short = browsing.page.locator("tbody .short")
    lines = short.evaluate_all(
        "all => all.map((one) => [...one.querySelectorAll('*')].at(-1) ?? one)"
        ".map((one) => one.getClientRects().length)"
    )
    assert set(lines) == {1}
    for width in (320, 740, 800, 900):
        browsing.page.set_viewport_size({"width": width, "height": 640})
        assert browsing.page.evaluate("document.documentElement.scrollWidth") <= width
    browsing.page.set_viewport_size({"width": NARROW["width"], "height": NARROW["height"]})
    assert browsing.page.locator("td:has(> div:empty)").locator("visible=true").count() == 0


def test_everybody_can_read_every_page(
    filled: Served, make_app: Callable[..., Flask], browse: Callable[..., Browsing]
) -> None:
    visitor = Visitor(filled.base)
    visitor.sign_in()
    paths = pages(visitor, make_app())
    browsing = browse(filled.base)
    browsing.open("/admin/sign-in")
    wrong = browsing.look()
    browsing.sign_in()
    for path in [*paths.values(), "/admin/no-such-page"]:
        answer = browsing.page.request.get(filled.base + path)
        if (
            "html" not in answer.headers["content-type"]
            or answer.headers["content-security-policy"].find("sandbox") >= 0
        ):
            continue
        browsing.open(path)
        browsing.page.evaluate("document.querySelectorAll('main details').forEach((part) => { part.open = true; })")
        wrong += browsing.look()
    assert wrong == []
