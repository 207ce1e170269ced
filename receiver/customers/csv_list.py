"""The customers of a list as a CSV file, read a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator

from receiver.customers import records
from receiver.mail.spreadsheet import cell, encoded
from receiver.storage.database import Database
from receiver.storage.models import CustomerRow

#: The heading.
COLUMNS = (
    *("email", "first_name", "last_name", "company", "phone", "locale", "registered_at", "orders"),
    *("subscribed", "consent_at", "consent_source"),
)
_BATCH = 500


def written(database: Database, words: str, *, subscribed: bool) -> Iterator[bytes]:
    """Yield the heading and the customers, newest first."""
    yield encoded([COLUMNS])
    before: int | None = None
    while True:
        with database.read() as session:
            rows = session.scalars(records.newest(words, subscribed=subscribed, before=before).limit(_BATCH)).all()
            counts = records.order_counts(session, *(row.email for row in rows)) if rows else {}
        if not rows:
            return
        yield encoded(_cells(row, counts[row.email]) for row in rows)
        before = rows[-1].id


def _cells(row: CustomerRow, orders: int) -> list[str]:
    values = (
        *(row.email, row.first_name, row.last_name, row.company, row.phone, row.locale),
        *(row.registered_at.isoformat(timespec="seconds"), orders, "yes" if row.accepts_marketing else "no"),
        *(row.consent_at.isoformat(timespec="seconds") if row.consent_at else None, row.consent_source),
    )
    return [cell(value) for value in values]
