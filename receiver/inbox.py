"""Write an order down exactly once: one insert decides about copies, one commit serves all who wait."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from receiver.database import Database
from receiver.group_commit import GroupCommit
from receiver.models import milliseconds

_COLUMNS = (
    "receipt",
    "source",
    "key",
    "state",
    "test",
    "decided",
    "event_id",
    "order_id",
    "email",
    "total",
    "currency",
    "encoding",
    "fields",
    "fields_digest",
    "notes",
    "order",
    "errors",
    "proof",
    "fingerprint",
    "webhook_id",
    "webhook_timestamp",
    "received_at",
    "due_at",
    "attempts",
    "lease_token",
    "lease_until",
)
_INSERT = "INSERT INTO orders ({}) VALUES ({}) ON CONFLICT (source, key) DO NOTHING".format(  # noqa: S608 - names above
    ", ".join(f'"{name}"' for name in _COLUMNS), ", ".join("?" * len(_COLUMNS))
)
_NOTE_COPY = (
    "UPDATE orders SET copies = copies + 1, differing_copies = differing_copies + (fields_digest <> ?) "
    "WHERE source = ? AND key = ? RETURNING id, receipt, order_id"
)


@dataclass(frozen=True)
class Recorded:
    """Says what became of one entry: a new row, or a copy of the row with this receipt."""

    pk: int
    receipt: str
    order_id: str | None
    is_copy: bool


class Inbox:
    """Records proven POSTs; every outcome it gives is on disk."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._group: GroupCommit[Mapping[str, Any], Recorded] = GroupCommit(self._commit)

    def record(self, row: Mapping[str, Any]) -> Recorded:
        """Insert one row, given by column; raises Unavailable when it could not be put on disk."""
        return self._group.add({"receipt": new_receipt(), **row})

    def _commit(self, take: Callable[[], Sequence[Mapping[str, Any]]], patience: float) -> list[Recorded]:
        with self._database.write_cursor(patience) as cursor:
            return [_insert(cursor, row) for row in take()]


def new_receipt() -> str:
    """Make a receipt: the name under which sender and merchant speak of one delivery."""
    return f"rcp_{secrets.token_hex(8)}"


def _insert(cursor: Any, row: Mapping[str, Any]) -> Recorded:
    cursor.execute(_INSERT, [_stored(row.get(name)) for name in _COLUMNS])
    if cursor.rowcount == 1:
        return Recorded(cursor.lastrowid, row["receipt"], row["order_id"], is_copy=False)
    cursor.execute(_NOTE_COPY, (row["fields_digest"], row["source"], row["key"]))
    ((pk, receipt, order_id),) = cursor.fetchall()
    return Recorded(pk, receipt, order_id, is_copy=True)


def _stored(value: Any) -> Any:
    return milliseconds(value) if isinstance(value, datetime) else value
