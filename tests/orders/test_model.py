"""The models of an order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from pydantic import BaseModel, ValidationError

from receiver.orders import Address, Customer, Item, Order
from receiver.orders.names import KINDS, MADE_HERE, PARTS

NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)


@pytest.mark.parametrize("model", [Order, Customer, Address, Item])
def test_every_field_has_a_description_and_an_example(model: type[BaseModel]) -> None:
    for name, info in model.model_fields.items():
        assert info.description, name
        assert info.examples, name


@pytest.mark.parametrize("model", [Order, Customer, Address, Item])
def test_every_example_is_a_value_of_its_field(model: type[BaseModel]) -> None:
    needed = {"order_id": "A-1", "order_date": NOW} if model is Order else {}
    for name, info in model.model_fields.items():
        assert info.examples
        made = model.model_validate({**needed, name: info.examples[0]})
        assert getattr(made, name) is not None


def test_an_order_is_read_back_from_its_json() -> None:
    order = Order(
        order_id="1E5",
        order_date=NOW,
        currency="JPY",
        total=Decimal("1E+3"),
        items=(Item(name="日本", quantity=1, unit_price=Decimal("0.000001"), options={"a": "b"}),),
        custom={"a": ["b", "c"]},
        notes=("n",),
    )
    assert Order.model_validate_json(order.model_dump_json()) == order
    assert '"total":"1000"' in order.model_dump_json()


def test_a_number_without_a_plain_text_of_its_own_is_read_back_from_json() -> None:
    order = Order.model_validate(
        {"order_id": "A-1", "order_date": NOW, "discount_total": Decimal("-0.00"), "total": 5, "tax_total": "-0.50"}
    )
    assert Order.model_validate_json(order.model_dump_json(exclude_none=True)) == order
    assert '"discount_total":"0.00"' in order.model_dump_json()
    assert (order.total, order.tax_total) == (Decimal(5), Decimal("-0.50"))


@pytest.mark.parametrize(
    "lax",
    [
        {"total": "1E5"},
        {"total": "１２"},
        {"total": " 5"},
        {"discount_total": "+1"},
        {"items": ({"unit_price": "1_000"},)},
        {"items": ({"quantity": "2,0"},)},
        {"test": "yes"},
        {"customer": {"is_guest": "on"}},
        {"order_date": "1795442700"},
        {"order_date": "2026-11-23"},
    ],
)
def test_text_is_read_by_the_contract_and_not_by_the_wider_rules_of_pydantic(lax: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Order.model_validate({"order_id": "A-1", "order_date": NOW, **lax})


def test_order_is_frozen_and_has_a_customer_always() -> None:
    order = Order(order_id="A-1", order_date=NOW)
    assert order.customer.email is None
    assert (order.billing, order.shipping, order.items, order.event) == (None, None, (), "order.completed")
    with pytest.raises(ValidationError, match="frozen"):
        order.order_id = "A-2"  # type: ignore[misc]


def test_dates_are_kept_in_utc() -> None:
    order = Order(order_id="A-1", order_date=NOW.astimezone(timezone(timedelta(hours=9))))
    assert order.order_date.isoformat() == "2026-11-23T14:05:00+00:00"


@pytest.mark.parametrize(
    "wrong",
    [
        {"order_id": ""},
        {"order_date": datetime(2026, 11, 23)},  # noqa: DTZ001
        {"total": Decimal("NaN")},
        {"total": Decimal("1E+15")},
        {"currency": "JPY", "total": Decimal("1.5")},
        {"currency": "GBP", "items": (Item(total=Decimal("1.555")),)},
        {"discount_total": Decimal(-1)},
        {"customer": {"email": "a@x.com,c@y.com"}},
        {"items": ({"quantity": 0},)},
        {"billing": {"country": "UK"}},
        {"event_id": "evt.1"},
        {"format_version": "2"},
    ],
)
def test_an_order_made_in_python_is_held_to_the_contract(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Order.model_validate({"order_id": "A-1", "order_date": NOW, **wrong})


def test_kinds_cover_every_field_that_can_be_sent() -> None:
    sent = {
        (part, field)
        for part, model in PARTS.items()
        for field in model.model_fields
        if part != "order" or field not in MADE_HERE | {"customer", "billing", "shipping", "items", "custom"}
    }
    assert set(KINDS) == sent


def test_only_the_fields_of_the_contract_park() -> None:
    parking = {field for (_, field), kind in KINDS.items() if kind.parks}
    assert parking == {
        *("format_version", "event", "test", "order_id", "email", "quantity", "unit_price", "tax"),
        *("subtotal", "discount_total", "shipping_total", "tax_total", "total"),
    }
