"""One order, however often and wherever at once it comes in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from receiver.models import CustomerRow, HandlerRow, MailRow
from tests.end_to_end.processes import Running, at_once
from tests.served import order_fields

Launch = Callable[..., Running]


def test_200_identical_posts_over_four_processes_are_one_order(launch: Launch, instance: Path) -> None:
    shops = [launch() for _ in range(4)]
    fields = order_fields()

    replies = at_once(200, lambda number: shops[number % 4].post(fields))

    assert Counter(reply.status for reply in replies) == {202: 1, 200: 199}
    assert len({reply.content["receipt"] for reply in replies}) == 1
    shop = shops[0]
    (order,) = shop.settled()
    assert (order.state, order.copies, order.differing_copies) == ("done", 199, 0)
    assert [customer.email for customer in shop.rows(CustomerRow)] == ["ada@shop.example"]
    assert sorted(mail.recipient for mail in shop.rows(MailRow)) == ["ada@shop.example", "merchant@example.com"]
    assert len(list((instance / "outbox").iterdir())) == 2
    assert Counter(row.attempts for row in shop.rows(HandlerRow)) == {1: 3}


def test_twenty_parallel_orders_of_one_new_customer_make_one_customer(launch: Launch) -> None:
    shops = [launch(), launch()]
    spellings = ["ada@shop.example", "Ada@Shop.Example", "ADA@SHOP.EXAMPLE"]

    replies = at_once(20, lambda number: shops[number % 2].post(order_fields(customer_email=spellings[number % 3])))

    assert {reply.status for reply in replies} == {202}
    assert [order.state for order in shops[0].settled(30)] == ["done"] * 20
    assert [customer.email for customer in shops[0].rows(CustomerRow)] == ["ada@shop.example"]


def test_a_paid_order_runs_although_its_unpaid_notice_came_first(launch: Launch) -> None:
    shop = launch()

    notice = shop.post(order_fields(order_id="A-1", payment_status="unpaid"))
    paid = shop.post(order_fields(order_id="A-1", payment_status="paid"))
    again = shop.post(order_fields(order_id="A-1", payment_status="paid"))

    assert (notice.status, notice.content["status"]) == (200, "ignored")
    assert (paid.status, paid.content["status"]) == (202, "accepted")
    assert (again.status, again.content["status"]) == (200, "duplicate")
    assert [order.state for order in shop.settled()] == ["ignored", "done"]
    assert shop.handler_states() == {"register_customer": "done", "email_customer": "done", "notify_merchant": "done"}
