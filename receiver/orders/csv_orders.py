"""Read a CSV export: each row is an order, or rows that follow each other with one order id are an order's items."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby
from typing import Any, NamedTuple

from receiver.errors import ReceiverError, TooLarge, Undecodable
from receiver.orders.charsets import fallback_text
from receiver.orders.mapping import Mapping
from receiver.orders.names import Fields, Place, form_name, place_of

#: The list that an order's rows are in, for a mapping's rules.
ROWS = "rows"
_ORDER_ID = Place("order", 0, "order_id")
#: A column of an item under the contract's name, which has no number in a table.
_OF_ITEM = re.compile(r"item_([a-z_]+)")
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
    lines: Iterable[bytes | None], mapping: Mapping | None, most: int
) -> Iterator[tuple[str, Fields | ReceiverError]]:
    """Yield the place of each order, and its fields or why they can't be read; None is a line that was too long.

    A column is a field of the order, with its first row's value. A column with the contract's name of an item's field,
    such as ``item_name``, gets the row's number. Where the mapping asks for ``rows``, or an order has several, the rows
    are there too, as ``rows[0].Lineitem name``. An order may have ``most`` cells.
    """
    cut: list[bool] = []
    texts = (_text(line, cut) for line in lines)
    first = next(texts, "")
    reader = csv.reader(chain([first], texts), delimiter=max(_DELIMITERS, key=first.count))
    header = [name.strip() for name in next(reader, [])]
    asks_for_rows = mapping is not None and any(ROWS in name for name in _names(mapping))
    for _, group in groupby(_rows(reader, header, _id_column(header, mapping), cut), lambda row: row.order):
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
        yield place, wrong or _fields(header, [row.cells for row in rows], asks_for_rows=asks_for_rows)


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


def _id_column(header: Sequence[str], mapping: Mapping | None) -> int | None:
    names = (*(mapping.names_for(_ORDER_ID) if mapping else ()), form_name(_ORDER_ID))
    return next((header.index(name) for name in names if name in header), None)


def _rows(reader: Any, header: Sequence[str], id_column: int | None, cut: list[bool]) -> Iterator[_Row]:
    """Yield the rows that hold something. One that can't be read spoils the order before it, which may lack an item."""
    order: str | int = 0
    while True:
        line = reader.line_num + 1
        wrong: ReceiverError | None = None
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            cells, wrong = [], Undecodable(f"The row isn't CSV: {error}.")
        if cut:
            wrong = TooLarge("The row is too long.")
        elif len(cells) > len(header):
            wrong = Undecodable("The row has more cells than the first line has names.")
        cut.clear()
        if wrong is None and any(cells):
            order = (cells[id_column].strip() if id_column is not None and id_column < len(cells) else "") or line
        if wrong or any(cells):
            yield _Row(line, wrong or cells, order)


def _fields(header: Sequence[str], rows: Sequence[Any], *, asks_for_rows: bool) -> Fields:
    fields: Fields = []
    for column, name in enumerate(header):
        values = [row[column] if column < len(row) else "" for row in rows]
        of_item = _OF_ITEM.fullmatch(name)
        if of_item and place_of(form_name(Place("items", 0, of_item[1]))):
            fields += [(f"item_{number}_{of_item[1]}", value) for number, value in enumerate(values, 1) if value]
        elif name:
            fields.append((name, values[0]))
    if asks_for_rows or len(rows) > 1:
        cells = (
            (number, name, value) for number, row in enumerate(rows) for name, value in zip(header, row, strict=False)
        )
        fields += [(f"{ROWS}[{number}].{name}", value) for number, name, value in cells if name and value]
    return fields
