"""Read a CSV export: each row is an order, or rows that follow each other with one order id are an order's items."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as Table
from itertools import chain, groupby
from typing import Any, NamedTuple

from receiver.errors import ReceiverError, TooLarge, Undecodable
from receiver.orders.charsets import fallback_text
from receiver.orders.mapping import Mapping
from receiver.orders.names import Fields, Place, form_name, place_of

#: The list that an order's rows are in, for a mapping's rules.
ROWS = "rows"
_ORDER_ID, _ORDER_NUMBER = Place("order", 0, "order_id"), Place("order", 0, "order_number")
#: A column of an item under the contract's name, which has no number in a table.
_OF_ITEM = re.compile(r"item_([a-z_]+)")
#: A mark that makes a spreadsheet take a cell for text.
_MARK = re.compile(r"'(?=[0-9=+@-])")
_DELIMITERS = ",;\t|"
_NO_TABLE = (b"<", b"{", b"[", b"--")


class _Row(NamedTuple):
    """One row of a table, or why it can't be read."""

    line: int
    cells: list[str] | ReceiverError
    #: What the rows of one order share: its id, or the line of a row that has none.
    order: str | int


def is_csv(head: bytes) -> bool:
    """Return whether a file that begins so is a table: delimiters stand in its first line."""
    first = head.partition(b"\n")[0]
    return not first.startswith(_NO_TABLE) and any(one.encode() in first for one in _DELIMITERS)


def read(
    lines: Iterable[bytes | None], mapping: Mapping | None, names: Table[str, str], most: int
) -> Iterator[tuple[str, Fields | ReceiverError]]:
    """Yield the place of each order, and its fields or why they can't be read; None is a line that was too long.

    ``names`` are those that POSTs have for what a table calls otherwise, such as ``line_items[].sku``. A column is a
    field of the order, with its first row's value. One of an item's, whose name has ``[]`` or is the contract's, such
    as ``item_name``, gets the row's number. Where the mapping asks for ``rows``, or an order has several and nothing
    says which columns are the items', the rows are there too, as ``rows[0].Product``. An order may have ``most`` cells.
    """
    cut: list[bool] = []
    texts = (_text(line, cut) for line in lines)
    first = next(texts, "")
    reader = csv.reader(chain([first], texts), delimiter=max(_DELIMITERS, key=first.count))
    try:
        header = [names.get(name.strip(), name.strip()) for name in next(reader, [])]
    except csv.Error as error:
        yield "line 1", Undecodable(f"Line 1 isn't CSV: {error}.")
        return
    has_items = any(map(_numbered, header))
    asks_for_rows = mapping is not None and any(ROWS in name for name in _names(mapping))
    for _, group in groupby(_rows(reader, header, _ids(header, mapping), cut), lambda row: row.order):
        rows: list[_Row] = []
        last = cells = 0
        for row in group:  # to its end, but no more of it is kept than an order may have
            last, cells = row.line, cells + len(header)
            if cells <= most or not rows:
                rows.append(row)
        place = f"line {last}" if last == rows[0].line else f"lines {rows[0].line}-{last}"
        wrong = next((row.cells for row in rows if isinstance(row.cells, ReceiverError)), None)
        if cells > most:
            wrong = TooLarge(f"The order has more than {most} cells: do its rows belong together?")
        with_rows = asks_for_rows or (len(rows) > 1 and not has_items)
        yield place, wrong or _fields(header, [row.cells for row in rows], with_rows=with_rows)


def _text(line: bytes | None, cut: list[bool]) -> str:
    if line is None:
        cut.append(True)
        return "\n"
    try:
        return line.decode().replace("\0", "\ufffd")
    except UnicodeDecodeError:
        return fallback_text(line)


def _names(mapping: Mapping) -> Iterator[str]:
    yield mapping.rows or ""
    for rule in mapping.rules:
        yield from rule.names


def _ids(header: Sequence[str], mapping: Mapping | None) -> list[int]:
    """Return the columns of the order's id and of its number, as far as there are such."""
    found = []
    for place in (_ORDER_ID, _ORDER_NUMBER):
        names = (*(mapping.names_for(place) if mapping else ()), form_name(place))
        found += [header.index(name) for name in names if name in header][:1]
    return found


def _rows(reader: Any, header: Sequence[str], ids: Sequence[int], cut: list[bool]) -> Iterator[_Row]:
    """Yield the rows that hold something. One that can't be read spoils the order before it, which may lack an item.

    Some shops give an order's id in its first row alone, and its number in all.
    """
    order: str | int = 0
    first, before = "", list[str]()
    while True:
        line = reader.line_num + 1
        wrong: ReceiverError | None = None
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            cells, wrong = [], Undecodable(f"Line {line} isn't CSV: {error}.")
        if cut:
            wrong = TooLarge(f"Line {line} is too long.")
        elif len(cells) > len(header):
            wrong = Undecodable(f"Line {line} has more cells than the first line has names.")
            if 0 in ids and cells[0] != first:  # what's in front of all delimiters can't be another column's
                order, before = cells[0].strip() or line, ["", cells[0].strip()]
        cut.clear()
        first = cells[0] if cells else first
        if wrong is None and any(cells):
            said = [cells[column].strip() for column in ids if column < len(cells)]
            has_same_number = len(said) > 1 and said[1] != "" and said[1:] == before[1:]
            if not has_same_number or (said[0] and before[0]):
                order = next(filter(None, said), line)
            before = said
        if wrong or any(cells):
            yield _Row(line, wrong or cells, order)


def _fields(header: Sequence[str], rows: Sequence[Any], *, with_rows: bool) -> Fields:
    fields: Fields = []
    for column, name in enumerate(header):
        values = [_MARK.sub("", row[column], count=1) if column < len(row) else "" for row in rows]
        numbered = _numbered(name)
        if numbered:
            fields += [(numbered.format(number, number + 1), value) for number, value in enumerate(values) if value]
        elif name:
            fields.append((name, values[0]))
    if with_rows:
        cells = (
            (number, name, value) for number, row in enumerate(rows) for name, value in zip(header, row, strict=False)
        )
        fields += [(f"{ROWS}[{number}].{name}", value) for number, name, value in cells if name and value]
    return fields


def _numbered(name: str) -> str | None:
    """Return the name of an item's column with a place for the row's number, counted from 0 and from 1."""
    plain = name.replace("{", "{{").replace("}", "}}")
    if "[]" in name:
        return plain.replace("[]", "[{0}]", 1)
    of_item = _OF_ITEM.fullmatch(name)
    is_ours = of_item and place_of(form_name(Place("items", 0, of_item[1])))
    return f"item_{{1}}_{of_item[1]}" if of_item and is_ours else None
