"""An order that its shop sends again after it was changed: an event of its own, on which no customer handler runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from receiver.dispatch.replay import Replay
from receiver.intake import changed_orders, rereading
from receiver.security.schemes import Sent
from receiver.sources.squarespace import Squarespace
from receiver.sources.woocommerce import WooCommerce
from receiver.storage.models import HandlerRow, MailRow, OrderRow
from tests.served import Served

SECRET = "a secret of the shop, the first"
SOURCES = {"mine": {"kind": "woocommerce", "secrets": [SECRET]}}
ORDER = {
    "id": 1001,
    "status": "processing",
    "currency": "GBP",
    "total": "40.00",
    "billing": {"email": "ada@shop.example", "first_name": "Ada"},
    "line_items": [
        {"name": "Mug", "quantity": 1, "total": "20.00"},
        {"name": "Plate", "quantity": 2, "total": "20.00"},
    ],
}
CHANGED = {
    **ORDER,
    "total": "45.00",
    "line_items": [{"name": "Mug", "quantity": 2, "total": "40.00"}, {"name": "Card", "quantity": 1, "total": "5.00"}],
}
CODE = """
from receiver.handlers import handler


@handler(events=("order.updated",))
def look_again(order, context):
    return f"{order.event} {order.total}"
"""


@pytest.fixture
def idle(serve: Callable[..., Served]) -> Served:
    return serve(sources=SOURCES, work=False)


def post(shop: Served, order: dict[str, Any], topic: str = "order.updated", source: str = "mine") -> str:
    body = json.dumps(order).encode()
    signed = WooCommerce.scheme.sign(Sent({}, body, "", list), SECRET, datetime.now(UTC))
    headers = {**signed, "X-WC-Webhook-Topic": topic}
    reply = shop.post(body, path=f"/orders/{source}", headers=headers, content_type="application/json")
    return str(reply.content["status"])


def events(shop: Served) -> list[str | None]:
    return [row.event for row in shop.rows()]


def alerts(shop: Served) -> list[tuple[str, tuple[str, ...]]]:
    with shop.kit.database.read() as session:
        found = changed_orders.standing(session, datetime.now(UTC))
        return [(one.headline, one.lines) for one in found]


def alerts_sent(shop: Served) -> list[MailRow]:
    return [one for one in shop.rows(MailRow) if "was changed" in one.subject]


def test_a_change_runs_no_customer_handler_and_the_merchant_hears_what_changed(
    instance: Path, serve: Callable[..., Served]
) -> None:
    (instance / "handlers" / "again.py").write_text(CODE)
    shop = serve(sources=SOURCES)
    assert [post(shop, ORDER, "order.created"), post(shop, CHANGED), post(shop, CHANGED)] == [
        "accepted",
        "accepted",
        "duplicate",
    ]
    first, change = shop.settled()
    assert (first.event, change.event, change.same_id_as, change.copies) == (
        "order.completed",
        "order.updated",
        None,
        1,
    )
    ran = [(one.name, one.detail) for one in shop.rows(HandlerRow) if one.order_pk == change.id]
    assert ran == [("look_again", "order.updated 45.00")]
    assert {one.order_pk for one in shop.rows(HandlerRow) if one.name == "email_customer"} == {first.id}
    assert json.loads(change.order or "")["event"] == "order.updated"

    ((headline, lines),) = alerts(shop)
    assert headline == "Order 1001 was changed after it was paid"
    assert lines[:4] == (
        "Mug: 1 at 20.00 GBP → 2 at 20.00 GBP",
        "Plate: 2 at 10.00 GBP taken away",
        "Card: 1 at 5.00 GBP added",
        "Total: 40.00 GBP → 45.00 GBP",
    )
    shop.wait_for(lambda: bool(alerts_sent(shop)), 30)
    (mail,) = alerts_sent(shop)
    assert "Total: 40.00 GBP → 45.00 GBP" in mail.text


def test_a_pending_order_that_becomes_paid_runs_then_whatever_its_topic_is(idle: Served) -> None:
    assert post(idle, {**ORDER, "status": "pending"}, "order.created") == "ignored"
    assert post(idle, CHANGED) == "accepted"
    assert events(idle) == [None, "order.completed"]


def test_three_bodies_of_one_order_are_one_order_and_two_changes(idle: Served) -> None:
    for total in ("40.00", "41.00", "42.00", "41.00", "40.00"):
        post(idle, {**ORDER, "total": total})
    assert events(idle) == ["order.completed", "order.updated", "order.updated"]
    assert [row.copies for row in idle.rows()] == [1, 1, 0]
    with idle.kit.database.read() as session:
        assert [trouble.kind for trouble in idle.kit.notices.standing(session, datetime.now(UTC))] == [
            "order_changed"
        ] * 2


def test_an_order_that_is_changed_back_is_changed_and_a_late_retry_is_none(idle: Served) -> None:
    bodies = {name: {**ORDER, "total": total} for name, total in (("A", "40.00"), ("B", "41.00"), ("C", "42.00"))}
    days = {
        name: {**bodies[name[0]], "date_modified": f"2026-11-{number}"}
        for number, name in enumerate(("A1", "B1", "C1", "A2", "B2", "A3"), 10)
    }
    for name, body in days.items():
        assert (post(idle, body), post(idle, body)) == ("accepted", "duplicate"), name
    totals = [row.total for row in idle.rows()]
    assert totals == ["40.00", "41.00", "42.00", "40.00", "41.00", "40.00"]
    assert events(idle) == ["order.completed", *["order.updated"] * 5]
    assert {row.copies for row in idle.rows()} == {1}

    # Any of them may come again, late; and what's kept last may be sent with other words in what isn't compared.
    assert [post(idle, days[name]) for name in ("A1", "B1", "A2", "C1", "B2")] == ["duplicate"] * 5
    assert post(idle, {**days["A3"], "date_modified": "2026-11-30"}) == "duplicate"
    assert [row.copies for row in idle.rows()] == [1, 2, 2, 1, 2, 4]
    assert [lines[0] for _, lines in alerts(idle)] == [
        "Total: 41.00 GBP → 40.00 GBP",
        "Total: 40.00 GBP → 41.00 GBP",
        "Total: 42.00 GBP → 40.00 GBP",
        "Total: 41.00 GBP → 42.00 GBP",
        "Total: 40.00 GBP → 41.00 GBP",
    ]


def test_of_one_change_back_that_comes_many_times_at_once_one_is_a_change(serve: Callable[..., Served]) -> None:
    shops = [serve(sources=SOURCES, work=False) for _ in range(2)]
    for order in (ORDER, CHANGED):
        post(shops[0], order)
    for number in range(3):
        back = {**(ORDER, CHANGED)[number % 2], "date_modified": f"2026-11-2{number}"}
        with ThreadPoolExecutor(8) as pool:
            took = list(pool.map(lambda one: post(shops[one % 2], back), range(8)))  # noqa: B023 - the pool ends here
        assert sorted(took) == ["accepted", *["duplicate"] * 7]
    assert [row.total for row in shops[0].rows()] == ["40.00", "45.00"] * 2 + ["40.00"]


def test_another_shipping_address_or_email_is_a_change_and_an_address_that_is_left_out_is_none(idle: Served) -> None:
    place = {"first_name": "Ada", "address_1": "1 High St", "city": "London", "country": "GB"}
    sent = {**ORDER, "shipping": place}
    moved = {**ORDER, "shipping": {**place, "address_1": "99 New Road"}}
    renamed = {**moved, "billing": {"email": "new@shop.example"}}
    shouted = {**moved, "billing": {"email": "NEW@shop.example"}}
    bodies = [ORDER, sent, moved, moved, ORDER, renamed, shouted, {**sent, "date_modified": "2026-11-30"}]
    assert [post(idle, one) for one in bodies] == [
        *["accepted"] * 3,
        "duplicate",
        "duplicate",
        "accepted",
        "duplicate",
        "accepted",
    ]
    said = [lines[0] for _, lines in alerts(idle)][::-1]
    assert said == [
        "Shipping address: unknown → Ada, 1 High St, London, GB",
        "Shipping address: Ada, 1 High St, London, GB → Ada, 99 New Road, London, GB",
        "Email: ada@shop.example → new@shop.example",
        "Shipping address: Ada, 99 New Road, London, GB → Ada, 1 High St, London, GB",
    ]


def test_a_purged_order_is_compared_by_what_is_left(idle: Served) -> None:
    post(idle, ORDER)
    with idle.kit.database.write() as session:
        session.execute(update(OrderRow).values(order=None))
    assert post(idle, {**ORDER, "shipping": {"address_1": "99 New Road"}}) == "duplicate"
    assert post(idle, CHANGED) == "accepted"


def test_a_change_that_is_read_again_stays_one(idle: Served) -> None:
    for order in (ORDER, {**ORDER, "shipping": {"address_1": "99 New Road"}}, {**ORDER, "date_modified": "2026-11-30"}):
        post(idle, order)
    moved = idle.rows()[1]
    key = moved.key
    with idle.kit.database.write() as session:
        session.execute(update(OrderRow).values(state="done", due_at=None))
    with idle.kit.database.write() as session:
        columns = rereading.reread(session, moved, idle.kit.sources, datetime.now(UTC))[1]
    assert (columns["decided"], columns["state"], columns["key"]) == ("updated", "open", key)


def test_each_change_of_an_order_is_mailed_at_once(serve: Callable[..., Served]) -> None:
    shop = serve(sources=SOURCES)
    for total in ("40.00", "41.00", "42.00"):
        post(shop, {**ORDER, "total": total})
    shop.wait_for(lambda: len(alerts_sent(shop)) == 2, 30)
    texts = "".join(one.text or "" for one in alerts_sent(shop))
    assert "Total: 40.00 GBP → 41.00 GBP" in texts
    assert "Total: 41.00 GBP → 42.00 GBP" in texts


def test_of_many_first_bodies_at_once_one_is_the_order_and_all_others_are_changes(
    serve: Callable[..., Served],
) -> None:
    """Two servers on one database, as two processes are."""
    shops = [serve(sources=SOURCES, work=False) for _ in range(2)]
    for order_id in (1, 2, 3):
        bodies = [{**ORDER, "id": order_id, "total": f"{number}.00"} for number in range(1, 13)]
        with ThreadPoolExecutor(12) as pool:
            took = list(pool.map(lambda one: post(shops[one[0] % 2], one[1]), enumerate(bodies)))
        assert set(took) == {"accepted"}
    for name in ("1", "2", "3"):
        found = sorted(str(row.event) for row in shops[0].rows() if row.order_id == name)
        assert found == ["order.completed", *["order.updated"] * 11]


def test_of_a_source_that_says_nothing_of_changes_a_second_body_is_a_second_order(
    serve: Callable[..., Served],
) -> None:
    shop = serve(work=False)
    for total in ("40.00", "45.00"):
        shop.post({"order_id": "1001", "currency": "GBP", "total": total})
    assert events(shop) == ["order.completed"] * 2
    assert shop.rows()[1].same_id_as == 1


def test_a_notice_without_a_sum_makes_no_change_of_the_order_after_it(serve: Callable[..., Served]) -> None:
    secret = "8dd42f9fc74cd334c8dc40e3a80865356aa03c47"
    shop = serve(sources={"sq": {"kind": "squarespace", "secrets": [secret]}}, work=False)
    money = {"value": "40.00", "currency": "GBP"}
    item = {"productName": "Mug", "quantity": 2, "unitPricePaid": {"value": "20.00"}}
    for order in (
        {"topic": "order.create", "data": {"orderId": "7"}},
        {"id": "7", "grandTotal": money, "lineItems": [item]},
    ):
        body = json.dumps(order).encode()
        signed = Squarespace.scheme.sign(Sent({}, body, "", list), secret, datetime.now(UTC))
        reply = shop.post(body, path="/orders/sq", headers=signed, content_type="application/json")
        assert reply.content["status"] == "accepted"
    assert events(shop) == ["order.completed"] * 2


def test_a_test_is_no_change_of_a_real_order(idle: Served) -> None:
    post(idle, ORDER)
    post(idle, {**CHANGED, "test": True})
    assert events(idle) == ["order.completed"] * 2


def test_a_body_that_was_parked_and_is_read_later_is_a_change_too(serve: Callable[..., Served]) -> None:
    shop = serve(sources=SOURCES, work=False)
    post(shop, ORDER)
    assert post(shop, {**CHANGED, "status": "frobnicated"}) == "parked"
    (row,) = [row for row in shop.rows() if row.state == "parked"]
    fields = row.fields.replace("frobnicated", "processing")
    with shop.kit.database.write() as session:
        session.execute(update(OrderRow).where(OrderRow.id == row.id).values(fields=fields))
    replay = Replay(sources=shop.kit.sources, registry=shop.kit.registry, bodies=shop.kit.bodies)
    with shop.kit.database.write() as session:
        replay.one(session, row.receipt)
    assert events(shop) == ["order.completed", "order.updated"]

    # The merchant may know better.
    with shop.kit.database.write() as session:
        session.execute(update(OrderRow).where(OrderRow.id == row.id).values(state="done", due_at=None))
    with shop.kit.database.write() as session:
        replace(replay, as_paid=True).one(session, row.receipt)
    assert (events(shop), shop.rows()[1].state) == (["order.completed"] * 2, "open")


def test_an_old_change_is_no_alert_and_one_that_lost_its_order_says_what_it_can(idle: Served) -> None:
    post(idle, ORDER)
    post(idle, CHANGED)
    with idle.kit.database.write() as session:
        session.execute(update(OrderRow).where(OrderRow.id == 1).values(order=None))
    ((_, lines),) = alerts(idle)
    assert lines[0].startswith("It's kept beside the order.")
    with idle.kit.database.write() as session:
        session.execute(update(OrderRow).values(received_at=datetime.now(UTC) - timedelta(days=2)))
    assert alerts(idle) == []


def test_of_a_long_change_ten_lines_are_said(idle: Served) -> None:
    post(idle, ORDER)
    many = [{"name": f"Thing {number}", "quantity": 1, "total": "1.00"} for number in range(30)]
    post(idle, {**ORDER, "line_items": many})
    ((_, lines),) = alerts(idle)
    assert lines[10] == "And 22 more."


def test_an_order_that_says_it_was_updated_under_our_own_names_is_a_change(serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    reply = shop.post({"order_id": "1001", "event": "order.updated", "total": "45.00"})
    assert (reply.status, reply.content["status"]) == (202, "accepted")
    assert events(shop) == ["order.updated"]
