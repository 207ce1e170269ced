"""What isn't known of a parked order, and bodies that were said to be no orders."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from receiver.dispatch.replay import Replay
from receiver.intake import parked_groups, questions
from receiver.orders import FieldError, NotUnderstood
from receiver.sources import answers
from tests.chunked_forms import CUT, post
from tests.served import Served, order_fields

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TICKET = {"ticket": "7", "line1": "hello", "line2": "there"}


def groups(shop: Served) -> list[parked_groups.Group]:
    with shop.kit.database.read() as session:
        return parked_groups.all_groups(session)


def say_no_orders(shop: Served, question: str) -> None:
    with shop.kit.database.write() as session:
        answers.save_no_orders(session, "shopintegrator", question, receipt="rcp_00000001", now=NOW)
    shop.kit.sources.look_again()


@pytest.mark.parametrize(
    ("errors", "asked"),
    [
        ([FieldError("status", "is new", "On_Hold ")], "word:on-hold"),
        ([FieldError("items[12].quantity", "must be a number")], "error:items[#].quantity must be a number"),
        ([FieldError("x" * 999, "is odd")], "error:" + "x" * 300),
    ],
)
def test_what_is_asked(errors: list[FieldError], asked: str) -> None:
    assert questions.asked_by(NotUnderstood(tuple(errors)), [("a", "b")]) == asked


def test_numbers_in_names_count_for_nothing() -> None:
    nothing = NotUnderstood((FieldError("order_id", "is missing"),), may_be_no_order=True)
    one = questions.asked_by(nothing, [("line[0].x", "1"), ("ref", "2")])
    assert one == questions.asked_by(nothing, [("ref", ""), ("line[10].x", "1"), ("line[11].x", "1")])
    assert one != questions.asked_by(nothing, [("line[0].x", "1")])
    assert one.startswith(questions.NO_ORDER)


def test_the_word_is_kept_and_never_answered(serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    reply = shop.post(order_fields(payment_status=" In_Kiln "))
    assert [set(error) for error in reply.content["errors"]] == [{"field", "message"}]
    assert "In_Kiln" not in json.dumps(reply.content)
    (row,) = shop.rows()
    assert (json.loads(row.errors)[0]["word"], row.parked_as) == ("In_Kiln", "word:in-kiln")


def test_orders_that_ask_the_same_are_one_group_of_their_source(serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    shop.post(order_fields())
    for ticket in (TICKET, TICKET | {"ticket": "8", "line3": "again"}, {"order_id": "A-1", "note": "hi"}):
        shop.post(ticket)
    post(shop.kit, CUT)
    held_back, only_an_id, tickets = groups(shop)
    assert (tickets.seen.number, tickets.receipt, tickets.may_be_no_orders) == (2, "rcp_00000003", True)
    assert (only_an_id.may_be_no_orders, only_an_id.word) == (True, None)
    assert (held_back.field, held_back.may_be_no_orders) == ("body", False)
    with shop.kit.database.read() as session:
        assert parked_groups.find(session, "shopintegrator", tickets.question) == tickets
        assert parked_groups.find(session, "elsewhere", tickets.question) is None
        assert parked_groups.find(session, "shopintegrator", "") is None
        assert len(parked_groups.all_groups(session, 2)) == 2


def test_what_was_said_to_be_no_order_is_ignored_now_and_later(serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    first = shop.post(TICKET).content["receipt"]
    say_no_orders(shop, groups(shop)[0].question)
    again = Replay(sources=shop.kit.sources, registry=shop.kit.registry, bodies=shop.kit.bodies)
    (done,) = again.each(shop.kit.database, [first])
    assert (done.state, done.became) == ("ignored", "ignored")
    assert shop.post(TICKET | {"ticket": "9"}).content["status"] == "ignored"
    assert [(row.state, row.decided, row.order) for row in shop.rows()] == [("ignored", None, None)] * 2
    assert shop.post(order_fields(**TICKET)).content["status"] == "accepted"
    assert shop.post({"note": "another one"}).content["status"] == "parked"


def test_once_the_answer_is_taken_back_it_is_parked_again(serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    shop.post(TICKET)
    question = groups(shop)[0].question
    say_no_orders(shop, question)
    again = Replay(sources=shop.kit.sources, registry=shop.kit.registry, bodies=shop.kit.bodies)
    list(again.each(shop.kit.database, ["rcp_00000001"]))
    with shop.kit.database.write() as session:
        answers.forget_no_orders(session, "shopintegrator", question)
    shop.kit.sources.look_again()
    (done,) = again.each(shop.kit.database, ["rcp_00000001"])
    assert done.state == "parked"
