"""Every page of the console: reached by links, readable for everybody, on every screen, quick with many orders."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask

from receiver.relay.dummy import dummy_order
from receiver.relay.recording import record
from tests.console.browsing import NARROW, WIDE, Browsing
from tests.console.visitor import Visitor
from tests.console.walking import pages
from tests.served import Served, order_fields

#: Pages that no link leads to: a form answers with them, or they stand for what there is none of.
BEHIND_A_FORM = frozenset({"console.sign_in", "console.no_such_page"})
FOREIGN = {"OrderRef": "7788", "BuyerEmail": "ada@shop.example", "Product1Name": "Mug", "Total": "£1.234,56"}

_BROKEN_HANDLER = """
from receiver.handlers import handler

@handler(retries=0)
def tell_the_warehouse(order, context):
    "Put the order's items on the warehouse's list."
    raise ConnectionError("the warehouse does not answer")
"""


def fill(shop: Served) -> None:
    """Let something of every kind come in: done, failed, parked, ignored, tested, refused, transmitted."""
    shop.post(order_fields(customer_first_name="<script>alert(1)</script>", item_1_name="A" * 300))
    shop.post(order_fields(order_status="cancelled"))
    shop.post(order_fields(test="true"))
    shop.post(FOREIGN)
    shop.post(order_fields(), prove=False)
    kit = shop.kit
    kit.controls.save(enabled=True, url=shop.url, encoding="form", sends_secret_field=True)
    kit.transmissions.send_test()
    with kit.database.write() as session:
        record(session, dummy_order(now=datetime.now(UTC), nonce="x"), now=datetime.now(UTC))
    shop.settled()
    kit.refusals.flush()


@pytest.fixture
def filled(instance: Path, serve: Callable[..., Served]) -> Served:
    """Give a served receiver with something of every kind."""
    (instance / "handlers" / "tell_the_warehouse.py").write_text(_BROKEN_HANDLER)
    shop = serve(RELAY_ALLOW_PRIVATE=True, RETENTION_DAYS=0)
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
    assert wanted - set(found) - BEHIND_A_FORM == set()


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_everybody_can_read_every_page(
    filled: Served, make_app: Callable[..., Flask], browse: Callable[..., Browsing], viewport: dict[str, int]
) -> None:
    """axe finds nothing and nothing scrolls sideways, in both colour schemes."""
    visitor = Visitor(filled.base)
    visitor.sign_in()
    paths = pages(visitor, make_app())
    browsing = browse(filled.base, viewport=viewport)
    browsing.open("/admin/sign-in")
    wrong = browsing.look("light") + browsing.look("dark")
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
        wrong += browsing.look("light") + browsing.look("dark")
    assert wrong == []
