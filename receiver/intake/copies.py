"""What a POST is when its key is known already: a copy, or something else under the same id."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from receiver.orders import Fields, holds_all
from receiver.orders.states import COMPLETED, UPDATED, UPDATED_EVENT
from receiver.storage.columns import pk_of, receipt_of

_IS_NOT_UNDERSTOOD = "(state = 'parked' OR state = 'ignored' AND decided IS NULL)"
#: States of orders that handlers run on.
HAS_RUN = ("open", "done", "failed")
#: The fields only where they're compared: there may be many.
_COLUMNS = (
    "id, state, test, decided, order_id, total, content_digest, duplicate_of, "
    f"CASE WHEN {_IS_NOT_UNDERSTOOD} THEN fields ELSE '[]' END"
)
_FIND = f"SELECT {_COLUMNS} FROM orders WHERE source = ? AND key = ?"  # noqa: S608 - names from above
_NOTE_COPY = (
    "UPDATE orders SET copies = copies + 1, "
    "differing_copies = differing_copies + CAST(fields_digest <> ? AS INTEGER) WHERE id = ?"
)
_SUPERSEDE = (
    "UPDATE orders SET state = 'duplicate', duplicate_of = ? "  # noqa: S608 - a condition from above
    f"WHERE id = ? AND {_IS_NOT_UNDERSTOOD} RETURNING id"
)


class Kept(NamedTuple):
    """What's compared of a recorded POST."""

    id: int
    state: str
    test: bool
    decided: str | None
    order_id: str | None
    total: str | None
    content_digest: str | None
    duplicate_of: str | None
    #: As JSON; empty once it's understood.
    fields: str

    @property
    def first(self) -> int:
        """The id of the row that this one counts as: its own, or that of the order it's a duplicate of."""
        return pk_of(self.duplicate_of) if self.duplicate_of else self.id


def find(cursor: Any, source: str, key: str) -> Kept:
    """Return what's kept under a key; it must be there."""
    cursor.execute(_FIND, (source, key))
    (found,) = cursor.fetchall()
    return Kept(*found)


def is_same(row: Mapping[str, Any], kept: Any) -> bool:
    """Return whether a row by column says the same as a kept one, as ``idempotency.content_digest`` defines it.

    A row that was purged before there were digests has none: it's compared by what's left of it.
    """
    if kept.content_digest is None:
        mine = row["order_id"], row.get("decided"), bool(row["test"])
        return mine == (kept.order_id, kept.decided, bool(kept.test))
    return bool(kept.content_digest == row["content_digest"])


def note_copy(cursor: Any, row: Mapping[str, Any], kept: int) -> None:
    """Count a copy of the row with this id; nothing else of it changes."""
    cursor.execute(_NOTE_COPY, (row["fields_digest"], kept))


def corrects(row: Mapping[str, Any], kept: Any) -> bool:
    """Return whether a row is the order that a kept one, parked or dismissed, was meant to be.

    Only a completed real order can be that. It has the kept one's order id or, if none was read there, all its
    fields.
    """
    is_order = row["state"] == "open" and row["decided"] == COMPLETED and not row["test"]
    was_to_be_one = kept.state == "parked" and kept.decided in {None, COMPLETED} and not kept.test
    was_dismissed = kept.state == "ignored" and kept.decided is None
    if not is_order or not (was_to_be_one or was_dismissed):
        return False
    if kept.order_id is not None:
        return bool(kept.order_id == row["order_id"])
    fields = fields_of(kept.fields)
    return bool(fields) and holds_all(fields_of(row["fields"]), fields)


def changes(row: Mapping[str, Any], kept: Any) -> bool:
    """Return whether a row is a change of a kept order, both of them paid and under one key, where orders can change.

    A notice without a sum isn't compared: the order itself may come after it.
    """
    one, other = ((row["state"], row["decided"], row["test"]), (kept.state, kept.decided, bool(kept.test)))
    is_order = all(state in HAS_RUN and decided == COMPLETED and not test for state, decided, test in (one, other))
    return is_order and row["order_id"] == kept.order_id and None not in (row.get("total"), kept.total)


def as_change(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return an order's columns as those of a change; its digest stays, by which its copies are found."""
    order = {**json.loads(row["order"]), "event": UPDATED_EVENT}
    return {**row, "decided": UPDATED, "order": json.dumps(order, ensure_ascii=False), "same_id_as": None}


def fields_of(stored: str) -> Fields:
    """Return the fields of an order as they came, from how they're stored."""
    return [(name, value) for name, value in json.loads(stored)]


def supersede(cursor: Any, kept: int, *, by: int) -> bool:
    """Settle a parked or dismissed row as a duplicate of the row ``by``; its body stays as it came.

    Both are ids. Return False for one that's neither parked nor dismissed, and leave it as it is.
    """
    cursor.execute(_SUPERSEDE, (receipt_of(by), kept))
    return bool(cursor.fetchall())
