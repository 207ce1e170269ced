"""Fields to an order, or to every reason why they are none."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from receiver.orders import (
    Fields,
    Item,
    NotUnderstood,
    Order,
    Understood,
    read,
)
from receiver.orders.states import EVENTS

NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)


def understood(*fields: tuple[str, str]) -> Order:
    reading = read([("order_id", "A-1"), *fields], None, NOW)
    assert isinstance(reading, Understood), reading
    return reading.order


def error_fields(fields: Fields) -> list[str]:
    reading = read(fields, None, NOW)
    assert isinstance(reading, NotUnderstood), reading
    return [error.field for error in reading.errors]


def test_an_order_needs_its_id_only() -> None:
    assert read([("order_id", " A-1 ")], None, NOW) == Understood(Order(order_id="A-1", order_date=NOW), "completed")


def test_missing_and_empty_mean_the_same() -> None:
    empty = understood(("total", ""), ("customer_email", " "), ("billing_city", ""), ("item_1_name", ""), ("test", ""))
    assert empty == Order(order_id="A-1", order_date=NOW)
    assert error_fields([("order_id", " ")]) == error_fields([]) == ["order_id"]


@pytest.mark.parametrize("nothing", ["null", "NULL", "N/A", "-", "undefined"])
def test_words_for_nothing_mean_the_same_too(nothing: str) -> None:
    order = understood(("total", nothing), ("customer_email", nothing), ("item_1_name", nothing), ("test", nothing))
    assert order == Order(order_id="A-1", order_date=NOW)
    assert error_fields([("order_id", nothing)]) == ["order_id"]


def test_form_names_and_json_paths_name_the_same_places() -> None:
    form = understood(("customer_email", "z@example.com"), ("item_1_quantity", "2"), ("shipping_total", "1.00"))
    path = understood(("customer.email", "z@example.com"), ("items[0].quantity", "2"), ("shipping_total", "1.00"))
    assert form == path
    assert form.shipping is None
    assert form.shipping_total == Decimal("1.00")


def test_all_errors_come_at_once_named_as_sent_and_without_the_values() -> None:
    reading = read(
        [
            ("items[0].quantity", "SECRET-VALUE"),
            ("item_2_unit_price", "1,500"),
            ("customer_email", "SECRET-VALUE"),
            ("total", "NaN"),
            ("test", "perhaps"),
            ("format_version", "2"),
            ("discount_total", "a tenth"),
            ("order_id", "x" * 256),
            ("event", "e" * 101),
        ],
        None,
        NOW,
    )
    assert isinstance(reading, NotUnderstood)
    assert [error.field for error in reading.errors] == [
        "format_version",
        "event",
        "test",
        "order_id",
        "discount_total",
        "total",
        "customer_email",
        "items[0].quantity",
        "item_2_unit_price",
    ]
    assert "SECRET-VALUE" not in str(reading)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("event_id", "evt.1"),
        ("order_date", "23/11/2026"),
        ("currency", "pounds"),
        ("locale", "klingon"),
        ("billing_country", "Ruritania"),
        ("store_url", "javascript:alert(1)"),
        ("customer_accepts_marketing", "perhaps"),
    ],
)
def test_another_malformed_value_is_noted_and_counts_as_missing(name: str, value: str) -> None:
    order = understood((name, value))
    assert len(order.notes) == 1
    assert order.notes[0].startswith(f"{name} must ")
    assert value not in order.notes[0]
    assert order.model_copy(update={"notes": ()}) == Order(order_id="A-1", order_date=NOW, extra={name: value})


@pytest.mark.parametrize(
    ("currency", "good", "bad", "rounded"),
    [
        ("GBP", "19.99", "19.999", "20.00"),
        ("JPY", "1200", "1200.5", "1201"),
        ("KWD", "1.234", "1.2345", "1.235"),
        ("", "1.2345", "1.23456", "1.2346"),
    ],
)
def test_an_amount_has_no_more_decimals_than_its_currency(currency: str, good: str, bad: str, rounded: str) -> None:
    assert understood(("currency", currency), ("total", good), ("item_1_tax", good)).notes == ()
    order = understood(("currency", currency), ("total", bad), ("item_1_tax", bad))
    assert order.notes == ("total was rounded", "item_1_tax was rounded")
    assert order.total == order.items[0].tax == Decimal(rounded)


def test_a_unit_price_may_have_six_decimals_in_any_currency() -> None:
    assert understood(("currency", "JPY"), ("item_1_unit_price", "0.000125")).items[0].unit_price == Decimal("0.000125")


@pytest.mark.parametrize(
    "names",
    [
        ["item_2_name"],
        ["item_1_name", "item_3_name"],
        ["item_0_name", "item_1_name"],
        ["items[1].name"],
        ["item_999999999999_name"],
    ],
)
def test_a_gap_in_the_items_parks(names: list[str]) -> None:
    (field,) = error_fields([("order_id", "1"), *((name, "a") for name in names)])
    assert field in names


def test_items_are_read_in_the_order_of_their_numbers() -> None:
    order = understood(("item_2_name", "b"), ("item_10_name", ""), ("item_1_name", "a"))
    assert [item.name for item in order.items] == ["a", "b"]


def test_options_come_as_text_or_as_an_object() -> None:
    text = understood(("item_1_options", "Colour: red, Size: M"))
    path = understood(("items[0].options.Colour", "red"), ("items[0].options.Size", "M"))
    assert text.items == path.items == (Item(options={"Colour": "red", "Size": "M"}),)


def test_custom_fields_are_handed_over_as_they_came() -> None:
    order = understood(
        ("custom_gift", " yes "),
        ("custom_x", "1"),
        ("custom_x", "2"),
        ("custom.y[0]", "3"),
        ("custom.y[1]", ""),
        ("custom_x", "4"),
    )
    assert order.custom == {"gift": " yes ", "x": ["1", "2", "4"], "y": ["3", ""]}


def test_unknown_names_are_kept_as_they_came() -> None:
    order = understood(
        ("total", "1"),
        ("Affiliate", " 7 "),
        ("tag", "a"),
        ("tag", "b"),
        ("items[0].weight", "2"),
        ("custom_", "x"),
        ("n" * 200, "y"),
    )
    assert order.extra == {
        "Affiliate": " 7 ",
        "tag": ["a", "b"],
        "items[0].weight": "2",
        "custom_": "x",
        "n" * 200: "y",
    }
    assert order.items == ()


def test_the_secret_is_no_part_of_an_order() -> None:
    assert "s3cret" not in understood(("shared_secret", "s3cret")).model_dump_json()


@pytest.mark.parametrize(
    ("fields", "decided"),
    [
        ([("event", "order.completed")], "completed"),
        ([("event", "Order.Refunded")], "refunded"),
        ([("event", "order.cancelled"), ("payment_status", "paid")], "cancelled"),
        ([("event", "Completed")], "completed"),
        ([("event", "order.updated")], "updated"),
        ([("event", "order.updated"), ("payment_status", "paid")], "completed"),
        ([("event", "order.shipped.late")], "order.shipped.late"),
        ([("order_status", "canceled")], "cancelled"),
        ([("order_status", "Cancelled")], "cancelled"),
        ([("payment_status", "PENDING")], "pending"),
        ([("order_status", "shipped"), ("payment_status", "paid")], "completed"),
        ([("order_status", "draft"), ("payment_status", "unpaid")], "unpaid"),
    ],
)
def test_what_it_is_decides_and_is_named(fields: Fields, decided: str) -> None:
    reading = read([("order_id", "1"), *fields], None, NOW)
    assert isinstance(reading, Understood)
    assert reading.decided == decided
    if decided in EVENTS:
        assert reading.order.event == f"order.{decided}"


def test_a_refund_says_how_much_went_back_with_a_minus_or_without() -> None:
    order = understood(("event", "order.refunded"), ("refund_total", "-12.00"), ("refund_id", "RF-3"))
    assert (order.refund_id, order.refund_total) == ("RF-3", Decimal("12.00"))


def test_a_refund_that_is_no_amount_is_noted_and_parks_nothing() -> None:
    order = understood(("event", "order.refunded"), ("refund_total", "all of it"))
    assert (order.refund_total, order.extra) == (None, {"refund_total": "all of it"})
    assert len(order.notes) == 1


def test_a_refund_of_an_unknown_shop_is_understood_by_what_went_back() -> None:
    reading = read([("order_id", "1"), ("event", "order.refunded"), ("refund_total", "5"), ("why", "late")], None, NOW)
    assert isinstance(reading, Understood)


@pytest.mark.parametrize("date", ["9999-12-31T23:59:59.999999Z", "2026-11-24T14:05:01Z"])
def test_a_date_in_the_future_is_noted_and_counts_as_missing(date: str) -> None:
    order = understood(("order_date", date))
    assert order.order_date == NOW
    assert order.notes == ("order_date is more than a day after the order came in: it counts as missing",)


def test_a_date_within_a_day_is_only_a_clock_that_differs() -> None:
    order = understood(("order_date", "2026-11-24T14:05:00Z"))
    assert (order.order_date, order.notes) == (datetime(2026, 11, 24, 14, 5, tzinfo=UTC), ())


@pytest.mark.parametrize(("total", "adds_up"), [("67.35", True), ("56.60", True), ("0.00", False), ("67.36", False)])
def test_totals_that_do_not_add_up_are_noted(total: str, adds_up: bool) -> None:
    parts = [("subtotal", "57.45"), ("discount_total", "5.75"), ("shipping_total", "4.90"), ("tax_total", "10.75")]
    order = understood(*parts, ("total", total))
    assert order.total == Decimal(total)
    assert (order.notes == ()) is adds_up
