"""A copy is the same thing, not the same id: what a POST is under an id that is known, over a real socket."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest

from receiver.storage.models import MailRow
from tests.served import Served, order_fields, signed

ORDER = order_fields(order_id="A-1", total="20.00", item_1_unit_price="20.00")
OTHERS = {
    "pending": {"payment_status": "pending"},
    "test": {"test": "true"},
    "refund": {"event": "order.refunded"},
    "another order": {"order_id": "A-2"},
    "other items": {"item_1_name": "Plate"},
    "another quantity": {"item_1_quantity": "2"},
    "another price": {"item_1_unit_price": "18.99"},
    "another total": {"total": "20.99"},
    "not understood": {"total": "much"},
}


@pytest.fixture
def idle(serve: Callable[..., Served]) -> Served:
    """Serve without running jobs."""
    return serve(work=False)


def post(shop: Served, id_is: str, fields: dict[str, str]) -> str:
    """POST an order under an id that is the same for all, and give how it was answered."""
    if id_is == "webhook-id":
        body = urlencode(fields).encode()
        return str(shop.post(body, headers=signed(body, webhook_id="E1")).content["status"])
    return str(shop.post(fields | ({"event_id": "E1"} if id_is == "event_id" else {})).content["status"])


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("comes", ["later", "first"])
@pytest.mark.parametrize("id_is", ["event_id", "webhook-id", "made up"])
def test_another_thing_is_never_a_copy_whichever_came_first(idle: Served, id_is: str, comes: str, other: str) -> None:
    both = [ORDER, ORDER | OTHERS[other]]
    if comes == "first":
        both.reverse()

    assert "duplicate" not in [post(idle, id_is, fields) for fields in both]
    assert [post(idle, id_is, fields) for fields in both] == ["duplicate", "duplicate"]
    assert [(row.copies, row.differing_copies) for row in idle.rows()] == [(1, 0), (1, 0)]


@pytest.mark.parametrize("id_is", ["event_id", "webhook-id", "made up"])
def test_a_retry_that_differs_in_nothing_that_counts_is_a_copy_and_sends_no_second_mail(
    shop: Served, id_is: str
) -> None:
    assert post(shop, id_is, ORDER) == "accepted"
    shop.settled()
    sent = [mail.id for mail in shop.rows(MailRow)]

    for changes in (
        {"timestamp": "1796000000", "attempt": "2", "signature": "a5f0", "total": "20", "item_1_unit_price": "20.000"},
        {"order_date": "2026-11-23T14:05:00Z", "customer_note": "ring twice", "billing_city": "Berlin"},
    ):
        assert post(shop, id_is, ORDER | changes) == "duplicate"

    (row,) = shop.settled()
    assert (row.copies, row.differing_copies) == (2, 2)
    assert [mail.id for mail in shop.rows(MailRow)] == sent


def test_a_signed_retry_is_a_copy_although_its_timestamp_and_signature_are_new(shop: Served) -> None:
    body, earlier = urlencode(ORDER).encode(), datetime.now(UTC) - timedelta(seconds=60)
    first = shop.post(body, headers=signed(body, webhook_id="E1", at=earlier))
    again = shop.post(body, headers=signed(body, webhook_id="E1"))

    assert (again.status, again.content["status"]) == (200, "duplicate")
    assert again.content["receipt"] == first.content["receipt"]
    shop.settled()
    assert len(shop.rows(MailRow)) == 2


def test_an_order_without_an_event_id_is_one_under_whatever_webhook_id_or_none(shop: Served) -> None:
    body = urlencode(ORDER).encode()
    replies = [shop.post(body, headers=signed(body, webhook_id=name)) for name in ("msg_2", "msg_3")]
    replies += [shop.post(ORDER), shop.post(body, headers=signed(body, webhook_id="msg_4"))]

    assert [reply.content["status"] for reply in replies] == ["accepted", "duplicate", "duplicate", "duplicate"]
    (row,) = shop.settled()
    assert (row.copies, row.webhook_id) == (3, "msg_2")
    assert len([mail for mail in shop.rows(MailRow) if mail.handler]) == 2


def test_two_orders_under_one_webhook_id_are_two(shop: Served) -> None:
    bodies = [urlencode(ORDER | {"order_id": order_id}).encode() for order_id in ("A-1", "A-2")]
    replies = [shop.post(body, headers=signed(body, webhook_id="msg_1")) for body in bodies * 2]
    assert [reply.content["status"] for reply in replies] == ["accepted", "accepted", "duplicate", "duplicate"]


def test_three_orders_under_one_id_are_three_events_and_all_are_handled(shop: Served) -> None:
    items = [{"item_1_name": name} for name in ("Mug", "Plate", "Bowl")]
    for _ in range(2):
        replies = [shop.post(ORDER | one) for one in items]

    assert {reply.content["status"] for reply in replies} == {"duplicate"}
    first, *others = shop.settled()
    assert [row.state for row in (first, *others)] == ["done"] * 3
    assert [row.same_id_as for row in others] == [first.id, first.id]
    assert len([mail for mail in shop.rows(MailRow) if mail.handler]) == 6


def test_a_test_under_a_known_id_runs_its_handlers_in_the_request(idle: Served) -> None:
    assert idle.post(ORDER | {"event_id": "E1"}).content["status"] == "accepted"
    reply = idle.post(ORDER | {"event_id": "E1", "test": "true"})

    assert (reply.status, reply.content["status"]) == (200, "tested")
    assert {one["state"] for one in reply.content["handlers"]} == {"done"}
    order, test = idle.rows()
    assert (order.state, test.state, test.same_id_as) == ("open", "done", order.id)
