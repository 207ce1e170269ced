"""The fields of an order that its page lists because no rule reads them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import update

from receiver.storage.models import OrderRow
from tests.intake.test_changed_orders import ORDER, SOURCES, post
from tests.served import Served
from tests.web.console.visitor import Visitor

PAGE = "/admin/orders/rcp_00000001"


@pytest.fixture
def shop(serve: Callable[..., Served]) -> Served:
    return serve(sources=SOURCES, work=False)


def unmapped(visitor: Visitor) -> str:
    page = visitor.get(PAGE).html
    return page.partition("Other fields")[2].partition("</section>")[0]


def test_what_the_rules_read_of_the_items_is_mapped(shop: Served, visitor: Visitor) -> None:
    lines = [{"name": "Mug", "quantity": 2, "total": "40.00", "tax_class": "zero"}] * 2
    post(shop, {**ORDER, "line_items": lines, "cart_hash": "77"})
    listed = unmapped(visitor)
    assert "cart_hash" in listed
    assert "line_items[1].tax_class" in listed
    assert "line_items[0].name" not in listed
    assert "line_items[1].quantity" not in listed

    # Handlers have them all the same; and a source that's gone has no rules.
    assert "line_items[0].name" in (shop.rows()[0].order or "")
    with shop.kit.database.write() as session:
        session.execute(update(OrderRow).values(source="gone"))
    assert "line_items[0].name" in unmapped(visitor)


def test_an_order_that_is_mapped_as_a_whole_lists_none(shop: Served, visitor: Visitor) -> None:
    post(shop, {**ORDER, "line_items": [{"name": "Mug", "quantity": 1, "total": "40.00"}]})
    assert "Other fields" not in visitor.get(PAGE).html
