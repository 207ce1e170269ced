"""An order that has run is read again with today's mapping: what changes, what runs, and what can't be."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from receiver.app.components import Kit
from receiver.dispatch import second_reading
from receiver.dispatch.replay import Replay
from receiver.dispatch.second_reading import SecondReading
from receiver.errors import NotPossible, NotThere
from receiver.sources import saved_options
from receiver.storage.models import CustomerRow, HandlerRow, MailRow, OrderRow
from tests.chunked_forms import WHOLE, post
from tests.served import Served, order_fields

#: Its email comes under a name that nobody has mapped yet.
POOR = order_fields(order_id="A-1", BuyerEmail="zoe@buyer.example") | {"customer_email": ""}
OF_EMAIL = ("customer.email", "", "zoe@buyer.example")


def map_email(shop: Served, **rules: str) -> None:
    """Map the parameter that nobody had mapped, and others."""
    with shop.kit.database.write() as session:
        mapped = {"customer.email": "BuyerEmail", **{name.replace("__", "."): rule for name, rule in rules.items()}}
        saved_options.save_rules(session, "shopintegrator", mapped, datetime.now(UTC))
    shop.kit.sources.look_again()


def look(shop: Served, name: str = "rcp_00000001") -> SecondReading:
    with shop.kit.database.read() as session:
        return second_reading.look(session, name, shop.kit.sources, shop.kit.registry)


def save(shop: Served, *also: str, seen: SecondReading | None = None) -> None:
    with shop.kit.database.write() as session:
        found = seen or second_reading.look(session, "rcp_00000001", shop.kit.sources, shop.kit.registry)
        second_reading.save(session, found, shop.kit.registry, also)
    run(shop.kit)


def run(kit: Kit) -> None:
    while kit.processor.run_next():
        pass


@pytest.fixture
def shop(serve: Callable[..., Served]) -> Served:
    """Serve with one order that was read without its email and ran."""
    shop = serve(work=False)
    shop.post(POOR)
    run(shop.kit)
    return shop


def test_the_same_mapping_changes_nothing(shop: Served) -> None:
    seen = look(shop)
    assert (seen.differences, seen.runs) == ((), ())
    assert seen.others["register_customer"] == "skipped"


def test_what_changes_is_shown_and_what_skipped_the_order_runs(shop: Served) -> None:
    assert shop.handler_states()["email_customer"] == "skipped"
    map_email(shop)
    seen = look(shop, "A-1")
    assert [tuple(one) for one in seen.differences] == [OF_EMAIL]
    assert {"register_customer", "email_customer"} <= set(seen.runs)
    assert seen.others["notify_merchant"] == "done"
    assert shop.rows()[0].email is None, "looking changes nothing"

    before = len([mail for mail in shop.rows(MailRow) if mail.handler == "notify_merchant"])
    save(shop)
    row = shop.rows()[0]
    assert (row.state, row.email) == ("done", "zoe@buyer.example")
    assert json.loads(row.order)["customer"]["email"] == "zoe@buyer.example"
    assert json.loads(row.notes)[-1].startswith("read again by hand on 20")
    assert json.loads(row.notes)[-1].endswith("; changed: customer.email")
    assert "zoe" not in row.notes
    assert [one.email for one in shop.rows(CustomerRow)] == ["zoe@buyer.example"]
    assert [mail.recipient for mail in shop.rows(MailRow) if mail.handler == "email_customer"] == ["zoe@buyer.example"]
    assert len([mail for mail in shop.rows(MailRow) if mail.handler == "notify_merchant"]) == before
    assert look(shop).differences == ()


def test_a_copy_that_comes_later_is_still_a_copy(shop: Served) -> None:
    """It's read by today's mapping, whose order id, items and total are other ones."""
    map_email(shop, total="item_1_unit_price", order_id="customer_first_name")
    changed = {one.field for one in look(shop).differences}
    assert changed == {"customer.email", "customer.first_name", "order_id", "items[0].unit_price"}
    save(shop)
    assert shop.rows()[0].order_id == "Ada"
    assert shop.post(POOR).content["status"] == "duplicate"
    assert len(shop.rows()) == 1


def test_other_handlers_run_when_they_are_named(shop: Served) -> None:
    map_email(shop)
    save(shop, "notify_merchant")
    assert [one.run for one in shop.rows(HandlerRow) if one.name == "notify_merchant"] == [2]
    with pytest.raises(NotPossible, match="isn't finished with"):
        save(shop, "nobody")


def test_a_date_that_was_sent_is_read_again_too(serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    shop.post(order_fields(order_id="A-1", Placed="2026-11-20T10:00:00Z"))
    run(shop.kit)
    with shop.kit.database.write() as session:
        saved_options.save_rules(session, "shopintegrator", {"order_date": "Placed"}, datetime.now(UTC))
    shop.kit.sources.look_again()
    assert [(one.field, one.after) for one in look(shop).differences] == [("order_date", "2026-11-20T10:00:00Z")]


def test_the_customers_record_follows(serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    shop.post(order_fields(order_id="A-1", Given="Augusta"))
    run(shop.kit)
    assert [one.first_name for one in shop.rows(CustomerRow)] == ["Ada"]
    with shop.kit.database.write() as session:
        saved_options.save_rules(session, "shopintegrator", {"customer.first_name": "Given"}, datetime.now(UTC))
    shop.kit.sources.look_again()
    assert look(shop).runs == ("register_customer",)
    save(shop)
    assert [one.first_name for one in shop.rows(CustomerRow)] == ["Augusta"]


def test_many_changes_are_named_in_short(serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    shop.post(order_fields(order_id="A-1", **{f"custom_{number}": "x" for number in range(30)}))
    run(shop.kit)
    rules = {f"custom.b{number}": f"custom_{number}" for number in range(30)}
    with shop.kit.database.write() as session:
        saved_options.save_rules(session, "shopintegrator", rules, datetime.now(UTC))
    shop.kit.sources.look_again()
    save(shop)
    assert json.loads(shop.rows()[0].notes)[-1].endswith(" and 40 more")


def test_a_handler_that_still_waits_is_left_to_its_schedule(serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    shop.post(POOR)
    map_email(shop)
    seen = look(shop)
    assert (seen.runs, set(seen.others.values())) == ((), {""})
    save(shop)
    assert shop.handler_states()["email_customer"] == "done", "it runs with the new reading"


def test_an_imported_one_runs_only_what_is_named(shop: Served) -> None:
    with shop.kit.database.write() as session:
        session.query(HandlerRow).delete()
        session.execute(update(OrderRow).values(proof="import"))
    map_email(shop)
    assert look(shop).runs == ()
    save(shop, "register_customer", "email_customer")
    states = shop.handler_states()
    assert (states.pop("register_customer"), states.pop("email_customer")) == ("done", "done")
    assert set(states.values()) == {"skipped"}


def test_one_that_ran_as_paid_stays_paid(serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    shop.post(POOR | {"payment_status": "pending"})
    with shop.kit.database.write() as session:
        again = Replay(sources=shop.kit.sources, registry=shop.kit.registry, bodies=shop.kit.bodies, as_paid=True)
        again.one(session, "rcp_00000001")
    run(shop.kit)
    map_email(shop)
    assert [tuple(one) for one in look(shop).differences] == [OF_EMAIL]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"state": "parked"}, "is parked: `flask orders replay rcp_00000001` reads it again"),
        ({"state": "ignored"}, "is ignored"),
        ({"test": True}, "is a test order"),
        ({"order": None}, "no longer has personal data"),
        ({"fields": "[]"}, "no longer has personal data"),
        ({"lease_until": datetime(2026, 1, 1, tzinfo=UTC)}, "is being run at this moment"),
    ],
)
def test_what_cannot_be_read_again_is_said(shop: Served, columns: dict[str, object], said: str) -> None:
    with shop.kit.database.write() as session:
        session.execute(update(OrderRow).values(**columns))
    with pytest.raises(NotPossible, match=said):
        look(shop)
    with pytest.raises(NotThere):
        look(shop, "A-2")


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"payment_status": "BuyerEmail"}, "isn't understood: BuyerEmail"),
        ({"test": {"value": "true"}}, "is a test, and handlers ran on it as completed"),
        ({"order_status": {"value": "pending"}}, "is pending, and handlers ran on it as completed"),
    ],
)
def test_what_would_be_something_else_changes_nothing(shop: Served, rules: dict[str, object], said: str) -> None:
    with shop.kit.database.write() as session:
        saved_options.save_rules(session, "shopintegrator", rules, datetime.now(UTC))
    shop.kit.sources.look_again()
    with pytest.raises(NotPossible, match=said):
        look(shop)


def test_one_that_is_another_order_by_today_is_not_saved(shop: Served) -> None:
    map_email(shop, order_id="Ref")
    shop.post(POOR | {"order_id": "A-2", "Ref": "R-1"})
    with shop.kit.database.write() as session:
        fields = shop.rows()[0].fields.replace('["BuyerEmail"', '["Ref","R-1"],["BuyerEmail"')
        session.execute(update(OrderRow).where(OrderRow.id == 1).values(fields=fields))
    with pytest.raises(NotPossible, match="is the same order as rcp_00000002"):
        look(shop)


def test_one_that_came_in_chunks_and_ran_can_be_read_again(serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    post(shop.kit, WHOLE + "&Given=Augusta")
    with shop.kit.database.write() as session:
        again = Replay(
            sources=shop.kit.sources, registry=shop.kit.registry, bodies=shop.kit.bodies, accept_incomplete=True
        )
        again.one(session, "rcp_00000001")
    run(shop.kit)
    map_email(shop, customer__first_name="Given")
    assert ("customer.first_name", "Ada", "Augusta") in [tuple(one) for one in look(shop).differences]
