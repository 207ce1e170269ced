"""What an order of a shop always says: one that says no state, or neither a total nor an item, is parked."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from receiver.orders import Fields, NotUnderstood, Understood, decode, read
from receiver.orders.names import Place
from receiver.security.schemes import Sent
from receiver.sources import Source, kinds
from receiver.sources.answers import Answers
from tests.served import Served

NOW = datetime(2026, 11, 23, 14, 6, tzinfo=UTC)
KINDS = kinds.load(Path("nowhere")).types
SHOPS = Path(__file__).parent / "shops"
STATES = ("payment_status", "order_status")
#: The kinds whose shops send a state with each order, and those that send only sales or say nothing of the payment.
SAY_A_STATE = (
    *("bigcommerce", "ecwid", "ecwid-api", "hotmart", "lemonsqueezy", "mollie", "paddle", "paypal-ipn"),
    *("paypal-webhooks", "shopify", "snipcart", "stripe", "woocommerce"),
)
SAY_CONTENTS = (
    *("bigcommerce", "digistore24", "ecwid-api", "foxy", "gumroad", "hotmart", "kofi", "lemonsqueezy", "mollie"),
    *("paddle", "paypal-ipn", "paypal-webhooks", "shopify", "snipcart", "stripe", "thrivecart", "woocommerce"),
)


def source_of(kind: str) -> Source:
    return KINDS[kind](kind).with_rules({})


def expected_of(kind: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SHOPS / kind / "expected.json").read_text("utf-8"))
    return found


def paid_order(kind: str) -> Fields:
    """Return the fields of an order that's completed."""
    expected = expected_of(kind)
    case = next(one for one in expected["cases"].values() if one["decision"] == "completed")
    fields = decode((SHOPS / kind / case["body"]).read_bytes(), expected["content_type"], 20_000).fields
    if kind == "kofi":  # JSON in a form's field
        fields = [(f"data.{name}", value) for name, value in fields]
    return source_of(kind).with_headers({k.lower(): v for k, v in expected["headers"].items()}, fields)


def names_for(kind: str, *fields: str) -> set[str]:
    mapping = source_of(kind).mapping
    assert mapping is not None
    return {name for field in fields for name in (field, *mapping.names_for(Place("order", 0, field)))}


def test_these_kinds_always_say_a_state_and_those_what_was_bought() -> None:
    kinds = [one.name for one in SHOPS.iterdir() if one.name != "generic-hmac"]
    assert sorted(one for one in kinds if KINDS[one].always_says_what_is_paid) == sorted(SAY_A_STATE)
    assert sorted(one for one in kinds if KINDS[one].always_says_what_was_bought) == sorted(SAY_CONTENTS)


@pytest.mark.parametrize("kind", SAY_A_STATE)
def test_an_order_without_a_state_is_parked_until_the_shop_is_said_to_send_only_paid_ones(kind: str) -> None:
    states = names_for(kind, *STATES)
    fields = [one for one in paid_order(kind) if one[0] not in states]
    source = source_of(kind)
    reading = read(fields, source.mapping, NOW)
    assert isinstance(reading, NotUnderstood), reading
    assert reading.errors[0].field in states
    assert not reading.errors[0].field.startswith("$")
    assert "nothing says whether it's paid" in reading.errors[0].message
    assert (reading.decided, reading.errors[0].word) == (None, None)
    answered = source.with_answers(Answers(only_paid=True)).with_rules({})
    assert isinstance(read(fields, answered.mapping, NOW), Understood)


@pytest.mark.parametrize("kind", SAY_CONTENTS)
def test_an_order_of_which_only_id_state_and_buyer_are_there_is_parked(kind: str) -> None:
    kept = names_for(kind, "event", "order_id", *STATES)
    fields = [one for one in paid_order(kind) if one[0] in kept or "email" in one[0] or one[0] == "data.object.object"]
    reading = read(fields, source_of(kind).mapping, NOW)
    assert isinstance(reading, NotUnderstood), reading
    assert [error.field in names_for(kind, "total") for error in reading.errors] == [True]
    assert reading.may_be_no_order


@pytest.mark.parametrize(
    ("kind", "name"),
    [("shopify", "financial_status"), ("woocommerce", "status"), ("stripe", "data.object.payment_status")],
)
def test_the_parameter_is_named_that_the_shop_says_it_in(kind: str, name: str) -> None:
    reading = read([one for one in paid_order(kind) if one[0] != name], source_of(kind).mapping, NOW)
    assert isinstance(reading, NotUnderstood)
    assert reading.errors[0].field == name


def test_a_word_about_the_goods_is_a_state() -> None:
    fields = [(name, "awaiting-shipment" if name == "status" else value) for name, value in paid_order("woocommerce")]
    reading = read(fields, source_of("woocommerce").mapping, NOW)
    assert isinstance(reading, Understood)
    assert reading.decided == "completed"


@pytest.mark.parametrize(
    "body",
    [
        {"id": 30002, "email": "x@y.example", "first_name": "X", "orders_count": 0},
        {"id": 30003, "order_id": 30001, "refund_line_items": [{"id": 1, "line_item": {"name": "Tea"}}]},
        {"id": 6041},
    ],
)
@pytest.mark.parametrize("topic", ["orders/paid", "orders/create"])
def test_a_body_of_shopify_that_is_no_order_is_parked_whatever_its_topic_says(body: dict[str, Any], topic: str) -> None:
    fields = decode(json.dumps(body).encode(), "application/json", 100).fields
    source = source_of("shopify")
    reading = read(source.with_headers({"x-shopify-topic": topic}, fields), source.mapping, NOW)
    assert isinstance(reading, NotUnderstood)
    assert [error.field for error in reading.errors] == ["financial_status", "total_price"]
    assert reading.may_be_no_order


REFUND = b'{"id": 7, "order_id": 6, "transactions": [{"kind": "refund", "status": "success", "amount": "5.00"}]}'
CANCELLED = {"financial_status": "voided", "total_price": "9.00", "cancelled_at": "2026-11-23T15:30:00+01:00"}


@pytest.mark.parametrize(
    ("kind", "topic", "changes", "problem"),
    [
        ("shopify", "orders/cancelled", {"cancelled_at": ""}, "the body has no cancelled_at"),
        ("shopify", "Orders/Cancelled", CANCELLED, ""),
        ("shopify", "refunds/create", {}, "the body has no order_id"),
        ("shopify", "refunds/create", {"order_id": "1"}, "the body has financial_status"),
        ("shopify", "orders/delete", {}, "the body has financial_status"),
        ("woocommerce", "order.deleted", {}, "the body has status"),
        ("woocommerce", "order.updated", {}, ""),
    ],
)
def test_a_header_that_says_what_became_of_an_order_has_to_fit_the_body(
    kind: str, topic: str, changes: dict[str, str], problem: str
) -> None:
    source = source_of(kind)
    header = {source.kept_headers[0]: topic}
    reading = read(source.with_headers(header, [*dict(paid_order(kind), **changes).items()]), source.mapping, NOW)
    if not problem:
        assert isinstance(reading, Understood)
        return
    assert isinstance(reading, NotUnderstood)
    (error,) = reading.errors
    assert (error.field, problem in error.message) == (f"header:{source.kept_headers[0]}", True)


@pytest.mark.parametrize(
    ("kind", "topic", "body", "decided"),
    [
        ("shopify", "orders/delete", b'{"id": 7}', "cancelled"),
        ("shopify", "refunds/create", REFUND, "refunded"),
        ("woocommerce", "order.deleted", b'{"id": 7}', "cancelled"),
    ],
)
def test_what_became_of_an_order_may_be_told_by_its_id_alone(kind: str, topic: str, body: bytes, decided: str) -> None:
    source = source_of(kind)
    fields = source.with_headers({source.kept_headers[0]: topic}, decode(body, "application/json", 100).fields)
    reading = read(fields, source.mapping, NOW)
    assert isinstance(reading, Understood)
    assert reading.decided == decided


def test_nobody_is_emailed_about_a_customer_that_comes_as_an_order(serve: Callable[..., Served]) -> None:
    secret = "a signing key of the shop, made up"
    shop = serve(sources={"mine": {"kind": "shopify", "secrets": [secret]}})
    body = b'{"id": 30002, "email": "x@y.example", "first_name": "X"}'
    scheme = KINDS["shopify"].scheme
    assert scheme is not None
    sent = Sent({}, body, "https://shop.example/orders/mine", list)
    headers = {"X-Shopify-Topic": "orders/paid", **scheme.sign(sent, secret, datetime.now(UTC))}
    reply = shop.post(body, path="/orders/mine", headers=headers, content_type="application/json")
    assert (reply.status, reply.content["status"]) == (202, "parked")
    (row,) = shop.rows()
    assert (row.state, row.decided) == ("parked", None)
