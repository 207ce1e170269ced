"""What takes the place of a form that is held back, and what keeps one from running: never another thing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from receiver.app.components import Kit
from receiver.app.doctor import diagnose
from receiver.dispatch.replay import Replay, Replayed
from receiver.intake import held_back
from receiver.intake.explanation import explain_receipt
from receiver.intake.held_back import HeldBack
from receiver.storage import same_id
from receiver.storage.models import OrderRow
from tests.chunked_forms import accept, look, post, replay, rows, states
from tests.served import order_fields

ORDER = urlencode(order_fields(order_id="W6", item_2_name="Plate", item_2_unit_price="15.00"))
#: Whole, and of the same order and items, but another thing.
OTHERS = {
    "refund": "payment_status=refunded",
    "test": "test=true",
    "event": "event=order.updated",
    "pending": "payment_status=pending",
}


def done(kit: Kit) -> list[tuple[str, str | None]]:
    """Accept what is held back, run it, and give the states."""
    accept(kit)
    replay(kit)
    look(kit)
    return states(kit)


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("comes", ["first", "later"])
def test_another_thing_never_takes_an_orders_place(kit: Kit, other: str, comes: str) -> None:
    whole = [(ORDER, False), (f"{ORDER}&{OTHERS[other]}", True)]
    for body, end_is_known in whole if comes == "later" else reversed(whole):
        post(kit, body, end_is_known=end_is_known)
        look(kit)
    assert [row.state for row in rows(kit) if row.may_be_cut] == ["parked"]
    assert ("open", None) in done(kit)


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("comes", ["first", "later"])
def test_nor_does_one_that_is_held_back_itself(kit: Kit, other: str, comes: str) -> None:
    bodies = [ORDER, f"{ORDER}&{OTHERS[other]}&note=x"]
    for body in bodies if comes == "later" else reversed(bodies):
        post(kit, body)
        look(kit)
    assert [state for state, _ in states(kit)] == ["parked", "parked"]
    ran = [state for state, _ in done(kit)]
    assert ran[bodies.index(ORDER) if comes == "later" else 1] == "open"


def test_what_decides_where_an_order_belongs_counts_under_a_mapped_name_too(kit: Kit) -> None:
    table = '\n[sources.shopintegrator.fields]\npayment_status = "Zahlung"\n'
    path = kit.instance / "config.toml"
    path.write_text((path.read_text("utf-8") if path.exists() else "") + table, "utf-8")
    kit.sources.look_again()
    post(kit, ORDER)
    post(kit, f"{ORDER}&Zahlung=refunded", end_is_known=True)
    look(kit)
    assert states(kit) == [("parked", None), ("open", None)]


@pytest.mark.parametrize("word", ["payment_status=refunded&x=1", "test=true&x=1"])
def test_a_held_back_notice_gives_way_to_the_whole_notice(kit: Kit, word: str) -> None:
    post(kit, f"{word}&{ORDER}"[:-3])
    whole = post(kit, f"{word}&{ORDER}", end_is_known=True)
    look(kit)
    assert states(kit)[0] == ("duplicate", whole.receipt)


def test_the_very_same_form_with_another_time_is_a_duplicate_of_the_first(kit: Kit) -> None:
    post(kit, f"sent_time=1&{ORDER}")
    post(kit, f"{ORDER}&sent_time=2")
    look(kit)
    assert states(kit) == [("parked", None), ("duplicate", "rcp_00000001")]


@pytest.mark.parametrize("name", ["sent_time", "SentAt", "request_date", "webhook-id", "messageId", "ts", "time"])
@pytest.mark.parametrize("order", ["same", "turned"])
def test_the_whole_retry_takes_the_place_with_another_time_and_in_another_order(
    kit: Kit, name: str, order: str
) -> None:
    post(kit, f"{name}=1&{ORDER[: ORDER.index('&item_2_name')]}")
    retry = "&".join(reversed(ORDER.split("&"))) if order == "turned" else ORDER
    whole = post(kit, f"{name}=2&{retry}", end_is_known=True)
    look(kit)
    assert states(kit) == [("duplicate", whole.receipt), ("open", None)]


def test_what_was_cut_before_its_order_id_gives_way_to_the_retry_for_the_same_customer(kit: Kit) -> None:
    pairs = "&".join(part for part in ORDER.split("&") if not part.startswith("order_id"))
    post(kit, f"{pairs}&ord")
    post(kit, pairs[: pairs.index("customer_email") + 16])  # no customer: it may be anybody's
    whole = post(kit, f"{pairs}&order_id=W6", end_is_known=True)
    look(kit)
    assert states(kit) == [("duplicate", whole.receipt), ("parked", None), ("open", None)]


def test_of_two_that_may_be_cut_none_is_a_duplicate_until_the_longer_one_has_run(kit: Kit) -> None:
    post(kit, ORDER[:-20])
    post(kit, ORDER)
    look(kit)
    assert [state for state, _ in states(kit)] == ["parked", "parked"]
    (shorter,) = replay(kit, "rcp_00000001", accept_incomplete=True)
    assert "rcp_00000002 is held back too" in shorter.became
    (longer,) = replay(kit, "rcp_00000002", accept_incomplete=True)
    assert longer.state == "open"
    assert states(kit) == [("duplicate", "rcp_00000002"), ("open", None)]


def revised(kit: Kit) -> str:
    """Take in an order, and a chunked form of its id that says something else."""
    whole = post(kit, ORDER, end_is_known=True)
    post(kit, ORDER.replace("Plate", "Bowl"))
    look(kit)
    return str(whole.receipt)


@pytest.mark.parametrize("way", ["accepted by name", "accepted by source"])
def test_no_second_order_runs_unasked(kit: Kit, way: str) -> None:
    whole = revised(kit)
    if way == "accepted by source":
        accept(kit)
    (one,) = replay(kit, "rcp_00000002", accept_incomplete=way == "accepted by name")
    assert one.state == "parked"
    assert f"{whole} has the same order_id" in one.became
    assert "--accept-incomplete --second-order" in one.became
    assert states(kit) == [("open", None), ("parked", None)]
    assert whole in json.loads(rows(kit)[1].errors or "[]")[0]["message"]


def test_a_second_order_runs_when_the_merchant_says_so(kit: Kit) -> None:
    revised(kit)
    assert replay_as_second(kit, "rcp_00000002").state == "open"
    first, other = rows(kit)
    assert (first.state, other.state, other.same_id_as) == ("open", "open", first.id)


def replay_as_second(kit: Kit, receipt: str) -> Replayed:
    again = Replay(
        sources=kit.sources, registry=kit.registry, bodies=kit.bodies, accept_incomplete=True, second_order=True
    )
    (one,) = again.each(kit.database, [receipt])
    return one


def test_the_merchant_is_told_of_two_orders_of_one_id_when_the_earlier_one_runs_last(kit: Kit) -> None:
    post(kit, ORDER.replace("Plate", "Bowl"))
    post(kit, ORDER, end_is_known=True)
    assert told(kit) == (0, [])
    replay_as_second(kit, "rcp_00000001")
    assert told(kit) == (1, ["same_id"])


def told(kit: Kit) -> tuple[int, list[str]]:
    """Give how many second orders doctor counts, and whether the merchant hears of them."""
    now = datetime.now(UTC)
    with kit.database.read() as session:
        kinds = [one.kind for one in kit.notices.standing(session, now) if one.kind == "same_id"]
        return same_id.count_of_orders(session, now), kinds


def test_explaining_one_names_the_order_of_its_id(kit: Kit) -> None:
    whole = revised(kit)
    with kit.database.read() as session:
        said = explain_receipt(session, "rcp_00000002", kit.sources).as_text()
    assert f"{whole} has the same order_id" in said
    assert "Understood: completed\n" not in said


def test_doctor_tells_what_can_run_from_what_has_to_be_looked_at(kit: Kit) -> None:
    revised(kit)
    post(kit, "currency=GBP&total=1")
    post(kit, ORDER.replace("W6", "W7"))
    accept(kit)
    (said, _) = [one.text for one in diagnose(kit) if one.subject == "chunked forms"]
    assert said.partition(": ")[2] == (
        "3; they're accepted now. 1 can run: flask orders replay --parked. "
        "Check: flask orders explain rcp_00000002; then run or dismiss it, and 1 more"
    )


def test_only_what_came_since_and_what_it_may_be_is_compared(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []
    superseded_by = held_back.superseded_by
    monkeypatch.setattr(held_back, "_LOOK_EVERY_SECONDS", 0)

    def noted(session: Session, row: OrderRow, said: OrderRow) -> str | None:
        compared.append(row.id)
        return superseded_by(session, row, said)

    monkeypatch.setattr(held_back, "superseded_by", noted)
    for number in range(5):
        post(kit, ORDER.replace("W6", f"X{number}"))
    one = HeldBack(kit.database)
    one.look()
    assert sorted(compared) == [1, 2, 3, 4, 5]
    compared.clear()
    post(kit, ORDER.replace("W6", "X3"), end_is_known=True)
    one.look()
    assert compared == [4]
    one.look()
    assert compared == [4]
    assert states(kit)[3] == ("duplicate", "rcp_00000006")


@pytest.mark.sqlite
def test_news_is_found_by_its_order_id_and_by_its_email(kit: Kit) -> None:
    """5,000 forms were once compared with 1,000 orders each, which took half a minute."""
    with kit.database.read() as session:
        statement = held_back.concerned(lambda row: row.id > 5)
        compiled = statement.compile(session.connection(), compile_kwargs={"literal_binds": True})
        plan = " ".join(str(row) for row in session.execute(text(f"EXPLAIN QUERY PLAN {compiled}")))
    assert "orders USING INDEX ix_orders_held_back" in plan
    assert "USING INDEX ix_orders_order_id (order_id=?" in plan
    assert "USING INDEX ix_orders_email (email=?" in plan


def test_it_is_looked_every_few_seconds_at_most(kit: Kit) -> None:
    one = HeldBack(kit.database)
    one.look()
    post(kit, ORDER)
    post(kit, ORDER, end_is_known=True)
    one.look()
    assert states(kit)[0] == ("parked", None)
