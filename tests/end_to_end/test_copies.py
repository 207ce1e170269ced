"""One order, however often and wherever at once it comes in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from receiver.storage.models import CustomerRow, HandlerRow, MailRow
from tests.end_to_end.processes import Running, at_once
from tests.intake.test_changed_orders import ORDER, SECRET, post
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


def test_a_pending_order_under_one_event_id_is_handled_once_it_is_paid(launch: Launch) -> None:
    shop = launch()
    fields = order_fields(order_id="A-1", event_id="E1")

    assert shop.post(fields | {"payment_status": "pending", "sent_at": "1"}).content["status"] == "ignored"
    replies = at_once(20, lambda number: shop.post(fields | {"sent_at": f"{number}", "attempt": f"{number}"}))

    assert Counter(reply.content["status"] for reply in replies) == {"accepted": 1, "duplicate": 19}
    notice, order = shop.settled()
    assert (notice.state, order.state, order.same_id_as) == ("ignored", "done", notice.id)
    assert (order.copies, notice.copies) == (19, 0)
    assert sorted(mail.recipient for mail in shop.rows(MailRow)) == ["ada@shop.example", "merchant@example.com"]


def test_orders_that_share_an_event_id_are_all_handled_once_over_four_processes(launch: Launch, instance: Path) -> None:
    shops = [launch() for _ in range(4)]
    orders = [order_fields(order_id=f"A-{number}", event_id="E1") for number in range(5)]

    replies = at_once(100, lambda number: shops[number % 4].post(orders[number % 5]))

    assert Counter(reply.status for reply in replies) == {202: 5, 200: 95}
    rows = shops[0].settled()
    assert sorted(row.order_id or "" for row in rows) == [f"A-{number}" for number in range(5)]
    assert [row.copies for row in rows] == [19] * 5
    assert {row.same_id_as for row in rows} == {None, rows[0].id}
    mails = Counter(mail.handler for mail in shops[0].rows(MailRow))
    assert (mails["email_customer"], mails["notify_merchant"]) == (5, 5)


def test_of_one_orders_different_bodies_over_four_processes_one_is_the_order_and_the_rest_are_changes(
    launch: Launch, instance: Path
) -> None:
    with (instance / "config.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[sources.mine]\nkind = "woocommerce"\nsecrets = ["{SECRET}"]\n')
    shops = [launch() for _ in range(4)]
    assert post(shops[0], {**ORDER, "status": "pending"}) == "ignored"

    statuses = at_once(60, lambda number: post(shops[number % 4], {**ORDER, "total": f"{number % 20 + 1}.00"}))

    assert Counter(statuses) == {"accepted": 20, "duplicate": 40}
    rows = shops[0].settled(30)
    assert Counter(row.event for row in rows) == {None: 1, "order.completed": 1, "order.updated": 19}
    assert Counter(mail.handler for mail in shops[0].rows(MailRow) if mail.order_pk) == {
        "email_customer": 1,
        "notify_merchant": 1,
    }
