"""Which parameter fed which field."""

from __future__ import annotations

from receiver.orders import Mapping, decode, explain
from tests.orders.test_mapping import FOREIGN, FOREIGN_BODY


def test_explain_tells_what_fed_what() -> None:
    explained = explain(
        decode(FOREIGN_BODY, "application/x-www-form-urlencoded", 99).fields, Mapping.from_table(FOREIGN)
    )
    rows = {row.field: (row.parameters, row.value) for row in explained.rows}
    assert rows["order_id"] == (("OrderRef",), "A-1")
    assert rows["total"] == (("Total",), "1234.56")
    assert rows["currency"] == ((), "GBP")
    assert rows["items[1].name"] == (("Product2Name",), "T-shirt")
    assert rows["shipping.city"] == ((), "")
    assert explained.unused == ("AuthKey",)
    assert explained.suggestions == ()


def test_explain_names_options_by_their_path() -> None:
    explained = explain([("items[0].options.Colour", "red")], None)
    assert explained.rows[0].field == "items[0].options.Colour"
