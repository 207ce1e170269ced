"""Names that are not ours: mappings, and what they are explained to do."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from typing import Any

import pytest

from receiver.errors import ConfigurationError
from receiver.orders import Fields, Mapping, NotUnderstood, Order, Understood, decode, read
from receiver.orders.conversions import date_text
from tests.orders.test_parsing import NOW

FOREIGN = tomllib.loads(
    """
    order_id = "OrderRef"
    "customer.email" = ["BuyerEmail", "email"]
    "items[].name" = "Product{n}Name"
    "items[].quantity" = "Product{n}Qty"
    currency = {value = "GBP"}
    order_date = {from = "OrderDate", date = "%d/%m/%Y", zone = "Europe/London"}
    total = {from = "Total", decimal = ","}
    "billing.country" = {from = "Country", words = {UK = "GB"}}
    """
)
FOREIGN_BODY = (
    b"OrderRef=A-1&BuyerEmail=zoe%40example.com&Product1Name=Mug&Product1Qty=2&Product2Name=T-shirt&Product2Qty=1"
    b"&Product3Name=&Product3Qty=&OrderDate=23%2F07%2F2026&Total=%C2%A31.234%2C56&Country=UK&AuthKey=fingerprint"
)


def mapped(table: dict[str, Any], fields: Fields) -> Order:
    reading = read(fields, Mapping.from_table(table), NOW)
    assert isinstance(reading, Understood), reading
    return reading.order


def test_a_foreign_body_is_not_understood_without_a_mapping() -> None:
    reading = read(decode(FOREIGN_BODY, "application/x-www-form-urlencoded", 99).fields, None, NOW)
    assert isinstance(reading, NotUnderstood)
    assert [error.field for error in reading.errors] == ["order_id"]


def test_a_foreign_body_is_an_order_like_any_other_with_its_mapping() -> None:
    order = mapped(FOREIGN, decode(FOREIGN_BODY, "application/x-www-form-urlencoded", 99).fields)
    assert (order.order_id, order.customer.email, order.currency) == ("A-1", "zoe@example.com", "GBP")
    assert order.total == Decimal("1234.56")
    assert order.order_date.isoformat() == "2026-07-22T23:00:00+00:00"
    assert order.billing is not None
    assert order.billing.country == "GB"
    assert [(item.name, item.quantity) for item in order.items] == [("Mug", 2), ("T-shirt", 1)]
    assert order.extra == {"AuthKey": "fingerprint"}
    assert order.notes == ()


def test_the_first_name_that_is_not_empty_feeds_and_all_are_used_up() -> None:
    order = mapped({"order_id": ["a", "b", "c"]}, [("c", "3"), ("b", "2"), ("a", " "), ("b", "2")])
    assert order.order_id == "2"
    assert order.extra == {}


def test_contract_names_go_on_for_fields_that_the_mapping_does_not_feed() -> None:
    fields = [("order_id", "A-1"), ("total", "5.00"), ("Sum", "7.00"), ("customer_email", "z@example.com")]
    order = mapped({"order_id": "OrderRef", "total": "Sum"}, fields)
    assert (order.order_id, order.total, order.customer.email) == ("A-1", Decimal("7.00"), "z@example.com")
    assert order.extra == {"total": "5.00"}


def test_a_constant_gives_way_to_what_was_sent_under_our_own_name() -> None:
    """Money in another currency than the sender's would be wrong without a word."""
    table = {
        "order_id": "OrderRef",
        "currency": {"from": "cur", "value": "GBP"},
        "items[].quantity": {"value": "1"},
    }
    items = [("items[0].name", "a"), ("items[0].quantity", "3"), ("items[1].name", "b"), ("items[1].quantity", " ")]
    order = mapped(table, [("OrderRef", "A-1"), ("currency", "EUR"), *items])
    assert order.currency == "EUR"
    assert [(item.name, item.quantity) for item in order.items] == [("a", 3), ("b", 1)]
    blank = mapped(table, [("OrderRef", "A-1"), ("currency", " ")])
    assert (blank.currency, blank.extra) == ("GBP", {})
    assert mapped(table, [("OrderRef", "A-1"), ("currency", "EUR"), ("cur", "USD")]).currency == "USD"


@pytest.mark.parametrize(
    ("target", "value", "sent"),
    [
        ("event", "order.completed", "purchase"),
        ("order_status", "completed", "pending"),
        ("payment_status", "paid", "unpaid"),
        ("format_version", "1", "2.0"),
        ("test", "false", "true"),
    ],
)
def test_a_constant_holds_where_it_decides(target: str, value: str, sent: str) -> None:
    mapping = Mapping.from_table({target: {"value": value}})
    reading = read([("order_id", "A-1"), (target, sent)], mapping, NOW)
    assert isinstance(reading, Understood)
    assert (reading.decided, reading.order.test, reading.order.extra) == ("completed", False, {target: sent})


@pytest.mark.parametrize(
    ("target", "value", "sent"),
    [("items[].quantity", "1", "some"), ("shipping_total", "0.00", "4,999"), ("customer.email", "a@b.example", "x")],
)
def test_a_constant_stands_for_no_malformed_value_that_parks(target: str, value: str, sent: str) -> None:
    name = target.replace("items[].", "item_1_").replace(".", "_")
    fields = [("order_id", "A-1"), ("item_1_name", "Mug"), (name, sent)]
    reading = read(fields, Mapping.from_table({target: {"value": value}}), NOW)
    assert isinstance(reading, NotUnderstood)
    assert [error.field for error in reading.errors] == [name]


def test_a_constant_stands_for_no_other_malformed_value() -> None:
    order = mapped({"currency": {"value": "GBP"}}, [("order_id", "A-1"), ("currency", "€")])
    assert (order.currency, order.extra) == (None, {"currency": "€"})


def test_a_constant_stands_in_where_the_parameter_is_empty() -> None:
    table = {"order_id": "o", "currency": {"from": "cur", "value": "GBP"}}
    assert mapped(table, [("o", "1"), ("cur", "EUR")]).currency == "EUR"
    assert mapped(table, [("o", "1"), ("cur", "")]).currency == "GBP"


def test_a_field_of_the_shops_own_that_is_given_twice_is_a_list() -> None:
    table = {"order_id": "o", "custom.gift": ["Gift", "Present"], "customer.phone": "Tel"}
    order = mapped(table, [("o", "1"), ("Gift", "a"), ("Tel", "1"), ("Gift", "b"), ("Tel", "2"), ("Present", "c")])
    assert (order.custom, order.customer.phone) == ({"gift": ["a", "b"]}, "1, 2")


def test_an_amount_that_is_given_twice_parks_unless_both_say_the_same() -> None:
    table = {"order_id": "o", "total": {"from": "T", "decimal": ","}}
    assert mapped(table, [("o", "1"), ("T", "5,00"), ("T", "5,00")]).total == Decimal("5.00")
    reading = read([("o", "1"), ("T", "5,00"), ("T", "10,00")], Mapping.from_table(table), NOW)
    assert isinstance(reading, NotUnderstood)
    assert [error.field for error in reading.errors] == ["T"]


@pytest.mark.parametrize("body", [b'{"id": 6025, "t": "5.00", "id": 6026}', b"id=6025&t=5.00&id=6026"])
def test_an_id_that_is_given_twice_parks_unless_both_say_the_same(body: bytes) -> None:
    table = {"order_id": ["OrderRef", "id"], "total": "t"}
    kind = "application/json" if body[:1] == b"{" else "application/x-www-form-urlencoded"
    reading = read(decode(body, kind, 9).fields, Mapping.from_table(table), NOW)
    assert isinstance(reading, NotUnderstood)
    assert [(error.field, error.message[:14]) for error in reading.errors] == [("id", "is given twice")]
    assert mapped(table, decode(body.replace(b"6026", b"6025"), kind, 9).fields).order_id == "6025"


def test_an_id_is_made_of_two_names_where_the_mapping_joins_them() -> None:
    table = {"order_id": {"from": ["shop", "nr"], "join": "-"}, "total": "t"}
    assert mapped(table, [("shop", "eu"), ("nr", "7"), ("t", "1.00")]).order_id == "eu-7"


def test_items_count_from_the_first_number_seen() -> None:
    table = {"order_id": "o", "items[].name": ["P{n}", "Alt{n}"], "items[].quantity": {"value": "1"}}
    order = mapped(table, [("o", "1"), ("P4", "b"), ("P3", ""), ("Alt3", "a"), ("P5", ""), ("Alt4", "z")])
    assert [(item.name, item.quantity) for item in order.items] == [("a", 1), ("b", 1)]


@pytest.mark.parametrize(
    ("template", "body"),
    [
        ("items[].article", b'{"order_id": "1", "items": [{"name": "Gift"}, {"name": "Mug", "article": "M-1"}]}'),
        ("article_{n}", b"order_id=1&item_1_name=Gift&item_2_name=Mug&article_2=M-1"),
        ("article_{n}", b"order_id=1&item_1_name=Gift&item_2_name=Mug&article_1=&article_2=M-1"),
    ],
)
def test_a_part_of_an_item_stays_with_the_item_that_comes_under_our_names(template: str, body: bytes) -> None:
    media_type = "application/json" if body.startswith(b"{") else "application/x-www-form-urlencoded"
    order = mapped({"items[].sku": template}, decode(body, media_type, 99).fields)
    assert [(item.name, item.sku) for item in order.items] == [("Gift", None), ("Mug", "M-1")]


def test_an_empty_row_between_others_is_a_gap() -> None:
    reading = read(
        [("o", "1"), ("P1", ""), ("P2", "b")], Mapping.from_table({"order_id": "o", "items[].name": "P{n}"}), NOW
    )
    assert isinstance(reading, NotUnderstood)
    assert [error.field for error in reading.errors] == ["P2"]


@pytest.mark.parametrize("template", ["lines[].title", "lines[{n}].title"])
def test_json_paths_name_the_rows_of_a_list(template: str) -> None:
    body = b'{"ref": 7, "lines": [{"title": "a", "opts": {"c": "red"}}, {"title": "b"}], "gift": "yes"}'
    table = {
        "order_id": "ref",
        "items[].name": template,
        "items[].options.Colour": "lines[].opts.c",
        "custom.wrap": "gift",
    }
    order = mapped(table, decode(body, "application/json", 99).fields)
    assert [item.name for item in order.items] == ["a", "b"]
    assert order.items[0].options == {"Colour": "red"}
    assert order.custom == {"wrap": "yes"}


@pytest.mark.parametrize(
    ("name", "is_read"),
    [
        ("cart.lines[0].sku", True),
        ("cart[lines][12][sku]", True),
        ("cart.lines[0].sku.code", False),
        ("cart.lines[0].weight", False),
        ("cart.lines.sku", False),
        ("cart.lines[x].sku", False),
        ("lines[0].sku", False),
        ("cart.lines[3].count", True),
        ("cart.lines[3].taxes[1].amount", True),
        ("cart.lines[3].choices[1].label", True),
        ("cart.lines[3].choices", False),
    ],
)
def test_what_a_simple_path_reads_of_the_items_is_known_by_its_name(name: str, is_read: bool) -> None:
    table = {
        "items": "$.cart.lines[*]",
        "items[].sku": "@.sku",
        "items[].name": "@.names[?@.locale=='en'].text",
        "items[].unit_price": {"from": "@.total", "divide": "@.count"},
        "items[].tax": {"from": "@.taxes[*].amount", "sum": True},
        "items[].options": {"from": "@.choices[*]", "name": "label", "values": "value"},
    }
    mapping = Mapping.from_table({"order_id": "id", **table})
    assert mapping.reads_of_items(name) is is_read
    assert not Mapping.from_table({"order_id": "id", "items[].sku": "cart.lines[{n}].sku"}).reads_of_items(name)


def test_words_go_before_other_conversions_in_any_case() -> None:
    table = {"order_id": "o", "total": {"from": "t", "decimal": ",", "words": {"Free": "0.00"}}}
    assert mapped(table, [("o", "1"), ("t", " FREE ")]).total == Decimal("0.00")
    assert mapped(table, [("o", "1"), ("t", "1,50 EUR")]).total == Decimal("1.50")


def test_what_cannot_be_converted_is_judged_as_it_came() -> None:
    table = {
        "order_id": "o",
        "total": {"from": "Total", "decimal": ","},
        "order_date": {"from": "Date", "date": "%d/%m/%Y"},
    }
    order = mapped(table, [("o", "1"), ("Date", "23.11.2026")])
    assert order.order_date == NOW
    assert order.notes == ('Date must fit date = "%d/%m/%Y", as the mapping has it',)
    assert order.extra == {"Date": "23.11.2026"}
    reading = read([("o", "1"), ("Total", "(5,00)")], Mapping.from_table(table), NOW)
    assert isinstance(reading, NotUnderstood)
    assert reading.errors[0].field == "Total"


def test_a_missing_id_is_named_by_the_parameter_it_is_mapped_from() -> None:
    for table, name in ((FOREIGN, "OrderRef"), ({"total": "t"}, "order_id"), ({}, "order_id")):
        reading = read([("x", "1")], Mapping.from_table(table), NOW)
        assert isinstance(reading, NotUnderstood)
        assert reading.errors[0].field == name
        assert ("order_id is mapped from it" in reading.errors[0].message) is (name == "OrderRef")


def test_a_date_with_an_offset_of_its_own_needs_no_zone() -> None:
    rule = Mapping.from_table({"order_date": {"from": "d", "date": "%Y-%m-%d %H:%M %z", "zone": "Asia/Tokyo"}}).rules[0]
    assert rule.value_of([["2026-11-23 14:05 +0100"]], None) == "2026-11-23T13:05:00+00:00"
    assert rule.zone is not None
    assert date_text("0001-01-01", ["%Y-%m-%d"], rule.zone) == "0001-01-01"


@pytest.mark.parametrize(
    ("target", "spec", "reason"),
    [
        ("orderid", "x", "isn't a field of an order"),
        ("order.order_id", "x", "isn't a field of an order"),
        ("items.name", "x{n}", "isn't a field of an order"),
        ("custom.", "x", "isn't a field of an order"),
        ("extra", "x", "isn't a field of an order"),
        ("customer_email", "x", "isn't a field of an order"),
        ("total", 5, "must be a name, a list"),
        ("total", [], "names no parameter"),
        ("total", ["a", 5], "needs a parameter's name"),
        ("total", "", "needs a parameter's name"),
        ("total", {"from": "x", "decimals": ","}, "remove 'decimals'"),
        ("total", {"decimal": ","}, "needs from"),
        ("total", "lines[].total", "one of the items' fields"),
        ("order_date", {"from": "x", "date": "%Z %d/%m/%Y %H:%M"}, "can have %Z"),
        ("total", {"from": "x", "decimal": ";"}, "needs decimal"),
        ("total", {"from": "x", "decimal": 5}, "needs decimal as text"),
        ("total", {"from": "x", "date": "%d/%m/%Y"}, "isn't a date"),
        ("total", {"value": "1,5"}, "plain decimal number"),
        ("order_date", {"from": "x", "decimal": ","}, "isn't an amount"),
        ("order_date", {"from": "x", "date": "%d/%m"}, "year, month and day"),
        ("order_date", {"from": "x", "date": "%m/%Y"}, "year, month and day"),
        ("order_date", {"from": "x", "date": "%Y"}, "year, month and day"),
        ("order_date", {"from": "x", "date": "%"}, "year, month and day"),
        ("order_date", {"from": "x", "date": "%d%d"}, "year, month and day"),
        ("order_date", {"from": "x", "zone": "UTC"}, "has a zone, which is only for a date"),
        ("order_date", {"from": "x", "date": "%d/%m/%Y", "zone": "Mars/Base"}, "needs zone as a name"),
        ("order_date", {"from": "x", "date": "%d/%m/%Y", "zone": "../x"}, "needs zone as a name"),
        ("billing.country", {"from": "x", "words": ["UK"]}, "needs words as a table"),
        ("billing.country", {"from": "x", "words": {"UK": 1}}, "needs words as a table"),
        ("items[].name", "Product", "needs {n} or"),
        ("items[].name", "P{n}[]", "needs {n} or"),
        ("order_id", "Order{n}", "one of the items' fields"),
        ("order_id", {"value": "x"}, "can't be a constant"),
        ("order_id", {"from": "x", "value": "none"}, "can't be a constant"),
        ("event_id", {"value": "x"}, "can't be a constant"),
        ("customer", {"email": "x"}, '"customer.email"'),
    ],
)
def test_a_wrong_line_is_named_with_its_fix(target: str, spec: object, reason: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Mapping.from_table({"order_number": "fine", target: spec})
    assert str(caught.value).startswith(f'fields."{target}" ')
    assert reason in str(caught.value)


def test_fields_that_are_no_table_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="fields must be a table"):
        Mapping.from_table("order_id")  # type: ignore[arg-type]
