"""Keep a CSV file of the orders, for a spreadsheet: switched on by ``file`` in ``[handlers.append_csv]``."""

from __future__ import annotations

import csv
import fcntl
import io
import os
from typing import Literal

from pydantic import BaseModel, Field

from receiver.handlers import Context, InstancePath, Item, Order, handler
from receiver.mail.spreadsheet import BOM, cell, encoded

#: The heading. A new column goes at the end, so that the rows of an older file still fit.
COLUMNS = (
    *("source", "event_id", "order_id", "order_number", "order_date", "email", "first_name", "last_name", "company"),
    *("country", "currency", "subtotal", "discount_total", "shipping_total", "tax_total", "total"),
    *("payment_gateway", "payment_reference", "item_sku", "item_name", "item_quantity", "item_unit_price"),
)


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
    """Append the order to the CSV file: one row, or one for each item.

    A row starts with the order's source and event_id. If it's in the file already, it isn't written again, even if the
    attempt that wrote it failed. The file is locked meanwhile, and synced to disk.
    """
    own = context.own
    rows = _rows(order, context, one_per_item=own.rows == "items")
    # A new file is its owner's alone. Without a buffer, a write that fails leaves nothing behind to be written later.
    with open(own.file, "a+b", buffering=0, opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        written = _append(file, rows, bom=own.bom)
    return f"{len(rows)} row{'s'[: len(rows) != 1]} appended" if written else "already in the file"


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
    return [[cell(value) for value in (*of_order, *of_item)] for of_item in of_items]


def _append(file: io.FileIO, rows: list[list[str]], *, bom: bool) -> bool:
    """Write the rows unless they're there, and the heading into an empty file; return whether it wrote."""
    block, first_cells = encoded(rows), encoded([rows[0][:2]]).rstrip() + b","
    place, line_end = _place_of(first_cells, file)
    file.seek(place)
    standing = file.read(len(block) + 1) or b""
    # Bytes that are the beginning of ours are what an attempt wrote that ended before its last byte.
    is_cut_off = standing != block and block.startswith(standing)
    if standing.startswith(first_cells) and not is_cut_off:
        return False
    heading = b"" if place else (BOM if bom else b"") + encoded([list(COLUMNS)])
    try:
        file.truncate(place)
        _write(file, heading + line_end + block)
        os.fsync(file.fileno())
    except OSError:
        file.truncate(place)
        raise
    return True


def _place_of(first_cells: bytes, file: io.FileIO) -> tuple[int, bytes]:
    """Return where the row with these first cells is, or else the end of the last whole row; and the line end to add.

    The file is read line by line: a shop has more rows than fit into memory.
    """
    place, line_end = 0, b""
    with open(file.fileno(), "rb", closefd=False) as lines:
        lines.seek(0)
        for line in lines:
            if line.startswith(first_cells) or not _is_whole(line):
                break
            place += len(line)
            line_end = b"" if line.endswith(b"\n") else b"\r\n"
    return place, line_end


def _is_whole(line: bytes) -> bool:
    """Return whether a row was written to its end; an editor may have taken the last row's line end away."""
    return line.endswith(b"\n") or len(next(csv.reader([line.decode("utf-8", "replace")]))) >= len(COLUMNS)


def _write(file: io.FileIO, content: bytes) -> None:
    while content:
        content = content[file.write(content) :]
