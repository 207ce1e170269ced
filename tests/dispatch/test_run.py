"""Orders whose handlers only compute run together, share their writes, and can't hold each other up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from receiver.customers import records
from receiver.orders import Order
from receiver.storage.models import CustomerRow, HandlerRow, MailRow, OrderRow
from receiver.storage.shared_writes import Write
from tests.served import Served, order_fields

Serve = Callable[..., Served]


def received(serve: Serve, *order_ids: str, **settings: Any) -> Served:
    """Give a shop that has received orders of a customer each, and run none of them yet."""
    shop = serve(work=False, **settings)
    for order_id in order_ids:
        assert shop.post(order_fields(order_id=order_id, customer_email=f"{order_id}@shop.example")).status == 202
    return shop


def states(shop: Served) -> dict[str | None, str]:
    return {row.order_id: row.state for row in shop.rows(OrderRow)}


def test_they_are_done_in_three_transactions(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """The claim, the customers before their emails, and all the rest."""
    shop = received(serve, *"abcde")
    written = []
    run = shop.kit.database.shared_writes.run

    def watched(write: Write[Any]) -> Any:
        written.append(write)
        return run(write)

    monkeypatch.setattr(shop.kit.database.shared_writes, "run", watched)

    assert shop.kit.processor.run_next()

    assert states(shop) == dict.fromkeys("abcde", "done")
    assert len(written) == 3
    assert {row.email for row in shop.rows(CustomerRow)} == {f"{name}@shop.example" for name in "abcde"}
    assert len(shop.rows(MailRow)) == 10
    assert all("account/claim" in mail.text for mail in shop.rows(MailRow) if mail.handler == "email_customer")
    assert not shop.kit.processor.is_due()


def test_what_cannot_be_stored_of_one_fails_it_alone(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    apply_order = records.apply_order

    def fails_once(session: Session, order: Order, **others: Any) -> Any:
        if order.order_id == "b":
            raise RuntimeError("no")
        return apply_order(session, order, **others)

    monkeypatch.setattr("receiver.handlers.context.apply_order", fails_once)
    shop = received(serve, *"abc")
    shop.kit.processor.run_next()

    assert states(shop) == {"a": "done", "b": "open", "c": "done"}
    unfinished = [(one.name, one.state, one.detail) for one in shop.rows(HandlerRow) if one.state != "done"]
    assert unfinished == [
        ("register_customer", "retrying", "its work could not be committed: RuntimeError: no"),
        ("email_customer", "pending", None),
    ]
    assert len(shop.rows(MailRow)) == 5


def test_one_that_lost_its_lease_changes_nothing(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = received(serve, *"abc")
    run_together = shop.kit.processor.run_together

    def robbed(claimed: Any) -> None:
        with shop.kit.database.write() as session:
            session.execute(update(OrderRow).where(OrderRow.order_id == "b").values(lease_token="another's"))
        run_together(claimed)

    monkeypatch.setattr(shop.kit.processor, "run_together", robbed)
    shop.kit.processor.run_next()

    assert states(shop) == {"a": "done", "b": "open", "c": "done"}
    assert {row.email for row in shop.rows(CustomerRow)} == {"a@shop.example", "c@shop.example"}
    assert len(shop.rows(MailRow)) == 4


def test_orders_with_a_handler_that_may_hang_run_one_by_one(serve: Serve, instance: Path) -> None:
    (instance / "handlers" / "mine.py").write_text(
        "from receiver.handlers import handler\n\n@handler\ndef mine(order, context):\n    pass\n"
    )
    shop = received(serve, *"abc")
    shop.kit.processor.run_next()

    assert sorted(states(shop).values()) == ["done", "open", "open"]


def test_while_a_thread_computes_no_order_is_due_for_another(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = received(serve, "a")
    templates = shop.kit.templates
    seen: list[bool] = []
    render = templates.render

    def watched(*names: Any, **values: Any) -> Any:
        if not seen:
            assert shop.post(order_fields(order_id="b")).status == 202
        seen.append(shop.kit.processor.is_due())
        return render(*names, **values)

    monkeypatch.setattr(templates, "render", watched)
    shop.kit.processor.run_next()

    assert states(shop) == {"a": "done", "b": "open"}
    assert seen == [False, False]
    assert shop.kit.processor.is_due()
