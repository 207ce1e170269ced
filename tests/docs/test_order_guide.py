"""The order guide and the JSON Schema are what the models say."""

from __future__ import annotations

import json
from pathlib import Path

from docs.generate.order_guide import GUIDE, SCHEMA, json_schema, write
from receiver.orders import encode_form, encode_json
from receiver.orders.names import KINDS
from receiver.orders.parameters import form_pairs, groups, parameters, types
from receiver.orders.sample import order_of_the_guide


def test_the_tracked_files_are_what_the_models_make(tmp_path: Path) -> None:
    """Run ``python -m docs.generate.order_guide`` after a change of the models."""
    write(tmp_path / "guide", tmp_path / "schema")
    assert GUIDE.read_bytes() == (tmp_path / "guide").read_bytes()
    assert SCHEMA.read_bytes() == (tmp_path / "schema").read_bytes()


def test_every_parameter_is_explained_with_a_value() -> None:
    rows = {row.form: row for row in parameters(order_of_the_guide())}
    assert len(rows) == len(KINDS) + 1
    assert rows["item_N_quantity"] == (
        "item_N_quantity",
        "items[N-1].quantity",
        "number",
        True,
        True,
        "Number of pieces, or a length or weight.",
        "2",
    )
    assert all(row.description for row in rows.values())
    without_value = {name for name, row in rows.items() if not row.value}
    assert without_value == {"shipping_company", "shipping_line2", "refund_id", "refund_total"}


def test_every_parameter_stands_in_one_group() -> None:
    dummy = order_of_the_guide()
    assert [row for group in groups(dummy) for row in group.parameters] == list(parameters(dummy))
    anchors = [group.anchor for group in groups(dummy)]
    assert len(anchors) == len(set(anchors)) == 10
    assert anchors[4] == "shipping-payment-note"


def test_every_type_is_explained() -> None:
    assert {row.kind for row in parameters(order_of_the_guide())} == types().keys()


def test_the_pieces_of_the_form_are_its_body() -> None:
    dummy = order_of_the_guide()
    assert "".join(form_pairs(dummy)).encode() == encode_form(dummy)


def test_the_schema_names_every_member_that_is_sent() -> None:
    schema = json.loads(json_schema())
    sent = json.loads(encode_json(order_of_the_guide()))
    assert sent.keys() <= schema["properties"].keys()
    assert schema["required"] == ["order_id"]
    assert not {"extra", "notes", "shared_secret"} & schema["properties"].keys()
    assert schema["properties"]["total"]["anyOf"][0] == {"type": "string", "pattern": r"^-?[0-9]{1,15}(\.[0-9]{1,4})?$"}
