"""Files of saved bodies: which bodies are in them, and where one that can't be read is."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.orders import Mapping
from receiver.orders.saved_bodies import Limits, Saved, saved_bodies

MULTIPART = (
    b'--x7\r\nContent-Disposition: form-data; name="order_id"\r\n\r\nA-1\r\n'
    b'--x7\r\nContent-Disposition: form-data; name="total"\r\n\r\n1.50\r\n--x7--\r\n'
)
LIMITS = Limits(2000, 40)
ONE = {"order_id": "A-1", "total": "1.50"}
TWO = {"order_id": "A-2", "items": [{"name": "Mug"}]}


def read(content: bytes, mapping: Mapping | None = None) -> list[Saved]:
    return list(saved_bodies(BytesIO(content), mapping, LIMITS))


def told(content: bytes, mapping: Mapping | None = None) -> list[tuple[str, Any]]:
    """Give the place of each body, with its fields or why it can't be read."""
    return [(one.place, one.fields if one.error is None else str(one.error)) for one in read(content, mapping)]


OF_ONE = [("order_id", "A-1"), ("total", "1.50")]
OF_TWO = [("order_id", "A-2"), ("items[0].name", "Mug")]


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (json.dumps(ONE, indent=2).encode(), "application/json"),
        (b"\xef\xbb\xbf" + json.dumps(ONE).encode(), "application/json"),
        (b"order_id=A-1&total=1.50\n", "application/x-www-form-urlencoded"),
        (MULTIPART, "multipart/form-data"),
    ],
)
def test_a_file_may_be_one_body(content: bytes, media_type: str) -> None:
    (one,) = read(content)
    assert (one.fields, one.media_type) == (OF_ONE, media_type)


def test_a_file_may_be_one_xml_document() -> None:
    (one,) = read(b"<order><order_id>A-1</order_id></order>")
    assert (one.fields, one.media_type) == ([("order.order_id", "A-1")], "application/xml")


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b' \n{ "orders" : '])
def test_a_json_list_holds_one_body_each(before: bytes) -> None:
    content = before + json.dumps([ONE, TWO], indent=1).encode() + b', "next": null}'
    assert told(content) == [("order 1", OF_ONE), ("order 2", OF_TWO)]


def test_numbers_of_a_list_keep_their_text_and_a_long_list_is_read_piece_by_piece() -> None:
    body = b'{"total": 12.50, "note": "' + b"x" * 1000 + b'"}'
    content = b"[" + b",".join([body] * 500) + b"]"
    found = read(content)
    assert [one.place for one in found] == [f"order {number}" for number in range(1, 501)]
    assert {one.fields[0] for one in found if one.fields} == {("total", "12.50")}


def test_behind_what_is_not_json_in_a_list_nothing_is_read() -> None:
    assert told(b'[{"order_id": "A-1", "total": "1.50"}, {"order_id": oops}, {"a": 1}]') == [
        ("order 1", OF_ONE),
        ("order 2", "The JSON goes wrong here. Neither this nor anything after it was read."),
    ]
    assert told(b"[")[0][0] == "order 1"
    assert told(b"[" * 100_000)[0][0] == "order 1"
    assert told(b"[]") == []


def test_what_is_no_order_in_a_list_spoils_no_other() -> None:
    assert [place for place, _ in told(b'["x", 7, {"order_id": "A-1", "total": "1.50"}]')] == [
        "order 1",
        "order 2",
        "order 3",
    ]
    assert told(b'["x", {"order_id": "A-1", "total": "1.50"}]')[1] == ("order 2", OF_ONE)


def test_each_line_may_be_a_body_and_a_broken_one_spoils_no_other() -> None:
    lines = [json.dumps(ONE), "", '{"order_id": ', json.dumps(TWO)]
    found = told("\n".join(lines).encode())
    assert [place for place, _ in found] == ["line 1", "line 3", "line 4"]
    assert (found[0][1], found[2][1]) == (OF_ONE, OF_TWO)
    assert "broke off" in str(found[1][1])
    assert told(b'{"order_id": \n{"order_id": "A-1", "total": "1.50"}')[1] == ("line 2", OF_ONE)
    assert told(b"order_id=A-1&total=1.50\r\norder_id=A-2&items[0].name=Mug") == [
        ("line 1", OF_ONE),
        ("line 2", OF_TWO),
    ]


def test_a_body_that_is_too_large_spoils_no_other() -> None:
    large = json.dumps({"note": "x" * 5000})
    found = told(f"{json.dumps(ONE)}\n{large}\n{json.dumps(TWO)}\n".encode())
    assert [place for place, _ in found] == ["line 1", "line 2", "line 3"]
    assert found[1][1] == "The body is larger than MAX_BODY_BYTES, 2000 bytes."
    assert found[2][1] == OF_TWO
    assert "MAX_BODY_BYTES" in str(told(json.dumps({"note": "x" * 5000}, indent=1).encode())[0][1])
    assert "MAX_BODY_BYTES" in str(told(json.dumps([{"note": "é" * 1500}], ensure_ascii=False).encode())[0][1])


@pytest.mark.parametrize("content", [b"", b" \n ", b"order_id,total\n"])
def test_a_file_may_hold_nothing(content: bytes) -> None:
    assert read(content) == []


def test_what_is_none_of_these_is_said() -> None:
    ((place, why),) = told(b"Dear shop")
    assert place == ""
    assert "no form, no JSON and no XML" in str(why)


@given(
    st.sampled_from([b"", b"[", b'{"orders": [', b"{", b"a,b\n", b"order_id;x\n1;", b"a=1\n", b"<", b"\xef\xbb\xbf"]),
    st.lists(
        st.one_of(st.binary(max_size=40), st.sampled_from([b"\n", b"\r", b'"', b",", b"{}", b"]", b"\0", b"x" * 3000])),
        max_size=12,
    ),
)
def test_whatever_a_file_holds_is_read_or_said_to_be_broken(begin: bytes, parts: list[bytes]) -> None:
    for one in read(begin + b"".join(parts)):
        assert (one.fields is None) == (one.error is not None)


def test_a_first_line_that_is_not_csv_is_said() -> None:
    found = list(saved_bodies(BytesIO(b'a,"' + b"x" * 140_000 + b'"\n1,2\n'), None, Limits(200_000, 40)))
    assert [(one.place, "isn't CSV" in str(one.error)) for one in found] == [("line 1", True)]


class TestCsv:
    """A table, each row an order or an item."""

    def test_each_row_is_an_order(self) -> None:
        content = "\ufefforder_id;total\r\nA-1;1.50\r\n\r\nA-2;2\r\n".encode()
        assert told(content) == [("line 2", OF_ONE), ("line 4", [("order_id", "A-2"), ("total", "2")])]
        assert read(content)[0].media_type == "text/csv"

    def test_adjacent_rows_with_one_id_are_an_orders_items(self) -> None:
        content = b"order_id,item_name,item_quantity,total\nA-1,Mug,2,9\nA-1,Jug,,\nA-2,Cup,1,3\n"
        (place, fields), second = told(content)
        assert place == "lines 2-3"
        assert fields == [
            ("order_id", "A-1"),
            ("item_1_name", "Mug"),
            ("item_2_name", "Jug"),
            ("item_1_quantity", "2"),
            ("total", "9"),
        ]
        assert second[1][:2] == [("order_id", "A-2"), ("item_1_name", "Cup")]

    def test_a_mapping_reads_the_rows_of_one_item_and_of_several(self) -> None:
        table = {"order_id": "Name", "items": "$.rows[*]", "items[].name": "@['Lineitem name']"}
        content = b'Name,Lineitem name\n#1,"Mug, blue"\n#2,Jug\n#2,"Cup\nof tea"\n'
        mapping = Mapping.from_table(table)
        one, two = read(content, mapping)
        assert (one.place, two.place) == ("line 2", "lines 3-4")
        names = [[reading.value for reading in mapping.apply(found.fields or [])[0]] for found in (one, two)]
        assert names == [["#1", "Mug, blue"], ["#2", "Jug", "Cup\nof tea"]]

    def test_a_rule_with_a_number_reads_the_rows_too(self) -> None:
        mapping = Mapping.from_table({"order_id": "Name", "items[].name": "rows[].Lineitem name"})
        (one,) = read(b"Name,Lineitem name\n#1,Mug\n", mapping)
        assert [reading.value for reading in mapping.apply(one.fields or [])[0]] == ["#1", "Mug"]

    def test_where_nobody_knows_the_items_the_rows_are_all_there(self) -> None:
        ((_, fields),) = told(b"order_id,Product\nA-1,Mug\nA-1,Jug\n")
        assert fields == [
            ("order_id", "A-1"),
            ("Product", "Mug"),
            *(("rows[0].order_id", "A-1"), ("rows[0].Product", "Mug")),
            *(("rows[1].order_id", "A-1"), ("rows[1].Product", "Jug")),
        ]

    def test_rows_without_an_id_are_orders_of_their_own(self) -> None:
        assert [place for place, _ in told(b"order_id,total\n,1\n,2\n")] == ["line 2", "line 3"]
        assert [place for place, _ in told(b"ref,total\nA,1\nA,2\n")] == ["line 2", "line 3"]

    def test_a_row_that_cannot_be_read_spoils_its_order_alone(self) -> None:
        content = b"order_id,item_name\nA-1,Mug\nA-1,Jug,too,many\nA-2,Cup\n"
        first, second = told(content)
        assert first == ("lines 2-3", "Line 3 has more cells than the first line has names.")
        assert second[0] == "line 4"
        first, second = told(b"order_id,item_name\nA-1,Mug\nA-2,Jug,too,many\n")
        assert (first[0], second[0]) == ("line 2", "line 3"), "its id can't be another column's"
        first, second = told(b"order_id,item_name\nA-1,Mug\nA-2,Jug,too,many\nA-2,Cup\n")
        assert (first[0], second) == ("line 2", ("lines 3-4", "Line 3 has more cells than the first line has names."))
        by_number = b"order_number,order_id,item_name\n#1,A-1,Mug\n#2,A-2,Jug,x\n#2,A-2,Cup\n#3,A-3,Pot\n"
        assert [place for place, _ in told(by_number)] == ["line 2", "lines 3-4", "line 5"]
        ((place, why),) = told(b"item_name,order_id\nMug,A-1\nJug,blue,A-2\n")
        assert (place, why) == ("lines 2-3", "Line 3 has more cells than the first line has names.")

    def test_a_row_that_is_not_csv_or_too_long_is_said(self) -> None:
        found = list(saved_bodies(BytesIO(b'a,b\n1,"' + b"x" * 140_000 + b'"\n2,3\n'), None, Limits(200_000, 40)))
        assert [(one.place, "isn't CSV" in str(one.error)) for one in found] == [("line 2", True), ("line 3", False)]
        found = read(b"a,b\n1," + b"x" * 3000 + b"\n2,3\n")
        assert [(one.place, str(one.error)) for one in found] == [
            ("line 2", "Line 2 is too long."),
            ("line 3", "None"),
        ]

    def test_rows_that_never_end_are_no_order(self) -> None:
        content = b"order_id,total\n" + b"A-1,1\n" * 30
        ((place, why),) = told(content)
        assert (place, why) == ("lines 2-31", "The order has more than 40 cells: do its rows belong together?")

    def test_short_rows_and_other_bytes_are_taken(self) -> None:
        ((_, fields),) = told("order_id,customer_first_name,\nA-1,Zoë\n".encode("cp1252"))
        assert fields == [("order_id", "A-1"), ("customer_first_name", "Zoë")]
        assert told(b"order_id,total\nA-1\n") == [("line 2", [("order_id", "A-1"), ("total", "")])]
        assert told(b"total,order_id\n5\n") == [("line 2", [("total", "5"), ("order_id", "")])]

    def test_a_shops_own_columns_get_the_names_that_its_posts_have(self) -> None:
        """The id is in an order's first row alone, as Shopify has it, and an apostrophe keeps a zip code a text."""
        columns = {"Id": "id", "Name": "name", "Zip": "address.zip", "Lineitem {name}": "lines[].{n}", "Tax": "tax"}
        content = (
            b"Name,Zip,Lineitem {name},Id,Tax\n#1,'04277,Mug,71,2\n#1,,Jug,,\n#2,'=1,Cup,72,\n#3,x,Pot,,\n#3,x,Pan,,\n"
        )
        mapping = Mapping.from_table({"order_id": "id", "order_number": "name"})
        found = list(saved_bodies(BytesIO(content), mapping, LIMITS, columns))
        assert [one.place for one in found] == ["lines 2-3", "line 4", "lines 5-6"]
        assert found[0].fields == [
            ("name", "#1"),
            ("address.zip", "04277"),
            ("lines[0].{n}", "Mug"),
            ("lines[1].{n}", "Jug"),
            ("id", "71"),
            ("tax", "2"),
        ]
        assert ("address.zip", "=1") in (found[1].fields or [])
        assert ("id", "") in (found[2].fields or []), "it's parked: nobody knows its id"
