"""The document that fields were flattened from, and what is selected in it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.orders.documents import compiled, document_of, nodes, texts
from receiver.orders.json_decoding import decode_json


@pytest.mark.parametrize(
    ("names", "document"),
    [
        (["a", "b.c", "b.d[0]", "b.d[1]"], {"a": "0", "b": {"c": "1", "d": ["2", "3"]}}),
        (
            ["order[charges][0][name]", "order[charges][1][name]"],
            {"order": {"charges": [{"name": "0"}, {"name": "1"}]}},
        ),
        (["lines[1][sku]", "lines[2][sku]"], {"lines": [{"sku": "0"}, {"sku": "1"}]}),
        (["custom_fields[Discord name]"], {"custom_fields": {"Discord name": "0"}}),
        (["[0].id", "[1].id"], [{"id": "0"}, {"id": "1"}]),
        # A row without a number begins with a name that the last row has.
        (
            ["items[][name]", "items[][qty]", "items[][name]", "items[][qty]", "items[][price]"],
            {"items": [{"name": "0", "qty": "1"}, {"name": "2", "qty": "3", "price": "4"}]},
        ),
        (["tags[]", "tags[]"], {"tags": ["0", "1"]}),
        (["billing", "billing.city"], {"billing": {"": "0", "city": "1"}}),
        (["billing.city", "billing"], {"billing": {"city": "0", "": "1"}}),
        (["a", "a"], {"a": "0"}),
        (["header:x-topic"], {"header:x-topic": "0"}),
        (["", "."], {"": "0", ".": "1"}),
    ],
)
def test_names_of_every_kind_nest(names: list[str], document: Any) -> None:
    assert document_of([(name, str(value)) for value, name in enumerate(names)]) == document


TEXT = st.text("ab é\"'$@-", min_size=1, max_size=4)
NESTED = st.recursive(
    TEXT,
    lambda below: st.lists(below, min_size=1, max_size=3) | st.dictionaries(TEXT, below, min_size=1, max_size=3),
    max_leaves=8,
).filter(lambda node: not isinstance(node, str))


@given(NESTED)
def test_flattened_json_comes_back_as_it_was(document: Any) -> None:
    fields, _ = decode_json(json.dumps(document), 100)
    assert document_of(fields) == document


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=5)), max_size=10))
def test_no_name_is_too_odd(fields: list[tuple[str, str]]) -> None:
    nodes("$..*", document_of(fields))


DOCUMENT = document_of(decode_json('{"id": 7, "extras": [{"type": "tax", "v": 1}, {"type": "tip", "v": 2}]}', 9)[0])


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("$.id", ["7"]),
        ("$.extras[?@.type=='tax'].v", ["1"]),
        ("$.extras[*].v", ["1", "2"]),
        ("$.extras", []),
        ("$.no.such", []),
    ],
)
def test_texts_are_selected(expression: str, found: list[str]) -> None:
    assert texts(expression, DOCUMENT) == found


FLAT_SET = """{"lines": [{"id": 1, "parent_id": 0, "name": "Set"}, {"id": 2, "parent_id": 1, "name": "Cup"},
    {"id": 3, "parent_id": 0, "name": "Tee"}]}"""
NESTED_SET = """{"lines": [{"name": "Set", "quantity": 1, "parts": [{"name": "Cup", "quantity": 2}]},
    {"name": "Tee", "quantity": 1}]}"""


@pytest.mark.parametrize(
    ("body", "items", "names"),
    [
        (FLAT_SET, "$.lines[?@.parent_id=='0']", ["Set", "Tee"]),
        (FLAT_SET, "$.lines[?@.parent_id!='0']", ["Cup"]),
        (NESTED_SET, "$.lines[*]", ["Set", "Tee"]),
        (NESTED_SET, "$.lines..[?@.quantity]", ["Set", "Tee", "Cup"]),
    ],
)
def test_lines_that_belong_to_another_line_are_told_apart(body: str, items: str, names: list[str]) -> None:
    lines = nodes(items, document_of(decode_json(body, 99)[0]))
    assert [line["name"] for line in lines] == names


def test_the_own_text_of_a_branch_is_its_text() -> None:
    assert texts("$.billing", document_of([("billing", "a"), ("billing.city", "b")])) == ["a"]


@pytest.mark.parametrize("expression", ["$.[", "$.a[?", "", "$.a b"])
def test_what_is_no_path_says_so(expression: str) -> None:
    with pytest.raises(ValueError, match="is no JSONPath"):
        compiled(expression)


def test_a_document_that_is_too_deep_selects_nothing() -> None:
    deep: Any = "x"
    for _ in range(5000):
        deep = {"a": deep}
    assert nodes("$..zz", deep) == []
