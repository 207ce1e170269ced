"""Reading an order that has run again, from its page in the console."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import update

from receiver.sources import saved_options
from receiver.storage.models import OrderRow
from tests.served import Served, order_fields
from tests.web.console.browsing import Browsing
from tests.web.console.test_parked import SAVE
from tests.web.console.visitor import Visitor

POOR = order_fields(order_id="A-1", BuyerEmail="zoe@buyer.example") | {"customer_email": ""}
ORDER = "/admin/orders/rcp_00000001"
REREAD = f"{ORDER}/reread"


@pytest.fixture
def shop(serve: Callable[..., Served]) -> Served:
    """Serve with an order that was read without its email and ran."""
    shop = serve(work=False)
    shop.post(POOR)
    run(shop)
    return shop


def run(shop: Served) -> None:
    while shop.kit.processor.run_next():
        pass


def map_fields(shop: Served, rules: dict[str, Any]) -> None:
    with shop.kit.database.write() as session:
        saved_options.save_rules(session, "shopintegrator", rules, datetime.now(UTC))


def mark(page: Any) -> str:
    return str(page.html.partition('name="mark" value="')[2].partition('"')[0])


def test_what_changes_is_shown_then_saved_and_skipped_handlers_run(shop: Served, visitor: Visitor) -> None:
    assert REREAD in visitor.get(ORDER).html
    page = visitor.get(REREAD)
    assert "Today's mapping reads it the same, so there's nothing to save." in page.text

    map_fields(shop, {"customer.email": "BuyerEmail"})
    page = visitor.get(REREAD)
    assert "customer.email empty zoe@buyer.example" in page.text
    assert "register_customer, email_customer" in page.text
    assert "notify_merchant (done)" in page.text
    assert "checked" not in page.html
    assert shop.rows()[0].email is None

    assert "Saved as today's mapping reads it." in visitor.post(REREAD, {"mark": mark(page)}).text
    run(shop)
    assert shop.rows()[0].email == "zoe@buyer.example"
    assert shop.handler_states()["email_customer"] == "done"


def test_another_mapping_than_the_one_shown_is_shown_first(shop: Served, visitor: Visitor) -> None:
    map_fields(shop, {"customer.email": "BuyerEmail"})
    page = visitor.get(REREAD)
    map_fields(shop, {"customer.first_name": "BuyerEmail"})
    again = visitor.post(REREAD, {"mark": mark(page)})
    assert "The mapping has changed since this page was opened, so nothing was saved." in again.text
    assert "customer.first_name Ada zoe@buyer.example" in again.text
    assert shop.rows()[0].email is None


def test_an_order_without_personal_data_says_so(shop: Served, visitor: Visitor) -> None:
    with shop.kit.database.write() as session:
        session.execute(update(OrderRow).values(fields="[]"))
    assert REREAD not in visitor.get(ORDER).html
    assert "no longer has personal data, so it can't be read again" in visitor.get(REREAD).text


def test_the_mapping_is_corrected_from_an_order_that_has_run(shop: Served, visitor: Visitor) -> None:
    path = "/admin/parked/rcp_00000001/map"
    assert path in visitor.get(ORDER).html
    page = visitor.post(path, {"customer.email:from": '["BuyerEmail"]', **SAVE})
    assert "Read again with today's mapping" in page.text
    assert "customer.email empty zoe@buyer.example" in page.text


def test_the_page_looks_right(shop: Served, browse: Callable[..., Browsing]) -> None:
    map_fields(shop, {"customer.email": "BuyerEmail"})
    person = browse(shop.base)
    person.sign_in()
    person.open(REREAD)
    assert person.look() == []
    person.page.get_by_role("checkbox", name="notify_merchant (done)").check()
    person.page.get_by_role("button", name="Save this reading").click()
    person.page.get_by_text("Saved as today's mapping reads it.").wait_for()
