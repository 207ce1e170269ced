"""Which parameter fed which field."""

from __future__ import annotations

from receiver.orders import Mapping, decode, explain
from tests.test_mapping import FOREIGN, FOREIGN_BODY


def test_explain_tells_what_fed_what() -> None:
    explained = explain(decode(FOREIGN_BODY, "application/x-www-form-urlencoded", 99), Mapping.from_table(FOREIGN))
    rows = {row.field: (row.parameters, row.value) for row in explained.rows}
    assert rows["order_id"] == (("OrderRef",), "A-1")
    assert rows["total"] == (("Total",), "1234.56")
    assert rows["currency"] == ((), "GBP")
    assert rows["items[1].name"] == (("Product2Name",), "T-shirt")
    assert rows["shipping.city"] == ((), "")
    assert explained.unused == ("AuthKey",)
    assert explained.suggestions == {}


def test_explain_suggests_by_likeness_of_name() -> None:
    names = [
        "OrderRef",
        "BuyerEmail",
        "Product1Name",
        "Product1Qty",
        "Product2Qty",
        "ZIP",
        "CustomerPhone",
        "AuthKey",
        "City",
    ]
    explained = explain([(name, "x") for name in names], None)
    assert explained.unused == tuple(names)
    assert explained.suggestions == {
        "order_id": "OrderRef",
        "customer.email": "BuyerEmail",
        "items[].name": "Product{n}Name",
        "items[].quantity": "Product{n}Qty",
        "billing.postcode": "ZIP",
        "customer.phone": "CustomerPhone",
        "billing.city": "City",
    }


def test_explain_names_options_by_their_path() -> None:
    explained = explain([("items[0].options.Colour", "red")], None)
    assert explained.rows[0].field == "items[0].options.Colour"


def test_each_suggestion_of_a_foreign_body_can_be_mapped() -> None:
    suggested = explain(decode(FOREIGN_BODY, "application/x-www-form-urlencoded", 99), None).suggestions
    assert suggested.items() >= {("order_id", "OrderRef"), ("total", "Total"), ("order_date", "OrderDate")}
    assert len(Mapping.from_table(dict(suggested)).rules) == len(suggested)
