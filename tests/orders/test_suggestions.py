"""Suggestions for a mapping: by likeness of name and of value, in the forms that config.toml takes."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from receiver.orders import Fields, Mapping, decode, explain, read
from receiver.orders.date_forms import DATE_FORMS
from receiver.orders.parsing import Understood
from tests.orders.test_mapping import FOREIGN_BODY
from tests.orders.test_parsing import NOW


def suggested(sent: dict[str, str] | Fields, table: dict[str, Any] | None = None) -> dict[str, Any]:
    """Give the suggested rules by field; each works as a line of config.toml."""
    fields = list(sent.items()) if isinstance(sent, dict) else sent
    found = explain(fields, Mapping.from_table(table or {})).suggestions
    rules = {one.field: one.rule for one in found}
    assert tomllib.loads("\n".join(one.as_toml() for one in found)) == rules
    assert len(Mapping.from_table(rules).rules) == len(rules) - ("items" in rules)
    return rules


def notes(sent: dict[str, str]) -> dict[str, str | None]:
    return {one.field: one.note for one in explain(list(sent.items()), None).suggestions}


def test_names_in_other_words_are_recognised() -> None:
    sent = {
        "OrderRef": "77",
        "BuyerEmail": "zoe@kunde.de",
        "Product1Name": "Mug",
        "Product1Qty": "2",
        "Product2Qty": "1",
        "ZIP": "10999",
        "CustomerPhone": "030 1",
        "City": "Berlin",
        "Surname": "Müller",
        "ShipCity": "Kraków",
        "Address1": "Oranienstraße 14",
        "AddressLine2": "2. OG",
        "ShippingAddress1": "Rynek 1",
    }
    assert suggested(sent) == {
        "order_id": "OrderRef",
        "customer.email": "BuyerEmail",
        "items[].name": "Product{n}Name",
        "items[].quantity": "Product{n}Qty",
        "billing.postcode": "ZIP",
        "customer.phone": "CustomerPhone",
        "billing.city": "City",
        "customer.last_name": "Surname",
        "shipping.city": "ShipCity",
        "billing.line1": "Address1",
        "billing.line2": "AddressLine2",
        "shipping.line1": "ShippingAddress1",
    }


@pytest.mark.parametrize(
    "sent",
    [
        {
            "order_id": "Bestellnummer",
            "customer.first_name": "Vorname",
            "customer.last_name": "Nachname",
            "billing.line1": "Straße",
            "billing.postcode": "PLZ",
            "billing.city": "Ort",
            "items[].name": "Artikel{n}Bezeichnung",
            "items[].quantity": "Artikel{n}Menge",
            "items[].unit_price": "Artikel{n}Preis",
        },
        {
            "order_id": "bestell_nr",
            "billing.line1": "Rechnung_Strasse",
            "shipping.city": "Liefer_Ort",
            "items[].name": "Artikel_{n}_Name",
            "items[].quantity": "Artikel_{n}_Anzahl",
            "items[].unit_price": "Artikel_{n}_Einzelpreis",
        },
        {
            "order_id": "numero_commande",
            "customer.first_name": "prénom",
            "billing.city": "ville",
            "billing.line1": "adresse",
            "items[].name": "produit_{n}_nom",
            "items[].quantity": "produit_{n}_quantité",
            "items[].unit_price": "produit_{n}_prix",
        },
        {
            "order_id": "NúmeroPedido",
            "customer.last_name": "Apellidos",
            "billing.line1": "Dirección",
            "billing.city": "Ciudad",
            "items[].quantity": "Producto{n}Cantidad",
            "items[].unit_price": "Producto{n}Precio",
        },
    ],
    ids=["german", "german, short", "french", "spanish"],
)
def test_names_in_other_languages_are_recognised(sent: dict[str, str]) -> None:
    values = {field: "Ada" if "name" in field else "2" for field in sent}
    found = suggested({name.replace("{n}", "1"): values[field] for field, name in sent.items()})
    if {"Vorname", "Nachname"} <= set(sent.values()):
        assert found.pop("billing.name") == {"from": ["Vorname", "Nachname"], "join": " "}
    assert found == sent


@pytest.mark.parametrize(
    ("total", "tax"), [("total_price", "total_tax"), ("TotalAmount", "TotalTax"), ("total_incl_tax", "total_vat")]
)
def test_the_tax_is_never_taken_for_the_total(total: str, tax: str) -> None:
    assert suggested({total: "388.00", tax: "0.00"}) == {"tax_total": tax, "total": total}


def test_the_customers_address_is_where_the_invoice_goes() -> None:
    assert suggested({"CustomerCity": "Berlin", "BuyerName": "Zoë M"}) == {
        "customer.first_name": {"from": "BuyerName", "split": "first"},
        "customer.last_name": {"from": "BuyerName", "split": "last"},
        "billing.city": "CustomerCity",
        "billing.name": "BuyerName",
    }


def test_a_body_in_foreign_names_and_forms_is_understood_by_its_suggestions() -> None:
    fields = decode(FOREIGN_BODY, "application/x-www-form-urlencoded", 99).fields
    rules = suggested(fields)
    assert rules["order_date"] == {"from": "OrderDate", "date": "%d/%m/%Y"}
    assert rules["total"] == {"from": "Total", "decimal": ","}
    assert rules["billing.country"] == "Country"
    assert rules["currency"] == {"value": "GBP"}
    reading = read(fields, Mapping.from_table(rules), NOW)
    assert isinstance(reading, Understood)
    assert (reading.order.order_id, str(reading.order.total), reading.order.notes) == ("A-1", "1234.56", ())


def test_json_lists_are_suggested_by_their_path() -> None:
    body = b'{"ref": "7", "lines": [{"title": "Mug", "qty": 2}, {"title": "Hat", "qty": 1}]}'
    assert suggested(decode(body, "application/json", 99).fields) == {
        "order_id": "ref",
        "items[].name": "lines[].title",
        "items[].quantity": "lines[].qty",
    }


@pytest.mark.parametrize(
    ("value", "field", "rule"),
    [
        ("zoe@kunde.de", "customer.email", "x"),
        ("2026-11-23T14:05:00Z", "order_date", "x"),
        ("23.11.2026 14:05", "order_date", {"from": "x", "date": "%d.%m.%Y %H:%M"}),
        ("November 23, 2026", "order_date", {"from": "x", "date": "%B %d, %Y"}),
    ],
)
def test_a_value_tells_what_it_is_under_any_name(value: str, field: str, rule: object) -> None:
    assert suggested({"x": value}) == {field: rule}


@pytest.mark.parametrize(
    "value",
    ["GB", "EUR", "Gold", "CUP", "Austria", "de-DE", "Narnia", "12", "[secret 12345678]", "", "99/99/2026", "x" * 300],
)
def test_a_value_that_tells_nothing_suggests_nothing(value: str) -> None:
    assert suggested({"x": value}) == {}


def test_of_two_values_of_a_kind_the_name_decides() -> None:
    assert suggested({"a": "zoe@kunde.de", "b": "ada@kunde.de"}) == {}
    assert suggested({"a": "zoe@kunde.de", "ShopEmail": "us@shop.example"}) == {"customer.email": "a"}


@pytest.mark.parametrize(
    ("value", "keys"),
    [
        ("£1.234,56", {"decimal": ","}),
        ("1.234,56 EUR", {"decimal": ","}),
        ("£1,234.56", {"decimal": "."}),
        ("12,50", {"decimal": ","}),
        ("12 €", {"decimal": "."}),
    ],
)
def test_an_amount_says_what_stands_before_its_decimals(value: str, keys: dict[str, str]) -> None:
    assert suggested({"Total": value})["total"] == {"from": "Total", **keys}


def test_one_amount_tells_how_all_of_a_body_are_written() -> None:
    rules = suggested({"Total": "1.234", "VAT": "12,50", "Shipping": "3,00", "Product1Price": "10", "Product1Qty": "2"})
    assert rules["total"] == {"from": "Total", "decimal": ","}
    assert rules["items[].unit_price"] == {"from": "Product{n}Price", "decimal": ","}
    assert rules["items[].quantity"] == "Product{n}Qty"
    assert rules["tax_total"] == {"from": "VAT", "decimal": ","}


def test_money_is_never_suggested_for_its_size() -> None:
    assert suggested({"zz1": "£500.00", "other": "90", "fee_rate": "0.05"}) == {"currency": {"value": "GBP"}}


@pytest.mark.parametrize(
    ("amounts", "code"), [(["£5.00", "£6.00"], "GBP"), (["5,00 €"], "EUR"), (["CHF 5.00"], "CHF"), (["5.00 zł"], "PLN")]
)
def test_a_currency_that_only_the_amounts_tell_is_a_constant(amounts: list[str], code: str) -> None:
    sent = {f"{'abc'[number]}": amount for number, amount in enumerate(amounts)}
    assert suggested(sent)["currency"] == {"value": code}


@pytest.mark.parametrize(("word", "code"), [("US$", "USD"), ("R$", "BRL"), ("€", "EUR"), ("euro", "EUR")])
def test_a_currency_in_its_signs_or_words_is_told_by_a_rule(word: str, code: str) -> None:
    assert suggested({"Currency": word})["currency"] == {"from": "Currency", "words": {word: code}}


def test_a_currency_that_nothing_tells_surely_is_not_guessed() -> None:
    assert "currency" not in suggested({"Total": "5.00"})
    assert "currency" not in suggested({"Total": "£5.00", "Tax": "1.00 €"})
    assert "currency" not in suggested({"Total": "5.00 units"})
    assert notes({"Total": "$5.00"})["currency"] == "several countries call their currency a dollar; check"


def test_a_date_that_may_be_read_in_two_ways_says_so() -> None:
    sent = {"OrderDate": "05/06/2026 14:05"}
    assert suggested(sent) == {"order_date": {"from": "OrderDate", "date": "%d/%m/%Y %H:%M"}}
    assert notes(sent)["order_date"] == 'if the month comes first, use date = "%m/%d/%Y %H:%M"'
    assert suggested({"OrderDate": "11/23/2026"}) == {"order_date": {"from": "OrderDate", "date": "%m/%d/%Y"}}


def test_what_came_under_our_names_in_a_foreign_form_is_suggested_too() -> None:
    sent = {
        "order_id": "A-1",
        "total": "£1,234.50",
        "order_date": "23.11.2026",
        "billing_country": "England",
        "test": "no",
        "item_1_unit_price": "5.00",
        "item_2_unit_price": "£6.00",
    }
    assert suggested(sent) == {
        "total": {"from": "total", "decimal": "."},
        "order_date": {"from": "order_date", "date": "%d.%m.%Y"},
        "test": {"from": "test", "words": {"no": "false"}},
        "items[].unit_price": {"from": "item_{n}_unit_price", "decimal": "."},
        "currency": {"value": "GBP"},
    }


def test_a_rule_that_leaves_a_value_malformed_is_suggested_anew() -> None:
    table = {"order_id": "Ref", "total": "Sum", "currency": {"value": "GBP"}}
    assert suggested({"Ref": "1", "Sum": "5,00"}, table) == {"total": {"from": "Sum", "decimal": ","}}


def test_a_value_that_would_park_the_order_is_not_suggested_and_one_that_is_only_noted_is() -> None:
    assert suggested({"Total": "much", "BuyerEmail": "none"}) == {}
    assert suggested({"BillingCountry": "Narnia"}) == {"billing.country": "BillingCountry"}
    assert notes({"BillingCountry": "Narnia"})["billing.country"] == "its value isn't understood"


def test_names_that_no_rule_can_hold_are_not_suggested() -> None:
    assert suggested({"order_{n}_id": "7", "Product{n}1Name": "Mug", "lines[0].names[].name": "x"}) == {}
    assert suggested({"OrderRef" * 40: "7"}) == {}


def test_a_flood_of_names_costs_no_minutes() -> None:
    assert suggested([(f"n{'abcdefghij'[n % 10]}{n}", "x") for n in range(2000)]) == {}


@pytest.mark.unmeasured
@given(some.lists(some.tuples(some.text(max_size=40), some.text(max_size=40)), max_size=12))
def test_whatever_is_sent_the_suggested_lines_work_as_pasted(fields: Fields) -> None:
    suggested(fields)


def test_every_form_of_a_date_can_be_saved() -> None:
    for form in DATE_FORMS:
        Mapping.from_table({"order_date": {"from": "x", "date": form}})
