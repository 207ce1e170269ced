"""An ignored order runs as paid, from the console and from a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from flask import Flask

from tests.commanding import runner
from tests.served import Served, order_fields
from tests.web.console.visitor import Visitor

AS_PAID = "/admin/orders/rcp_00000001/as-paid"


@pytest.fixture
def shop(serve: Callable[..., Served]) -> Served:
    """Serve with an order that's not paid yet, a test of one, and one that ran."""
    shop = serve(work=False)
    shop.post(order_fields(order_id="A-1", payment_status="pending"))
    shop.post(order_fields(order_id="A-2", payment_status="pending", test="true"))
    shop.post(order_fields(order_id="A-3"))
    return shop


def test_it_runs_after_a_look_and_the_paid_one_is_its_copy(shop: Served, visitor: Visitor) -> None:
    assert AS_PAID in visitor.get("/admin/orders/rcp_00000001").html
    page = visitor.get(AS_PAID)
    assert "State pending" in page.text
    assert shop.rows()[0].state == "ignored"
    assert "Its handlers are running now." in visitor.post(AS_PAID).text
    row = shop.rows()[0]
    assert (row.state, row.decided) == ("open", "completed")
    assert "run as paid by hand" in json.loads(row.notes)
    paid = shop.post(order_fields(order_id="A-1", payment_status="paid"))
    assert paid.content["status"] == "duplicate"


def test_where_it_has_been_paid_already_it_is_a_duplicate(shop: Served, visitor: Visitor) -> None:
    shop.post(order_fields(order_id="A-1"))
    assert "duplicate of rcp_00000004" in visitor.post(AS_PAID).text


@pytest.mark.parametrize(("receipt", "said"), [("rcp_00000002", "is a test"), ("rcp_00000003", "is open")])
def test_only_an_ignored_real_order_runs_as_paid(shop: Served, visitor: Visitor, receipt: str, said: str) -> None:
    before = [row.state for row in shop.rows()]
    assert said in visitor.post(f"/admin/orders/{receipt}/as-paid").text
    assert [row.state for row in shop.rows()] == before
    assert "as-paid" not in visitor.get(f"/admin/orders/{receipt}").html


def test_a_terminal_can_do_it_too(shop: Served, make_app: Callable[..., Flask]) -> None:
    run = runner(make_app)
    assert "--as-paid is for ignored orders" in run("orders", "replay", "--parked", "--as-paid").stderr
    assert run("orders", "replay", "rcp_00000001", "--as-paid").exit_code == 0
    assert run("orders", "replay", "rcp_00000003", "--as-paid").exit_code == 1
    assert shop.rows()[0].state == "open"
