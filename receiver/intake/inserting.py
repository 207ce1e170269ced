"""The statements that write a group of orders down: one insert finds what's new, the rest is settled row by row."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple

from receiver.errors import SecretsChanged
from receiver.intake import copies, latest
from receiver.orders.idempotency import own_key
from receiver.orders.states import LATER
from receiver.security.keyring import Stored
from receiver.security.shared_secrets import SELECT_STORED
from receiver.storage.columns import milliseconds
from receiver.storage.models import OrderRow

#: Rows of one group; SQLite takes 32,766 variables, PostgreSQL 65,535.
MOST_ROWS = 500
#: A new row's columns. It gets its id from the database, and nothing has come a second time yet.
_COLUMNS = [
    column.name for column in OrderRow.__table__.columns if column.name not in {"id", "copies", "differing_copies"}
]
_NAMES = ", ".join(f'"{name}"' for name in _COLUMNS)
_ROW = f"({', '.join('?' * len(_COLUMNS))})"


class Entry(NamedTuple):
    """A row by column, and the secrets that verified it."""

    row: Mapping[str, Any]
    verified_by: Stored


class Recorded(NamedTuple):
    """What became of one entry: a new row, or a copy of the row with this id."""

    pk: int
    order_id: str | None
    is_copy: bool


def write(cursor: Any, entries: Sequence[Entry], deadline: float) -> list[Recorded | SecretsChanged]:
    """Insert a group in one statement; what it left out follows in a transaction.

    ``deadline`` is on the clock of time.monotonic.
    """
    cursor.connection.wait_at_most(deadline - time.monotonic())
    # Read in the same moment as the rows are written: nothing is kept on the word of a secret that was just revoked.
    secrets: Stored = cursor.execute(SELECT_STORED).fetchall()
    inserted = _insert(cursor, [entry.row for entry in entries if entry.verified_by == secrets])
    if len(inserted) < len(entries):
        cursor.connection.wait_at_most(deadline - time.monotonic())
        return _one_by_one(cursor, entries, secrets, inserted)
    return [_new(entry.row, inserted) for entry in entries]


def record(cursor: Any, row: Mapping[str, Any]) -> Recorded:
    """Insert one row, or settle it as a copy, in the caller's transaction."""
    return _recorded(cursor, row, _insert(cursor, [row]))


def _insert(cursor: Any, rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], int]:
    """Insert all rows whose keys are new, in one statement; return the new ids by source and key."""
    if not rows:
        return {}
    cursor.execute(
        f"INSERT INTO orders ({_NAMES}) VALUES {', '.join([_ROW] * len(rows))} "  # noqa: S608 - names from above
        "ON CONFLICT (source, key) DO NOTHING RETURNING id, source, key",
        [*chain.from_iterable(map(_values, rows))],
    )
    return {(source, key): pk for pk, source, key in cursor.fetchall()}


def _one_by_one(
    cursor: Any, entries: Sequence[Entry], secrets: Stored, inserted: dict[tuple[str, str], int]
) -> list[Recorded | SecretsChanged]:
    """Return what became of each entry of a group that wasn't inserted as a whole."""
    with cursor.connection.transaction():
        return [
            _recorded(cursor, entry.row, inserted) if entry.verified_by == secrets else SecretsChanged()
            for entry in entries
        ]


def _recorded(cursor: Any, row: Mapping[str, Any], inserted: dict[tuple[str, str], int]) -> Recorded:
    """Return what became of a row; the first of two copies in one group was inserted.

    What says something else under a known key is nobody's copy: it gets a row of its own, under a key of its own by
    which its own copies find it. Nothing that's kept is overwritten.
    """
    if (row["source"], row["key"]) in inserted:
        return _new(row, inserted)
    kept = copies.find(cursor, row["source"], row["key"])
    if row.get("can_change") and copies.changes(row, kept):
        return _changed(cursor, row)
    if copies.is_same(row, kept):
        return _copy(cursor, row, kept.id)
    corrects = copies.corrects(row, kept)
    shares_id = not corrects and row.get("decided") not in LATER
    own_id = own_key(row["key"], row["content_digest"])
    own = {**row, "key": own_id, "same_id_as": kept.first if shares_id else None}
    of_its_own = _insert(cursor, [own])
    if not of_its_own:
        return _copy(cursor, row, copies.find(cursor, own["source"], own["key"]).id)
    recorded = _new(own, of_its_own)
    if corrects:
        copies.supersede(cursor, kept.id, by=recorded.pk)
    return recorded


def _changed(cursor: Any, row: Mapping[str, Any]) -> Recorded:
    """Return what became of an order that's kept, and can change: the latest change counts, also one that goes back.

    The key of a change that says what an older row said holds the row that it follows.
    """
    newest = latest.newest(cursor, row)
    same = newest.id if latest.says_the_same(row, newest) else latest.sent_before(cursor, row)
    if same is not None:
        return _copy(cursor, row, same)
    change = copies.as_change(row) | {"key": own_key(row["key"], row["content_digest"])}
    if not (inserted := _insert(cursor, [change])):
        change["key"] = own_key(row["key"], row["content_digest"], after=newest.id)
        inserted = _insert(cursor, [change])
    return _new(change, inserted)


def _copy(cursor: Any, row: Mapping[str, Any], kept: int) -> Recorded:
    copies.note_copy(cursor, row, kept)
    return Recorded(kept, row["order_id"], is_copy=True)


def _new(row: Mapping[str, Any], inserted: dict[tuple[str, str], int]) -> Recorded:
    return Recorded(inserted.pop((row["source"], row["key"])), row["order_id"], is_copy=False)


def _values(row: Mapping[str, Any]) -> list[Any]:
    return [milliseconds(value) if isinstance(value, datetime) else value for value in map(row.get, _COLUMNS)]
