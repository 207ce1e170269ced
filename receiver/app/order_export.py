"""The orders of a list as a CSV file, read a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from receiver.mail.spreadsheet import cell, encoded
from receiver.storage import order_lines
from receiver.storage.database import Database
from receiver.storage.order_filters import OrderFilter, is_sold
from receiver.storage.order_lines import OrderLine

#: The heading. The sum of the last column is what the list in the console says.
COLUMNS = (
    *("receipt", "number", "order_id", "received_at", "source", "state", "event", "test"),
    *("customer", "email", "items", "currency", "total", "completed_total"),
)
_BATCH = 500


def written(database: Database, wanted: OrderFilter, zone: ZoneInfo) -> Iterator[bytes]:
    """Yield the heading and the orders, newest first; what arrives meanwhile isn't among them."""
    yield encoded([COLUMNS])
    before: int | None = None
    while True:
        with database.read() as session:
            pks = wanted.ids(session, most=_BATCH, before=before)
            lines = order_lines.read(session, pks)
        if not lines:
            return
        yield encoded(_cells(line, zone) for line in lines)
        before = pks[-1]


def _cells(line: OrderLine, zone: ZoneInfo) -> list[str]:
    row = line.row
    values = (
        *(row.receipt, line.number, row.order_id, row.received_at.astimezone(zone).isoformat(timespec="seconds")),
        *(row.source, row.state, row.event, "yes" if row.test else "no", line.customer, row.email, line.items),
        *(row.currency, row.total, row.total if is_sold(row) else None),
    )
    return [cell(value) for value in values]
