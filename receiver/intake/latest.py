"""What's kept last of an order that can change, and whether a POST repeats it or an older one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from receiver.intake.authentication import IMPORTED, IMPORTED_TO_RUN
from receiver.intake.copies import HAS_RUN, is_same
from receiver.orders.states import COMPLETED, UPDATED

_IMPORTED = (IMPORTED, IMPORTED_TO_RUN)
#: Rows of one key, and of the keys that were made of it: these go on with a dot, after which "/" comes next.
_OF_THE_KEY = "source = ? AND key >= ? AND key < ? || '/' AND (key = ? OR key > ? || '.')"
_NEWEST = (
    'SELECT id, order_id, test, decided, content_digest, proof, "order" '  # noqa: S608 - names from here
    f"FROM orders WHERE {_OF_THE_KEY} AND state IN {HAS_RUN} AND decided IN {(COMPLETED, UPDATED)} AND NOT test "
    "ORDER BY id DESC LIMIT 1"
)
_SENT_BEFORE = (
    f"SELECT id FROM orders WHERE {_OF_THE_KEY} "  # noqa: S608 - names from here
    "AND content_digest = ? AND (? OR fields_digest = ?) ORDER BY id LIMIT 1"
)


class Newest(NamedTuple):
    """What an order is now: the newest row of it, or of a change."""

    id: int
    order_id: str | None
    test: bool
    decided: str
    content_digest: str | None
    proof: str
    #: As JSON; None once it was purged.
    order: str | None


def newest(cursor: Any, row: Mapping[str, Any]) -> Newest:
    """Return what's kept last of the order that a row is of; it must be there."""
    cursor.execute(_NEWEST, _key(row))
    (found,) = cursor.fetchall()
    return Newest(*found)


def says_the_same(row: Mapping[str, Any], kept: Newest) -> bool:
    """Return whether a row says of an order what's kept last: its contents, where it goes, and whose it is.

    An import is compared by its contents alone: a file writes addresses in its own way.
    """
    if not is_same(row, kept):
        return False
    is_imported = row["proof"] in _IMPORTED or kept.proof in _IMPORTED
    return is_imported or not kept.order or not _goes_elsewhere(row["order"], kept.order)


def sent_before(cursor: Any, row: Mapping[str, Any]) -> int | None:
    """Return the id of the older row that a row is a late retry of: all of its fields are the same; None for no retry.

    An order that was changed back says another time of its change at least. A file may be older than what's kept, so
    of an import it's enough that it says what any row of its order says.
    """
    cursor.execute(_SENT_BEFORE, (*_key(row), row["content_digest"], row["proof"] in _IMPORTED, row["fields_digest"]))
    return next((pk for (pk,) in cursor.fetchall()), None)


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    return row["source"], *[row["key"]] * 4


def _goes_elsewhere(now: str, before: str) -> bool:
    """Return whether an order names another shipping address or email; one that isn't sent any more is no other."""
    return any(one and one != other for one, other in zip(_goes_to(now), _goes_to(before), strict=True))


def _goes_to(stored: str) -> tuple[object, object]:
    order = json.loads(stored)
    return order.get("shipping"), (order.get("customer", {}).get("email") or "").casefold()
