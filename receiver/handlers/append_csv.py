"""Keep a CSV file of the orders, for a spreadsheet: switched on by ``file`` in ``[handlers.append_csv]``."""

from __future__ import annotations

import csv
import fcntl
import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field

from receiver.handlers import Context, InstancePath, Item, Order, handler
from receiver.mail.text_layout import plain_line

#: The heading. A new column goes at the end, so that the rows of an older file stay under theirs.
COLUMNS = (
    *("source", "event_id", "order_id", "order_number", "order_date", "email", "first_name", "last_name", "company"),
    *("country", "currency", "subtotal", "discount_total", "shipping_total", "tax_total", "total"),
    *("payment_gateway", "payment_reference", "item_sku", "item_name", "item_quantity", "item_unit_price"),
)
#: Where a spreadsheet may read a formula: at a cell's begin, and behind what some take for the end of a cell. The
#: full-width forms count too.
_FORMULA = re.compile('(^|;[" ]*)(?=[=+@\uff1d\uff0b\uff0d\uff20-])')
#: Bytes of the file that are looked at together.
_BLOCK = 256 * 1024
_BOM = b"\xef\xbb\xbf"


class CsvSettings(BaseModel):
    """What ``[handlers.append_csv]`` may hold."""

    file: InstancePath = Field(description="file that keeps all orders, such as `orders.csv` in the instance folder")
    rows: Literal["orders", "items"] = Field(
        "orders", description="a row for each of the `orders`, or for each of their `items`"
    )
    bom: bool = Field(
        True, description="begin the file with the mark by which Excel knows UTF-8; read when the file is begun"
    )


@handler(on_test=False, settings=CsvSettings)
def append_csv(order: Order, context: Context[CsvSettings]) -> str:
    """Append the order to the CSV file, one row for the order or one for each item.

    Exactly once: a row begins with the order's source and event_id, and what stands in the file already is not
    written again, whatever became of the attempt that wrote it. The file is locked meanwhile and synced to disk.
    """
    own = context.own
    rows = _rows(order, context, one_per_item=own.rows == "items")
    with _locked(own.file) as file:
        written = _append(file, rows, bom=own.bom)
    return f"{len(rows)} row{'s'[: len(rows) != 1]} appended" if written else "stands in the file already"


def _rows(order: Order, context: Context[CsvSettings], *, one_per_item: bool) -> list[list[str]]:
    address = order.billing or order.shipping
    of_order = (
        *(context.source, context.event_id, order.order_id, order.order_number, order.order_date.isoformat()),
        *(order.customer.email, order.customer.first_name, order.customer.last_name, order.customer.company),
        *(address.country if address else None, order.currency, order.subtotal, order.discount_total),
        *(order.shipping_total, order.tax_total, order.total, order.payment_gateway, order.payment_reference),
    )
    items = order.items if one_per_item else ()
    of_items = [(item.sku, item.name, item.quantity, item.unit_price) for item in items or (Item(),)]
    return [[_cell(value) for value in (*of_order, *of_item)] for of_item in of_items]


def _cell(value: object) -> str:
    """Write a value on one line, and so that no spreadsheet reads a formula in it."""
    return "" if value is None else _FORMULA.sub(r"\1'", plain_line(value))


@contextmanager
def _locked(path: Path) -> Iterator[io.FileIO]:
    """Open the file, its owner's alone when it is new, and let nobody else write meanwhile."""
    with open(path, "a+b", buffering=0, opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _append(file: io.FileIO, rows: list[list[str]], *, bom: bool) -> bool:
    """Write the rows unless they are there, and the heading into an empty file; tells whether it wrote."""
    block = _encoded(rows)
    first_row = b"\n" + _encoded([rows[0][:2]]).rstrip() + b","
    start = _find(file, first_row) + 1
    if start and not _is_cut_off(_read_at(file, start, len(block) + 1), block):
        return False
    kept = start or _end_of_whole_rows(file)
    heading = b"" if kept else (_BOM if bom else b"") + _encoded([list(COLUMNS)])
    line_end = b"\r\n" if kept and _read_at(file, kept - 1, 1) != b"\n" else b""
    try:
        file.truncate(kept)
        _write(file, heading + line_end + block)
        os.fsync(file.fileno())
    except OSError:
        file.truncate(kept)
        raise
    return True


def _write(file: io.FileIO, content: bytes) -> None:
    while content:
        content = content[file.write(content) :]


def _is_cut_off(standing: bytes, block: bytes) -> bool:
    """Return whether what stands from our first row on is the begin of our rows: an attempt ended as it wrote."""
    return standing != block and block.startswith(standing)


def _find(file: io.FileIO, wanted: bytes) -> int:
    """Return where a text first stands in the file, -1 if nowhere; so many rows as a shop has are never in memory."""
    file.seek(0)
    begin, window = 0, b""
    while part := file.read(_BLOCK):
        window += part
        if (at := window.find(wanted)) >= 0:
            return begin + at
        rest = window[-len(wanted) :]
        begin += len(window) - len(rest)
        window = rest
    return -1


def _read_at(file: io.FileIO, position: int, count: int) -> bytes:
    file.seek(position)
    return file.read(count) or b""


def _end_of_whole_rows(file: io.FileIO) -> int:
    """Return where the last complete row ends; one with too few columns and no line end was cut off while written."""
    size = file.seek(0, os.SEEK_END)
    last = _last_line(file, size)
    columns = next(csv.reader([last.decode("utf-8", "replace")]), [])
    return size - len(last) if len(columns) < len(COLUMNS) else size


def _last_line(file: io.FileIO, size: int) -> bytes:
    """Read back from the end, further each time, until a line's begin is found."""
    length = _BLOCK
    while True:
        end = _read_at(file, max(size - length, 0), length)
        at = end.rfind(b"\n")
        if at >= 0 or length >= size:
            return end[at + 1 :]
        length *= 2


def _encoded(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8", "replace")
