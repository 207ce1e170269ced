"""Handlers: what runs, how it went lately, what does not run and why."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from receiver.dispatch.attempt import MOST_ABANDONED
from receiver.storage.columns import receipt_of
from receiver.storage.models import HandlerRow
from receiver.web.console import handlers as page_of_handlers
from receiver.web.console.handlers import EXAMPLE
from tests.served import Served, order_fields
from tests.web.console.browsing import Browsing
from tests.web.console.visitor import Visitor

OWN = """
from receiver.handlers import handler

@handler(after="register_customer", on_test=False, timeout=2.5)
def tell_the_warehouse(order, context):
    \"\"\"Put the order's items on the list.

    More of it.
    \"\"\"
    raise ConnectionError("nobody there")
"""


def page(shop: Served) -> str:
    person = Visitor(shop.base)
    person.sign_in()
    return person.get("/admin/handlers").text


def test_handlers_stand_in_the_order_they_run(visitor: Visitor) -> None:
    text = visitor.get("/admin/handlers").text
    places = [text.index(name) for name in ("register_customer", "email_customer", "notify_merchant")]
    assert places == sorted(places)
    assert "Add the customer, or update their record." in text
    assert "receiver/handlers/register_customer.py" in text
    assert "never" in text


def test_a_handlers_options_and_runs_are_shown(instance: Path, serve: Callable[..., Served]) -> None:
    file = instance / "handlers" / "mine.py"
    file.write_text(OWN)
    shop = serve()
    shop.post(order_fields())
    shop.wait_for(lambda: shop.handler_states().get("tell_the_warehouse") == "retrying")
    text = page(shop)
    assert "tell_the_warehouse Put the order's items on the list. " + str(file) in text
    assert "up to 2.5 s, after register_customer; not on test orders" in text
    assert text.rpartition("ago ")[2].startswith("0 0 1 0") or "now 0 0 1 0" in text


def test_a_broken_file_is_named_with_its_line(instance: Path, serve: Callable[..., Served]) -> None:
    (instance / "handlers" / "broken.py").write_text("\n\ndef oops(:\n")
    assert "broken.py cannot be loaded: line 3:" in page(serve(work=False))


def test_handlers_that_are_left_out_are_named(serve: Callable[..., Served]) -> None:
    text = page(serve(work=False, HANDLERS=["notify_merchant"]))
    assert "but HANDLERS doesn't list them, or" in text
    assert "register_customer – Add the customer" in text
    assert "`" not in text  # what docstrings write between backticks is shown as code


def test_a_handler_that_hung_too_often_is_shown_as_switched_off(shop: Served, visitor: Visitor) -> None:
    shop.kit.processor.attempts._abandoned["email_customer"] = [threading.current_thread()] * MOST_ABANDONED
    text = visitor.get("/admin/handlers").text
    assert "email_customer switched off" in text
    assert f"when {MOST_ABANDONED} of its attempts hang in this process" in text


def test_without_a_handler_it_says_what_to_do(serve: Callable[..., Served]) -> None:
    text = page(serve(work=False, HANDLERS=["nobody"]))
    assert "No handlers run" in text
    assert "HANDLERS names 'nobody', which is no handler" in text


def test_the_example_works_as_it_stands(instance: Path, serve: Callable[..., Served]) -> None:
    assert "Write your own" in page(serve(work=False))
    (instance / "handlers" / "tell_the_warehouse.py").write_text(EXAMPLE)
    shop = serve()
    assert "Write your own" not in page(shop)
    shop.post(order_fields(shipping_city="London"))
    shop.settled()
    assert shop.handler_states()["tell_the_warehouse"] == "done"
    shop.post(order_fields())
    shop.settled()
    assert shop.handler_states()["tell_the_warehouse"] == "skipped"


def test_it_reads_well_on_every_screen(shop: Served, browse: Callable[..., Browsing]) -> None:
    shop.kit.processor.attempts._abandoned["email_customer"] = [threading.current_thread()] * MOST_ABANDONED
    person = browse(shop.base)
    person.sign_in()
    person.open("/admin/handlers")
    assert person.look() == []


NEW = """
from receiver.handlers import handler

@handler(events={events!r})
def mine(order, context):
    return "ran"
"""


def test_one_press_runs_a_new_handler_on_the_orders_that_came_before_it_was_loaded(
    instance: Path, serve: Callable[..., Served]
) -> None:
    before = serve()
    old = before.post(order_fields(order_id="A-0")).content["receipt"]
    before.settled()
    file = instance / "handlers" / "mine.py"
    file.write_text(NEW.format(events=("order.completed",)))
    missed = [before.post(order_fields(order_id=f"A-{number}")).content["receipt"] for number in (1, 2)]
    before.post(order_fields(order_id="A-3", test="true"))
    before.post({"colour": "red"})
    before.settled()

    shop = serve()
    shop.post(order_fields(order_id="A-4"))
    shop.settled()
    person = Visitor(shop.base)
    person.sign_in()
    assert "2 orders came in before mine was loaded. It hasn't run on them." in person.get("/admin/handlers").text
    answer = person.post("/admin/handlers/mine/missed", {})
    assert "mine now runs on 2 orders." in answer.text
    shop.wait_for(lambda: ran_on(shop) == {*missed, "rcp_00000006"})
    assert old not in ran_on(shop)
    assert "came in before" not in person.get("/admin/handlers").text


def ran_on(shop: Served) -> set[str]:
    """Give the receipts of the orders on which the handler is done."""
    with shop.kit.database.read() as session:
        done = session.scalars(select(HandlerRow).where(HandlerRow.name == "mine", HandlerRow.state == "done"))
        return {receipt_of(row.order_pk) for row in done}


def test_a_handler_misses_only_orders_of_its_events(instance: Path, serve: Callable[..., Served]) -> None:
    file = instance / "handlers" / "mine.py"
    file.write_text(NEW.format(events=("order.refunded",)))
    os.utime(file, (0, 0))
    shop = serve(HANDLERS=["register_customer"])
    shop.post(order_fields())
    shop.settled()
    assert "came in before" not in page(serve(work=False))


def test_no_other_handler_is_run_on_orders_that_it_missed(visitor: Visitor) -> None:
    for name in ("register_customer", "nosuch"):
        assert visitor.post(f"/admin/handlers/{name}/missed", {}).status == 404


def test_of_two_who_press_at_once_one_runs_the_handler(
    instance: Path, serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = serve()
    (instance / "handlers" / "mine.py").write_text(NEW.format(events=("order.completed",)))
    missed = [before.post(order_fields()).content["receipt"]]
    before.settled()
    shop = serve()
    monkeypatch.setattr(page_of_handlers, "missed_orders", lambda *_: missed)
    person = Visitor(shop.base)
    person.sign_in()
    assert "mine now runs on 1 order." in person.post("/admin/handlers/mine/missed", {}).text
    shop.wait_for(lambda: ran_on(shop) == set(missed))
    assert "mine now runs on 0 orders." in person.post("/admin/handlers/mine/missed", {}).text
    with shop.kit.database.read() as session:
        assert session.scalars(select(HandlerRow.run).where(HandlerRow.name == "mine")).all() == [1]
