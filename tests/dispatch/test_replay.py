"""Running an order again: a parked one is read with today's mapping, another runs what is unfinished."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from receiver.app.components import Kit
from receiver.dispatch.replay import Replay
from receiver.errors import ConfigurationError, UnknownSource
from receiver.intake.explanation import explain_receipt
from receiver.storage import order_queries
from receiver.storage.models import AttemptRow, HandlerRow, MailRow, OrderRow
from tests.served import Served, order_fields

MAPPING = """
[sources.shopintegrator.fields]
order_id = "OrderRef"
"customer.email" = "BuyerEmail"
test = {from = "IsTest", words = {yes = "true"}}
payment_status = "Paid"
"""


@pytest.fixture
def idle(serve: Callable[..., Served]) -> Served:
    """Serve without running jobs."""
    return serve(work=False)


def replay(kit: Kit, **how: Any) -> Replay:
    return Replay(sources=kit.sources, registry=kit.registry, bodies=kit.bodies, **how)


def again(shop: Served, receipt: str = "rcp_00000001", handler: str | None = None) -> str:
    with shop.kit.database.write() as session:
        return replay(shop.kit, handler=handler).one(session, receipt).became


def refusal(shop: Served, receipt: str = "rcp_00000001", handler: str | None = None) -> str:
    """Give why an order cannot be replayed; nothing of it may have changed."""
    before = [vars(row) | {"_sa_instance_state": None} for row in shop.rows()]
    with pytest.raises(ConfigurationError) as caught:
        again(shop, receipt, handler)
    assert [vars(row) | {"_sa_instance_state": None} for row in shop.rows()] == before
    return str(caught.value)


def run(shop: Served) -> None:
    """Run all that is due."""
    while shop.kit.processor.run_next():
        pass


def map_names(shop: Served, text: str = MAPPING) -> None:
    """Write the mapping into config.toml under the running server, which then reads it."""
    path = shop.kit.instance / "config.toml"
    path.write_text(path.read_text("utf-8") + text, "utf-8")
    time.sleep(0.21)


def park(shop: Served, **fields: str) -> str:
    reply = shop.post({"OrderRef": "R-1", "BuyerEmail": "Ada@Shop.example", **fields})
    assert reply.content["status"] == "parked"
    return str(reply.content["receipt"])


def test_a_parked_order_is_read_with_todays_mapping_and_then_handled(idle: Served) -> None:
    receipt = park(idle)
    assert idle.rows()[0].key.startswith("body_")
    map_names(idle)

    assert again(idle, receipt) == "open"
    (row,) = idle.rows()
    assert (row.state, row.order_id, row.email, row.errors) == ("open", "R-1", "ada@shop.example", None)
    assert row.key.startswith("evt_")
    run(idle)
    assert idle.rows()[0].state == "done"
    assert idle.handler_states() == {"register_customer": "done", "email_customer": "done", "notify_merchant": "done"}


def test_a_mapped_order_takes_the_key_that_its_next_copy_has(idle: Served) -> None:
    receipt = park(idle)
    map_names(idle)
    again(idle, receipt)

    copy = idle.post({"OrderRef": "R-1", "BuyerEmail": "Ada@Shop.example"})
    assert (copy.status, copy.content["status"], copy.content["receipt"]) == (200, "duplicate", receipt)


def test_a_handler_that_is_left_out_of_a_parked_order_never_runs_on_it(idle: Served) -> None:
    receipt = park(idle)
    map_names(idle)
    with idle.kit.database.write() as session:
        done = replay(idle.kit, without=["email_customer"]).one(session, receipt)
    assert done.state == "open"
    run(idle)
    assert idle.rows()[0].state == "done"
    assert idle.handler_states() == {
        "register_customer": "done",
        "email_customer": "skipped",
        "notify_merchant": "done",
    }
    assert idle.rows(HandlerRow)[1].detail == "left out when the parked order ran"
    assert [mail.handler for mail in idle.rows(MailRow)] == ["notify_merchant"]


def test_a_handler_that_was_left_out_runs_when_it_is_named(idle: Served) -> None:
    receipt = park(idle)
    map_names(idle)
    with idle.kit.database.write() as session:
        replay(idle.kit, without=["email_customer"]).one(session, receipt)
    run(idle)
    assert again(idle, receipt, handler="email_customer") == "open"
    run(idle)
    assert idle.handler_states()["email_customer"] == "done"
    assert [mail.handler for mail in idle.rows(MailRow)] == ["notify_merchant", "email_customer"]


def test_no_single_handler_runs_on_a_parked_order(idle: Served) -> None:
    """Its mapping may be there already; all of its handlers would run, and more than one was not asked for."""
    receipt = park(idle)
    map_names(idle)
    said = refusal(idle, receipt, handler="notify_merchant")
    assert said == f"{receipt} is not understood yet; see `flask orders explain {receipt}`."
    assert (idle.rows()[0].state, idle.rows(HandlerRow)) == ("parked", [])


def test_with_every_handler_left_out_a_parked_order_is_done(idle: Served) -> None:
    receipt = park(idle)
    map_names(idle)
    names = [handler.name for handler in idle.kit.registry.handlers]
    (one,) = replay(idle.kit, without=names).each(idle.kit.database, [receipt])
    assert one.state == "open"
    run(idle)
    assert idle.rows()[0].state == "done"


def test_many_are_run_one_after_the_other_and_one_that_cannot_stops_none(idle: Served) -> None:
    receipt = park(idle)
    map_names(idle)
    found = list(replay(idle.kit).each(idle.kit.database, ["rcp_00000009", receipt]))
    assert [(one.receipt, one.state) for one in found] == [("rcp_00000009", "failed"), (receipt, "open")]


def test_an_unknown_handler_to_leave_out_is_named(idle: Served) -> None:
    receipt = park(idle)
    map_names(idle)
    with pytest.raises(ConfigurationError, match="No handler is named nobody"), idle.kit.database.write() as session:
        replay(idle.kit, without=["nobody"]).one(session, receipt)
    assert idle.rows()[0].state == "parked"


def test_what_is_still_not_understood_stays_parked_with_todays_errors(idle: Served) -> None:
    receipt = park(idle, IsTest="perhaps")
    map_names(idle)

    assert again(idle, receipt) == f"parked: 1 error; see `flask orders explain {receipt}`"
    (row,) = idle.rows()
    assert (row.state, row.due_at) == ("parked", None)
    assert row.errors is not None
    assert "IsTest" in row.errors
    assert "OrderRef" not in row.errors
    run(idle)
    assert idle.rows(HandlerRow) == []


def test_a_parked_order_that_is_kept_already_becomes_a_duplicate_and_runs_nothing(idle: Served) -> None:
    """The sender changed its names and sent the order again before the merchant mapped the old ones."""
    receipt = park(idle)
    kept = idle.post({"order_id": "R-1", "customer_email": "ada@shop.example"}).content["receipt"]
    map_names(idle)

    assert again(idle, receipt) == f"duplicate of {kept}"
    row = idle.rows()[0]
    assert (row.state, row.duplicate_of, row.due_at) == ("duplicate", kept, None)
    run(idle)
    assert {one.order_pk for one in idle.rows(HandlerRow)} == {idle.rows()[1].id}


def test_a_parked_order_that_says_something_else_than_the_kept_one_runs(idle: Served) -> None:
    kept = idle.post(order_fields(order_id="R-1")).content["receipt"]
    receipt = park(idle)
    map_names(idle)

    assert again(idle, receipt) == "open"
    first, second = idle.rows()
    assert (first.receipt, second.same_id_as) == (kept, first.id)
    assert second.key == f"{first.key}.{second.content_digest}"
    copy = idle.post({"OrderRef": "R-1", "BuyerEmail": "ada@shop.example"})
    assert (copy.content["status"], copy.content["receipt"]) == ("duplicate", receipt)


def test_a_parked_retry_of_a_parked_event_becomes_a_duplicate_of_it(idle: Served) -> None:
    first, second = park(idle, event_id="E1", Attempt="1"), park(idle, event_id="E1", Attempt="2")
    map_names(idle, MAPPING + 'event_id = "event_id"\n')

    assert (again(idle, first), again(idle, second)) == ("open", f"duplicate of {first}")
    assert idle.rows()[1].same_id_as is None
    assert idle.post({"OrderRef": "R-1", "event_id": "E1"}).content["receipt"] == first


def test_a_parked_order_that_a_later_one_of_its_id_corrects_is_settled_as_its_duplicate(idle: Served) -> None:
    """The later one was parked too, and is the first of the two that is understood."""
    first, second = park(idle, event_id="E1", IsTest="perhaps"), park(idle, event_id="E1")
    map_names(idle, MAPPING + 'event_id = "event_id"\n')

    assert again(idle, second) == "open"
    row = idle.rows()[0]
    assert (row.state, row.duplicate_of, row.order) == ("duplicate", second, None)
    assert refusal(idle, first) == f"{first} is duplicate: no handler runs on it."


def test_a_parked_notice_of_an_unpaid_order_becomes_ignored(idle: Served) -> None:
    receipt = park(idle, Paid="unpaid")
    map_names(idle)

    assert again(idle, receipt) == "ignored"
    assert (idle.rows()[0].decided, idle.rows()[0].due_at) == ("unpaid", None)


def test_what_a_wrong_mapping_took_for_duplicates_is_read_again(idle: Served) -> None:
    first, second = park(idle, Shop="main"), park(idle, OrderRef="R-2", Shop="main")
    config = idle.kit.instance / "config.toml"
    before = config.read_text("utf-8")
    map_names(idle, MAPPING.replace('"OrderRef"', '"Shop"'))
    assert again(idle, first) == "open"
    assert again(idle, second) == f"duplicate of {first}"
    assert refusal(idle, second) == f"{second} is duplicate: no handler runs on it."

    config.write_text(before, "utf-8")
    map_names(idle)
    assert again(idle, second) == "open"
    assert idle.rows()[1].order_id == "R-2"


def test_what_a_wrong_mapping_took_for_unpaid_is_read_again(idle: Served) -> None:
    receipt = park(idle, Paid="unpaid")
    config = idle.kit.instance / "config.toml"
    before = config.read_text("utf-8")
    map_names(idle)
    assert again(idle, receipt) == "ignored"

    config.write_text(before, "utf-8")
    map_names(idle, MAPPING.replace('payment_status = "Paid"', ""))
    assert again(idle, receipt) == "open"


@pytest.mark.parametrize("broken", ["[sources", "[sources.shopintegrator]\nsecrets = 3\n"])
def test_nothing_is_read_while_the_mapping_is_wrong(idle: Served, make_app: Callable[..., Flask], broken: str) -> None:
    """Not by what stood there before, and not, in a process that began since, by no mapping at all."""
    receipt = park(idle)
    config = idle.kit.instance / "config.toml"
    before = config.read_text("utf-8")
    config.write_text(before + broken, "utf-8")
    for kit in (idle.kit, make_app().extensions["receiver"]):
        with kit.database.write() as session, pytest.raises(ConfigurationError, match=r"config\.toml"):
            replay(kit).one(session, receipt)
        with kit.database.read() as session, pytest.raises(ConfigurationError, match=r"config\.toml"):
            explain_receipt(session, receipt, kit.sources)
    config.write_text(before + MAPPING, "utf-8")
    assert again(idle, receipt) == "open"


def test_what_was_dismissed_is_read_again(idle: Served) -> None:
    receipt = park(idle)
    with idle.kit.database.write() as session:
        order_queries.dismiss(session, receipt)
    assert again(idle, receipt).startswith("parked: ")
    with idle.kit.database.write() as session:
        order_queries.dismiss(session, receipt)
    map_names(idle)
    assert again(idle, receipt) == "open"


def test_what_was_dismissed_and_is_an_unpaid_notice_becomes_ignored(idle: Served) -> None:
    receipt = park(idle, Paid="unpaid")
    with idle.kit.database.write() as session:
        order_queries.dismiss(session, receipt)
    map_names(idle)
    assert again(idle, receipt) == "ignored"
    assert idle.rows()[0].decided == "unpaid"


def test_what_was_dismissed_and_purged_stays_as_it_is(idle: Served) -> None:
    receipt = park(idle)
    with idle.kit.database.write() as session:
        order_queries.dismiss(session, receipt)
        session.execute(update(OrderRow).values(fields="[]"))
    assert refusal(idle, receipt) == f"{receipt} is ignored: no handler runs on it."


def test_a_parked_test_transmission_is_read_and_runs_nothing(idle: Served) -> None:
    """Its handlers would have run when it arrived; a late run would look like an interrupted one."""
    receipt = park(idle, IsTest="yes")
    map_names(idle)

    assert again(idle, receipt) == "done"
    run(idle)
    assert (idle.rows()[0].state, idle.rows()[0].test) == ("done", True)
    assert idle.rows(HandlerRow) == []
    assert idle.rows(MailRow) == []


def test_an_order_of_a_source_that_is_gone_stays_as_it_is(serve: Callable[..., Served]) -> None:
    shop = serve(work=False, sources={"other": {}})
    shop.post({"OrderRef": "R-1"}, path="/orders/other")
    with pytest.raises(UnknownSource):
        again(serve(work=False))
    assert shop.rows()[0].state == "parked"


FLAKY = """
from pathlib import Path
from receiver.handlers import handler

WORKS = Path(__file__).with_name("works")
KEYS = Path(__file__).with_name("keys")

@handler(retries=0)
def flaky(order, context):
    with KEYS.open("a") as file:
        file.write(context.idempotency_key + chr(10))
    if not WORKS.exists():
        raise RuntimeError("the warehouse is closed")
    context.mail(to="warehouse@shop.example", template="merchant_alert", headline="x", lines=[])
"""


@pytest.fixture
def failed(serve: Callable[..., Served], instance: Path) -> Served:
    """Serve, without running jobs, with one order that two handlers have run on: one is done, one has failed."""
    (instance / "handlers" / "flaky.py").write_text(textwrap.dedent(FLAKY))
    shop = serve(work=False, HANDLERS=["notify_merchant", "flaky"])
    shop.post(order_fields())
    run(shop)
    assert shop.handler_states() == {"notify_merchant": "done", "flaky": "failed"}
    assert shop.rows()[0].state == "failed"
    return shop


def mend(shop: Served) -> None:
    (shop.kit.instance / "handlers" / "works").touch()


def keys(shop: Served) -> list[str]:
    return (shop.kit.instance / "handlers" / "keys").read_text().split()


def test_replay_runs_only_what_is_unfinished(failed: Served) -> None:
    mend(failed)
    assert again(failed) == "open"
    assert failed.handler_states() == {"notify_merchant": "done", "flaky": "pending"}
    run(failed)

    assert failed.handler_states() == {"notify_merchant": "done", "flaky": "done"}
    assert failed.rows()[0].state == "done"
    assert [(row.name, row.run, row.attempts) for row in failed.rows(HandlerRow)] == [
        ("notify_merchant", 1, 1),
        ("flaky", 1, 1),
    ]


def test_what_is_unfinished_goes_on_under_the_same_idempotency_key(failed: Served) -> None:
    again(failed)
    run(failed)
    mend(failed)
    again(failed)
    run(failed)

    assert len(keys(failed)) == 3
    assert len(set(keys(failed))) == 1


def test_a_failed_order_that_fails_again_has_failed_again(failed: Served) -> None:
    again(failed)
    run(failed)

    assert failed.rows()[0].state == "failed"
    assert [row.state for row in failed.rows(AttemptRow)] == ["done", "failed", "failed"]


def test_a_retry_that_is_far_off_is_run_now(serve: Callable[..., Served], instance: Path) -> None:
    (instance / "handlers" / "flaky.py").write_text(FLAKY.replace("(retries=0)", ""))
    shop = serve(work=False, HANDLERS=["flaky"], RETRY_SCHEDULE=[86400])
    shop.post(order_fields())
    run(shop)
    assert shop.handler_states() == {"flaky": "retrying"}
    mend(shop)

    assert again(shop) == "open"
    run(shop)
    assert shop.handler_states() == {"flaky": "done"}


def test_a_done_order_has_nothing_unfinished(failed: Served) -> None:
    mend(failed)
    again(failed)
    run(failed)

    assert again(failed) == "nothing unfinished; name a handler to run it again"
    run(failed)
    assert len(failed.rows(AttemptRow)) == 3


def test_a_named_handler_runs_again_as_a_new_run(failed: Served) -> None:
    """A new run is new work: its idempotency key and its mail's Message-ID are new too."""
    mend(failed)
    assert again(failed, handler="flaky") == "open"
    run(failed)
    assert again(failed, handler="flaky") == "open"
    run(failed)

    assert [key.rpartition(":")[2] for key in keys(failed)] == ["1", "2", "3"]
    assert len({key.rpartition(":")[0] for key in keys(failed)}) == 1
    mails = [mail for mail in failed.rows(MailRow) if mail.handler == "flaky"]
    assert len(mails) == 2
    assert len({mail.message_id for mail in mails}) == 2
    assert [(row.run, row.number, row.state) for row in failed.rows(AttemptRow)[1:]] == [
        (1, 1, "failed"),
        (2, 1, "done"),
        (3, 1, "done"),
    ]


def test_a_handler_asked_for_twice_before_it_ran_runs_once(failed: Served) -> None:
    mend(failed)
    for _ in range(2):
        again(failed, handler="notify_merchant")
    run(failed)

    assert [row.run for row in failed.rows(HandlerRow)] == [2, 1]
    assert len([mail for mail in failed.rows(MailRow) if mail.handler == "notify_merchant"]) == 2


def test_a_handler_that_was_added_later_runs_on_an_old_order_only_when_named(
    failed: Served, serve: Callable[..., Served]
) -> None:
    shop = serve(work=False)
    again(shop)
    run(shop)
    assert "register_customer" not in shop.handler_states()

    assert again(shop, handler="register_customer") == "open"
    run(shop)
    states = shop.handler_states()
    assert states == {"notify_merchant": "done", "flaky": "failed", "register_customer": "done"}
    assert [row.position for row in shop.rows(HandlerRow)] == [1, 2, 3]


def test_an_unknown_handler_or_receipt_is_named(failed: Served) -> None:
    assert refusal(failed, handler="nobody") == "No handler is named nobody; see `flask handlers list`."
    for receipt in ("rcp_00000002", "1", "rcp_", "rcp_" + "9" * 18):
        said = refusal(failed, receipt)
        assert (said.startswith("No order has the receipt "), f" {receipt};" in said) == (True, True)


@pytest.mark.parametrize("seconds", [20, -7200])
def test_an_order_that_is_being_run_is_left_alone_whatever_the_clock_says(failed: Served, seconds: int) -> None:
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)
    with failed.kit.database.write() as session:
        session.execute(update(OrderRow).values(state="open", lease_token="a run", lease_until=until))

    assert "is being run at this moment" in refusal(failed)
    assert "is being run at this moment" in refusal(failed, handler="flaky")


@pytest.mark.parametrize("handler", [None, "notify_merchant"])
def test_no_handler_ever_runs_on_an_ignored_order_a_duplicate_or_a_test(idle: Served, handler: str | None) -> None:
    ignored = idle.post(order_fields(payment_status="unpaid")).content["receipt"]
    test = idle.post(order_fields(test="true")).content["receipt"]
    fields = order_fields()
    duplicate = idle.post(fields).content["receipt"]
    with idle.kit.database.write() as session:
        session.execute(update(OrderRow).where(OrderRow.id == 3).values(state="duplicate", key="body_1"))
    idle.post(fields)

    assert refusal(idle, ignored, handler) == f"{ignored} is ignored: no handler runs on it."
    assert refusal(idle, duplicate, handler) == f"{duplicate} is duplicate: no handler runs on it."
    assert "is a test order; send a new one" in refusal(idle, test, handler)
