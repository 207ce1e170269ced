"""Refunds, cancellations and changes in the console and on a terminal, beside their order."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import update

from receiver.storage.models import OrderRow
from tests.commanding import runner
from tests.intake.test_changed_orders import CHANGED, ORDER, SOURCES, post
from tests.served import Served, order_fields
from tests.web.console.visitor import Visitor

FIRST, SECOND = "/admin/orders/rcp_00000001", "/admin/orders/rcp_00000002"


@pytest.fixture
def shop(serve: Callable[..., Served]) -> Served:
    return serve(sources=SOURCES)


def refund(shop: Served, order_id: str = "A-1", **fields: str) -> None:
    shop.post({"order_id": order_id, "event": "order.refunded", "currency": "GBP", **fields})


def test_a_refund_and_its_order_lead_to_each_other(shop: Served, visitor: Visitor) -> None:
    shop.post(order_fields(order_id="A-1"))
    refund(shop, refund_total="12.00", refund_id="RF-3")
    shop.settled()

    order = visitor.get(FIRST)
    assert "What happened to it Refunded £12.00 on " in order.text
    assert SECOND in order.html
    assert "came before the order" not in order.text
    page = visitor.get(SECOND)
    assert "Refund of order A-1" in page.text
    assert f'href="{FIRST}"' in page.html
    assert "Refunded £12.00" in page.text
    assert "No handler asks for order.refunded" in page.text
    assert "as-paid" not in page.html
    assert ">refunded</span>" in visitor.get("/admin/orders").html


def test_refunds_without_ids_say_what_went_back_so_far(shop: Served, visitor: Visitor) -> None:
    shop.post(order_fields(order_id="A-1"))
    refund(shop, refund_total="5.00")
    refund(shop, refund_total="7.00")
    shop.settled()
    text = visitor.get(FIRST).text
    assert "Refunded so far: £5.00 on " in text
    assert "Refunded so far: £7.00 on " in text
    assert "Refunded so far £5.00" in visitor.get(SECOND).text


def test_what_came_before_its_order_is_tied_to_it_too(shop: Served, visitor: Visitor) -> None:
    shop.post({"order_id": "A-1", "event": "order.cancelled"})
    shop.settled()
    page = visitor.get(FIRST)
    assert "Its order hasn't come yet" in page.text
    assert f"{FIRST}/as-paid" in page.html

    shop.post(order_fields(order_id="A-1"))
    shop.settled()
    assert shop.handler_states()["email_customer"] == "done"
    assert "It came before the order, whose handlers ran all the same." in visitor.get(SECOND).text
    page = visitor.get(FIRST)
    assert "The order came later." in page.text
    overview = visitor.get("/admin/")
    assert "Order A-1 came after its cancellation" in overview.text
    assert f'href="{SECOND}"' in overview.html
    assert "as-paid" not in page.html


def test_what_is_of_another_source_or_a_test_is_not_tied(shop: Served, visitor: Visitor) -> None:
    post(shop, ORDER)
    refund(shop, "1001", refund_total="1.00")
    refund(shop, "1001", refund_total="1.00", test="true")
    shop.settled()
    assert "What happened to it" not in visitor.get(FIRST).text


def test_a_change_says_what_changed_on_both_pages(shop: Served, visitor: Visitor) -> None:
    post(shop, ORDER)
    post(shop, CHANGED)
    shop.settled()
    for row in shop.rows():
        assert "Total: 40.00 GBP → 45.00 GBP" in visitor.get(f"/admin/orders/{row.receipt}").text
    assert "Order 1001 was changed after it was paid." in visitor.get("/admin/").text


def test_a_refund_that_names_the_payment_is_tied_by_it(shop: Served, visitor: Visitor) -> None:
    """As Stripe sends it: a charge knows no session."""
    shop.post(order_fields(order_id="cs_1", payment_reference="pi_1"))
    shop.post(order_fields(order_id="cs_2", payment_reference="pi_2"))
    refund(shop, "pi_2", refund_total="3.00", customer_email="ada@shop.example")
    shop.settled()
    assert "What happened to it" not in visitor.get(FIRST).text
    assert "Refunded so far: £3.00" in visitor.get(SECOND).text
    assert f'href="{SECOND}"' in visitor.get("/admin/orders/rcp_00000003").html
    refund(shop, "pi_9", customer_email="ada@shop.example")
    assert "hasn't come yet" in visitor.get("/admin/orders/rcp_00000004").text


def test_a_terminal_shows_them_and_finds_the_order_by_its_id(shop: Served, make_app: Callable[..., Flask]) -> None:
    shop.post(order_fields(order_id="A-1"))
    refund(shop, refund_total="12.00")
    shop.settled()
    run = runner(make_app)
    order = json.loads(run("orders", "show", "A-1").stdout)
    assert (order["event"], order["about"]) == ("order.completed", None)
    assert [(one["receipt"], one["event"], one["total"]) for one in order["later_events"]] == [
        ("rcp_00000002", "order.refunded", "12.00")
    ]
    later = json.loads(run("orders", "show", "rcp_00000002").stdout)
    assert (later["about"], later["later_events"]) == ("rcp_00000001", [])


def test_overview_counts_them_apart_from_orders(shop: Served, visitor: Visitor) -> None:
    shop.post(order_fields(order_id="A-1"))
    refund(shop, refund_total="12.00")
    shop.settled()
    text = visitor.get("/admin/").text
    assert "Received 1 Done 1" in text
    assert "Refunds 1" in text
    assert "Cancellations" not in text


def test_one_that_was_only_kept_by_an_older_release_can_be_read_again(shop: Served, visitor: Visitor) -> None:
    refund(shop, refund_total="12.00")
    shop.settled()
    with shop.kit.database.write() as session:
        session.execute(update(OrderRow).values(state="ignored"))
    page = visitor.get(FIRST)
    assert "It was only kept: no handler ran." in page.text
    shop.post(order_fields(order_id="A-1"))
    assert "Refunded on " in visitor.get(SECOND).text
    assert "Not a completed order" not in page.text
    visitor.post(f"{FIRST}/run", token=page.token)
    assert [row.state for row in shop.settled()] == ["done", "done"]
    assert "Refunded so far: £12.00 on " in visitor.get(SECOND).text


def test_they_can_be_listed_alone(shop: Served, visitor: Visitor, make_app: Callable[..., Flask]) -> None:
    run = runner(make_app)
    assert "No order was refunded, cancelled or changed." in visitor.get("/admin/orders?which=later").text
    assert "No order was refunded, cancelled or changed." in run("orders", "list", "--later").stdout
    shop.post(order_fields(order_id="A-1"))
    refund(shop, refund_total="12.00")
    shop.settled()
    page = visitor.get("/admin/orders?which=later")
    assert ("rcp_00000002" in page.html, "rcp_00000001" in page.html) == (True, False)
    (row,) = json.loads(run("orders", "list", "--later", "--json").stdout)
    assert (row["receipt"], row["event"]) == ("rcp_00000002", "order.refunded")


@pytest.mark.parametrize(
    ("events", "said"),
    [
        (["order.refunded"], '@handler(events=("order.refunded",))'),
        (["order.refunded", "order.updated"], '@handler(events=("order.refunded", "order.updated"))'),
        ([], "@handler\n"),
    ],
)
def test_a_handler_of_theirs_can_be_begun(
    shop: Served, make_app: Callable[..., Flask], events: list[str], said: str
) -> None:
    run = runner(make_app)
    options = [option for event in events for option in ("--event", event)]
    assert run("handlers", "new", "mine", *options).exit_code == 0
    assert said in (shop.kit.instance / "handlers" / "mine.py").read_text("utf-8")
    result = run("handlers", "run", "mine", "--dummy", "--dry-run", "--json")
    assert (result.exit_code, json.loads(result.stdout)["state"]) == (0, "done")
