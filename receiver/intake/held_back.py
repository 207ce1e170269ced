"""Forms held back because they may have been cut: which whole ones take their place, and how many wait."""

from __future__ import annotations

import json

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, aliased

from receiver.orders import Fields, is_cut_of
from receiver.storage.columns import receipt_of
from receiver.storage.database import Database
from receiver.storage.models import IS_HELD_BACK, OrderRow

HOW_TO_KNOW_THE_END = (
    "Put a proxy in front that takes a request in whole before it passes it on (deploy/nginx.conf, deploy/Caddyfile), "
    "or serve with gunicorn, or have the sender send a Content-Length or sign."
)
#: Newest ones that one look compares; an older one is compared when it is replayed.
_MOST_LOOKED_AT = 500


class HeldBack:
    """Settles what is held back as a duplicate once all of it has come in another POST."""

    def __init__(self, database: Database) -> None:
        self._database = database
        #: Id of the newest row when it was last looked.
        self._seen = 0

    def look(self) -> None:
        """Compare what is held back with what else came of the same order, if anything has come since the last look."""
        with self._database.read() as session:
            newest = session.scalar(select(func.max(OrderRow.id))) or 0
            found = _superseded(session) if newest > self._seen else {}
        if found:
            with self._database.write() as session:
                for pk, receipt in _superseded(session).items():
                    _settle(session, pk, receipt)
        self._seen = newest


def superseded_by(session: Session, pk: int, source: str, order_id: str | None, fields: Fields) -> str | None:
    """Return the receipt of the order that holds all of a form that may have been cut; None while there is none.

    A whole POST comes before one that may be cut as well, which must hold more.
    """
    if order_id is None:
        return None
    others = select(OrderRow).where(OrderRow.source == source, OrderRow.order_id == order_id, OrderRow.id != pk)
    for other in session.scalars(others.order_by(OrderRow.may_be_cut, OrderRow.id)):
        stands_for = other.duplicate_of or other.receipt
        if stands_for != receipt_of(pk) and _holds(other, fields, pk):
            return stands_for
    return None


def counts(session: Session) -> dict[str, int]:
    """Return how many are held back, by source."""
    counted = select(OrderRow.source, func.count()).where(IS_HELD_BACK).group_by(OrderRow.source)
    return dict(session.execute(counted.order_by(OrderRow.source)).all())


def _holds(other: OrderRow, fields: Fields, pk: int) -> bool:
    theirs = fields_of(other)
    if not is_cut_of(fields, theirs):
        return False
    as_long = is_cut_of(theirs, fields)
    return not (other.may_be_cut and as_long) or other.id < pk


def fields_of(row: OrderRow) -> Fields:
    """Return the fields of an order as they came."""
    return [(name, value) for name, value in json.loads(row.fields)]


def _superseded(session: Session) -> dict[int, str]:
    """Return the receipt of what takes the place of each one that is held back and has all come since."""
    other = aliased(OrderRow)
    same_order = other.source == OrderRow.source, other.order_id == OrderRow.order_id, other.id != OrderRow.id
    waiting = select(OrderRow).where(IS_HELD_BACK, select(other.id).where(*same_order).exists())
    # By id alone, SQLite would walk the index of all that is parked, which may be far more.
    newest_first = waiting.order_by(OrderRow.source.desc(), OrderRow.id.desc())
    rows = session.scalars(newest_first.limit(_MOST_LOOKED_AT)).all()
    found = {row.id: superseded_by(session, row.id, row.source, row.order_id, fields_of(row)) for row in rows}
    return {pk: receipt for pk, receipt in found.items() if receipt}


def _settle(session: Session, pk: int, receipt: str) -> None:
    """Make one a duplicate, and those that were its own duplicates with it."""
    columns = {"state": "duplicate", "duplicate_of": receipt}
    session.execute(update(OrderRow).where(OrderRow.id == pk, IS_HELD_BACK).values(**columns))
    session.execute(update(OrderRow).where(OrderRow.duplicate_of == receipt_of(pk)).values(duplicate_of=receipt))
