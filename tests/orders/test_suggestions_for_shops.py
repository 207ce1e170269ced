"""Suggestions for the ways of single shops: what is taken, with which transform, and what is never taken."""

from __future__ import annotations

import json
from typing import Any

import pytest

from receiver.orders import Fields, Mapping, decode, explain
from tests.orders.test_suggestions import notes, suggested


def fields_of(body: object) -> Fields:
    return decode(json.dumps(body).encode(), "application/json", 999).fields


@pytest.mark.parametrize(
    "sent",
    [
        {"device_id": "7", "user_id": "8", "location_id": "9", "event.id": "1", "message_id": "5"},
        {"shop_id": "7", "merchant.id": "8", "store": "9", "sale.store_id": "3", "invoice_no": "0"},
        {"total_future_shipping": "1.00", "payout_totals.grand_total": "5.00", "refund.amount": "4.00", "fee": "1.00"},
        {"card.holder_name": "Ada Byron", "channel.name": "Web", "app.name": "Till", "discount.name": "Spring Sale"},
        {"ip_address": "203.0.113.1", "ip_country": "Germany", "residence_country": "DE", "customer.state": "enabled"},
        {"seller_email": "a@shop.example", "to_email": "b@shop.example", "payee.email": "c@shop.example"},
        {"address_status": "confirmed", "fulfillment_status": "pending", "tax.status": "ok", "customer.status": "new"},
        {"customer.created_at": "2026-11-23T14:05:00Z", "updated_at": "2026-11-23T14:05:00Z", "mode": "payment"},
        {"state": "NY", "parent_order_id": "4", "refund_transaction_id": "5", "total_ex_tax": "5.00"},
    ],
    ids=["ids", "shops", "money", "names", "places", "addresses", "states", "dates", "others"],
)
def test_what_belongs_to_something_else_is_never_taken(sent: dict[str, str]) -> None:
    assert suggested(sent) == {}


def test_envelopes_cost_nothing_and_the_events_id_is_not_the_orders() -> None:
    order = {"id": "o-1", "number": "1001", "grand_total": "5.00", "customer": {"email": "a@b.example"}}
    plain = {"order_id": "id", "order_number": "number", "total": "grand_total"}
    body: dict[str, Any] = {"id": "e-1", "type": "order.paid"}
    for envelope in (["data"], ["payload", "data", "object"], ["content"], ["resource"]):
        nested: Any = order
        for key in reversed(envelope):
            nested = {key: nested}
        path = ".".join(envelope)
        found = suggested(fields_of(body | nested))
        assert {field: found[field] for field in plain} == {field: f"{path}.{name}" for field, name in plain.items()}
        assert found["customer.email"] == f"{path}.customer.email"
    assert "order_id" not in suggested(fields_of(body))
    ids = {"data": {"id": "7", "attributes": {"identifier": "a-7"}}}
    assert suggested(fields_of(ids))["order_id"] == "data.id"
    assert suggested(fields_of({"id": "1", "transaction": {"id": "2"}}))["order_id"] == "id"
    assert suggested(fields_of({"transaction": {"id": "2"}}))["order_id"] == "transaction.id"
    assert suggested({"Bestell-Nr": "A 17"}) == {"order_id": "Bestell-Nr"}


def test_an_invoice_number_is_the_id_where_nothing_better_is() -> None:
    assert suggested({"token": "a-1", "invoiceNumber": "L-2"}) == {"order_id": "token", "order_number": "invoiceNumber"}
    assert suggested({"txn_id": "7AB", "invoice": "G-1"}) == {"order_id": "invoice", "payment_reference": "txn_id"}
    assert suggested({"kofi_transaction_id": "7AB"})["order_id"] == "kofi_transaction_id"


def test_totals_are_tested_against_each_other() -> None:
    sent = {
        "total": "47.81",
        "subtotal": "42.0",
        "shipping_fee": "9.0",
        "tax": "2.31",
        "discount": "2.1",
        "couponDiscount": "3.4",
        "volumeDiscount": "0",
    }
    found = suggested(sent)
    assert found["discount_total"] == {"from": ["discount", "couponDiscount"], "sum": True}
    after_discount = {"total": "100", "subtotal_price": "90", "total_line_items_price": "110", "total_discounts": "10"}
    assert suggested(after_discount)["subtotal"] == "total_line_items_price"
    lines = [
        {"name": "Mug", "qty": 2, "price": "5.00", "subtotal": "10.00"},
        {"name": "Hat", "qty": 1, "subtotal": "3"},
    ]
    rules = suggested(fields_of({"total": "11.00", "discount_total": "2.00", "line_items": lines}))
    assert rules["subtotal"] == {"from": "$.line_items[*].subtotal", "sum": True}
    assert "subtotal" not in suggested(fields_of({"total": "12.00", "discount_total": "2.00", "line_items": lines}))


def test_minor_units_are_told_by_names_and_by_several_sizes() -> None:
    minor = {"from": "price", "minor": True}
    assert suggested({"price": "3000", "fee": "400", "currency_code": "usd"})["total"] == minor
    assert suggested({"amount_total": "4980", "currency_code": "jpy"})["total"] == {
        "from": "amount_total",
        "minor": True,
    }
    assert suggested({"total_amount_cents": "990"})["total"] == {"from": "total_amount_cents", "minor": True}
    whole = {"grand_total": "490", "currency_code": "EUR"}
    assert suggested(whole)["total"] == "grand_total"
    assert "if it is in minor units such as cents" in str(notes(whole)["total"])
    assert suggested({"grand_total": "12990", "fee": "590", "currency_code": "HUF"})["total"] == "grand_total"
    assert suggested({"grand_total": "490", "fee": "9.80", "currency_code": "EUR"})["total"] == "grand_total"


def test_of_an_amount_in_both_units_the_major_one_is_taken() -> None:
    assert suggested({"order[total]": "3000", "order[total_str]": "30.00"})["total"] == "order[total_str]"
    sent = {"total_amount_cents": "5200", "total_amount_float": "52.0", "discount_amount_float": "-10.0"}
    assert suggested(sent) == {
        "total": "total_amount_float",
        "discount_total": {"from": "discount_amount_float", "negate": True},
    }


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("1795442700", {"from": "created", "epoch": "s"}),
        ("1795442700000", {"from": "created", "epoch": "ms"}),
        ("06:05:00 Nov 23, 2026 PST", {"from": "created", "date": "%H:%M:%S %b %d, %Y %Z"}),
        ("2026-11-23T06:05:00-0800", {"from": "created", "date": "%Y-%m-%dT%H:%M:%S%z"}),
        ("Mon Nov 23 14:05:00 2026 GMT", {"from": "created", "date": "%a %b %d %H:%M:%S %Y %Z"}),
    ],
)
def test_dates_come_with_their_form(value: str, rule: object) -> None:
    assert suggested({"created": value}) == {"order_date": rule}


def test_of_dates_that_are_alike_one_with_its_zone_is_taken() -> None:
    sent = {"date_created": "2026-11-23T15:05:00", "date_created_gmt": "2026-11-23T14:05:00"}
    assert suggested(sent)["order_date"] == {"from": "date_created_gmt", "date": "%Y-%m-%dT%H:%M:%S"}
    assert notes(sent)["order_date"] is None
    assert "read as UTC" in str(notes({"date_created": "2026-11-23 15:05:00"})["order_date"])
    assert suggested({"a": "2026-11-23T14:05:00Z", "b": "2026-11-24T14:05:00Z"}) == {}


@pytest.mark.parametrize(
    ("sent", "rule"),
    [
        ({"livemode": "true"}, {"from": "livemode", "words": {"true": "false", "false": "true"}}),
        ({"live": "1"}, {"from": "live", "words": {"1": "false", "0": "true"}}),
        ({"mode": "Live"}, {"from": "mode", "words": {"test": "true", "live": "false"}}),
        ({"status": "test"}, {"from": "status", "words": {"test": "true", "live": "false"}}),
        ({"testMode": "0"}, {"from": "testMode", "words": {"100": "true"}}),
        ({"is_test": "false"}, "is_test"),
    ],
)
def test_a_tests_mark_is_found_under_many_names(sent: dict[str, str], rule: object) -> None:
    assert suggested(sent) == {"test": rule}


def test_states_are_found_and_a_date_of_cancelling_is_one() -> None:
    assert suggested({"financial_status": "paid", "cancelled_at": ""}) == {
        "payment_status": "financial_status",
        "order_status": {"from": "cancelled_at", "present": "cancelled"},
    }
    assert suggested({"state": "processing"}) == {"order_status": "state"}
    assert suggested(fields_of({"payments": [{"status": "captured"}]})) == {"payment_status": "payments[0].status"}


def test_whole_names_are_split_and_two_names_joined() -> None:
    assert suggested({"billingPerson.name": "Ada Byron", "billingPerson.street": "Weg 1"}) == {
        "customer.first_name": {"from": "billingPerson.name", "split": "first"},
        "customer.last_name": {"from": "billingPerson.name", "split": "last"},
        "billing.name": "billingPerson.name",
        "billing.line1": "billingPerson.street",
    }
    found = suggested({"shipping.given_name": "Ada", "shipping.surname": "Byron", "shipping.town": "Ely"})
    assert found["shipping.name"] == {"from": ["shipping.given_name", "shipping.surname"], "join": " "}
    with_empty = suggested({"payer.firstName": "", "payer.name": "Ada Byron"})
    assert with_empty["customer.first_name"] == {"from": ["payer.firstName", "payer.name"], "split": "first"}
    assert suggested({"buyer.forename": ""}) == {"customer.first_name": "buyer.forename"}


def test_countries_go_by_their_code_and_yahoos_by_both() -> None:
    assert suggested({"ship_country": "Austria", "ship_country_code": "AT"}) == {
        "shipping.country": "ship_country_code"
    }
    words = {"from": "Bill-Country", "words": {"US United States": "US"}}
    assert suggested({"Bill-Country": "US United States"}) == {"billing.country": words}
    assert "other" in str(notes({"Bill-Country": "US United States"})["billing.country"])


def test_a_payment_address_is_where_the_invoice_goes() -> None:
    assert suggested({"payment_address_1": "Weg 1", "payment_city": "Bonn", "payment_iso_code_2": "DE"}) == {
        "billing.line1": "payment_address_1",
        "billing.city": "payment_city",
        "billing.country": "payment_iso_code_2",
    }


def test_items_with_their_number_at_the_end_are_found() -> None:
    sent = {"item_name1": "Mug", "item_number1": "M-1", "quantity1": "2", "mc_gross_1": "10.00"}
    assert suggested(sent) == {
        "items[].sku": "item_number{n}",
        "items[].name": "item_name{n}",
        "items[].quantity": "quantity{n}",
        "items[].unit_price": {"from": "mc_gross_{n}", "divide": "quantity{n}"},
        "items[].total": "mc_gross_{n}",
    }
    assert (
        suggested({"Item-Quantity-1": "2", "Item-Id-1": "m", "Item-Unit-Price-1": "5.00", "Item-Description-1": "Mug"})[
            "items[].quantity"
        ]
        == "Item-Quantity-{n}"
    )


def test_an_item_without_a_number_is_the_only_one() -> None:
    assert suggested({"product_name": "Mug", "quantity": "2"}) == {
        "items[].name": "@.product_name",
        "items[].quantity": "@.quantity",
        "items": "$",
    }
    assert suggested(fields_of({"data": {"product": {"name": "Mug"}}})) == {
        "items[].name": "@.data.product.name",
        "items": "$",
    }


def test_rows_without_numbers_and_rows_below_rows_are_selected_by_a_jsonpath() -> None:
    rails = [("items[][name]", "Tea"), ("items[][qty]", "1"), ("items[][name]", "Cup"), ("items[][qty]", "2")]
    rules = suggested(rails)
    assert rules == {"items[].name": "@.name", "items[].quantity": "@.qty", "items": "$.items[*]"}
    quoted = [(name.replace("items", "o'b\n", 1), value) for name, value in rails]
    assert suggested([*quoted, ("o'b\n[][price]", "1.00")])["items"] == '$["o\'b\\n"][*]'
    parcels = [{"products": [{"name": "Tea", "qty": 1}]}, {"products": [{"name": "Cup", "qty": 2}]}]
    found = suggested(fields_of({"parcels": parcels}))
    assert found["items"] == "$.parcels[*].products[*]"
    assert found["items[].name"] == "@.name"


def test_options_are_found_in_every_list_of_pairs() -> None:
    line = {
        "name": "Mug",
        "qty": 1,
        "options": [{"name": "Colour", "value": "red"}],
        "customizations": [{"label": "Engraving", "value": "A"}],
    }
    assert suggested(fields_of({"lines": [line]}))["items[].options"] == {
        "from": ["$.lines[{n}].customizations[*]", "$.lines[{n}].options[*]"],
        "name": ["label", "name"],
    }


def test_what_is_mapped_already_is_left_and_added_to() -> None:
    body = fields_of({"ref": "1", "lines": [{"what": "Mug", "name": "Mug", "qty": 2}]})
    by_path = {"order_id": "ref", "items": "$.lines[*]", "items[].name": "@.what"}
    assert suggested(body, by_path) == {"items[].quantity": "@.qty"}
    by_name = {"order_id": "ref", "items[].name": "lines[].what"}
    assert suggested(body, by_name) == {"items[].quantity": "lines[].qty"}
    assert suggested(body, {"order_id": "ref", "items": "$.others[*]", "items[].name": "@.what"}) == {}
    own = fields_of({"order_id": "1", "items": [{"name": "Mug", "qty": 2}], "lines": [{"name": "x", "qty": 1}]})
    assert suggested(own) == {"items[].quantity": "items[].qty"}
    assert "items[].options" not in suggested([("items[0].name", "x"), ("items[0].options.Size", "L")])


def test_a_list_of_records_of_several_kinds_is_no_order() -> None:
    records = [{"id": "1", "type": "payments", "state": "paid"}, {"id": "2", "type": "orders", "total": "5.00"}]
    assert suggested(fields_of(records)) == {}


def test_noise_of_binary_floats_is_rounded() -> None:
    sent = fields_of({"lines": [{"name": "Mug", "qty": 3, "price": 6.666666666666667}]})
    assert suggested(sent)["items[].unit_price"] == {"from": "lines[].price", "round": True}


def test_the_currency_of_a_dollar_sign_and_of_words() -> None:
    both = {"grand_total": "CHF 5.00"}
    assert explain(list(both.items()), Mapping(())).suggestions[0].rule == {"value": "CHF"}
    assert suggested({"sku": "CUP-01", "group": "Silver"}) == {}
    assert suggested({"Currency": "euro", "amount": "1200", "fee": "300"})["total"] == {"from": "amount", "minor": True}
