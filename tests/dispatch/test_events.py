"""Refunds and cancellations over a real socket: rows of their own, and the handlers that ask for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from receiver.dispatch.replay import Replay
from receiver.errors import NotPossible
from receiver.orders.states import EVENTS
from receiver.storage.models import HandlerRow
from tests.commanding import runner
from tests.served import Served, order_fields

CODE = """
from receiver.handlers import handler


@handler(events=("order.refunded",))
def take_back(order, context):
    return f"{order.event} of {order.order_id}: {order.refund_total} {order.currency}"


@handler(events=("order.refunded", "order.cancelled"))
def close(order, context):
    return order.event
"""


@pytest.fixture
def shop(instance: Path, serve: Callable[..., Served]) -> Served:
    (instance / "handlers" / "refunds.py").write_text(CODE)
    return serve()


def post(shop: Served, order_id: str = "A-1", **fields: str) -> tuple[int, str]:
    reply = shop.post({"order_id": order_id, "currency": "GBP", **fields})
    assert reply.content["receipt"]
    return reply.status, reply.content["status"]


def handled(shop: Served) -> list[tuple[int, str, str, str | None]]:
    return [(one.order_pk, one.name, one.state, one.detail) for one in shop.rows(HandlerRow)]


def test_a_refund_runs_the_handlers_that_ask_for_it_and_no_other(shop: Served) -> None:
    shop.post(order_fields(order_id="A-1"))
    assert post(shop, event="order.refunded", refund_total="12.00") == (202, "accepted")

    sale, refund = shop.settled()
    assert [(row.event, row.state, row.total) for row in (sale, refund)] == [
        ("order.completed", "done", "19.99"),
        ("order.refunded", "done", "12.00"),
    ]
    assert [one[1:] for one in handled(shop) if one[0] == refund.id] == [
        ("take_back", "done", "order.refunded of A-1: 12.00 GBP"),
        ("close", "done", "order.refunded"),
    ]
    assert {one[1] for one in handled(shop) if one[0] == sale.id} == {
        "register_customer",
        "email_customer",
        "notify_merchant",
    }


def test_the_words_of_a_state_make_the_same_event(shop: Served) -> None:
    assert post(shop, payment_status="Partially_Refunded", total="19.99", refund_total="5") == (202, "accepted")
    assert post(shop, order_status="cancelled", total="19.99") == (202, "accepted")

    refund, cancellation = shop.settled()
    assert (refund.decided, cancellation.decided) == ("refunded", "cancelled")
    assert (refund.total, cancellation.total) == ("5", "19.99")
    assert json.loads(refund.order or "")["event"] == "order.refunded"
    assert [one[1:] for one in handled(shop) if one[0] == cancellation.id] == [("close", "done", "order.cancelled")]


def test_an_event_that_no_handler_asks_for_is_kept_and_done(serve: Callable[..., Served]) -> None:
    shop = serve()
    assert post(shop, event="order.cancelled") == (202, "accepted")
    (row,) = shop.settled()
    assert (row.state, row.event, shop.rows(HandlerRow)) == ("done", "order.cancelled", [])


def test_a_refund_is_no_copy_of_its_order_and_the_same_one_is_a_copy_of_the_first(shop: Served) -> None:
    fields = order_fields(order_id="A-1")
    shop.post(fields)
    refund = {**fields, "payment_status": "refunded"}
    assert [shop.post(refund).content["status"] for _ in range(2)] == ["accepted", "duplicate"]
    assert [row.copies for row in shop.settled()] == [0, 1]


def test_two_refunds_are_told_by_their_amounts_or_their_ids(shop: Served) -> None:
    for fields in ({"refund_total": "5"}, {"refund_total": "7.00"}, {"refund_id": "1"}, {"refund_id": "2"}):
        for status in ("accepted", "duplicate"):
            assert post(shop, event="order.refunded", **fields)[1] == status
    assert [row.same_id_as for row in shop.settled()] == [None] * 4


def test_a_test_refund_is_a_test_first(shop: Served) -> None:
    reply = shop.post({"order_id": "A-1", "event": "order.refunded", "test": "true"})
    assert (reply.status, reply.content["status"]) == (200, "tested")
    assert [one["name"] for one in reply.content["handlers"]] == ["take_back", "close"]


@pytest.mark.parametrize("word", ["failed", "declined", "expired", "pending", "disputed"])
def test_what_is_no_sale_is_still_only_kept(shop: Served, word: str) -> None:
    assert post(shop, payment_status=word, total="1") == (200, "ignored")
    (row,) = shop.rows()
    assert (row.state, row.event) == ("ignored", None)


def test_a_pending_order_that_becomes_paid_runs_then(shop: Served) -> None:
    fields = order_fields(order_id="A-1")
    assert shop.post({**fields, "payment_status": "pending"}).content["status"] == "ignored"
    assert shop.post({**fields, "payment_status": "paid"}).content["status"] == "accepted"
    assert [row.state for row in shop.settled()] == ["ignored", "done"]


def test_a_handler_added_later_runs_on_a_refund_that_nobody_asked_for(
    instance: Path, serve: Callable[..., Served], make_app: Callable[..., Flask]
) -> None:
    shop = serve(work=False)
    post(shop, event="order.refunded", refund_total="3")
    while shop.kit.processor.run_next():
        pass
    (instance / "handlers" / "refunds.py").write_text(CODE)
    result = runner(make_app)("handlers", "run", "take_back", "--order", "A-1", "--json")
    assert (result.exit_code, json.loads(result.stdout)["detail"]) == (0, "order.refunded of A-1: 3 GBP")


@pytest.mark.parametrize("name", ["take_back", "close"])
def test_a_handler_of_refunds_is_tried_on_a_refund(shop: Served, make_app: Callable[..., Flask], name: str) -> None:
    result = runner(make_app)("handlers", "run", name, "--dummy", "--dry-run", "--json")
    said = json.loads(result.stdout)
    assert (result.exit_code, said["state"]) == (0, "done")
    assert said["detail"].startswith("order.refunded")
    assert shop.rows() == []


def test_the_list_and_the_self_test_name_the_events(shop: Served, make_app: Callable[..., Flask]) -> None:
    run = runner(make_app)
    events = {row["name"]: row["events"] for row in json.loads(run("handlers", "list", "--json").stdout)}
    assert events["close"] == "order.refunded, order.cancelled"
    assert events["email_customer"] == "order.completed"
    result = run("selftest", "--json")
    steps = {row["step"]: row for row in json.loads(result.stdout)}
    assert (result.exit_code, steps["handler close"]["state"]) == (0, "not run")
    assert steps["handler close"]["detail"] == "it runs on order.refunded, order.cancelled"


def test_what_was_taken_for_a_refund_can_run_as_paid_unless_a_handler_ran(serve: Callable[..., Served]) -> None:
    shop = serve()
    shop.post(order_fields(order_id="A-1", payment_status="refunded"))
    (row,) = shop.settled()
    replay = Replay(sources=shop.kit.sources, registry=shop.kit.registry, bodies=shop.kit.bodies, as_paid=True)
    with shop.kit.database.write() as session:
        assert replay.one(session, row.receipt).state == "open"
    shop.settled()
    assert shop.handler_states()["email_customer"] == "done"
    assert shop.rows()[0].event == EVENTS["completed"]
    with pytest.raises(NotPossible, match="is done; only"), shop.kit.database.write() as session:
        replay.one(session, row.receipt)
