"""Write the texts by which orders are found, of new orders and of those that say something else now."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from receiver.storage.columns import table_of, upsert
from receiver.storage.database import Database
from receiver.storage.models import OrderRow, SearchRow
from receiver.storage.search.text import read

#: Orders of one write transaction: few, so that no accept waits long.
BATCH = 100
#: Seconds of a round of the upkeep that are spent on it, while many orders wait: after an upgrade, all of them.
_SECONDS = 0.25
_WRITE = upsert(table_of(SearchRow))
_WRITE_AGAIN = _WRITE.on_conflict_do_update(index_elements=["id"], set_={"text": _WRITE.excluded.text})


class SearchWriting:
    """The worker's task of keeping the texts like the orders."""

    def __init__(self, database: Database, *, steady: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._steady = steady

    def look(self) -> None:
        """Write the texts that are missing, a small batch in each transaction, for a part of a second."""
        ends = self._steady() + _SECONDS
        while self._are_missing() and self._steady() < ends:
            with self._database.write() as session:
                # Read in the same transaction, or an order could be erased before its text is written.
                texts = read(session, _missing(session))
                if texts:  # or another process was faster
                    session.execute(_WRITE_AGAIN, [{"id": pk, "text": text} for pk, text in texts.items()])

    def _are_missing(self) -> bool:
        with self._database.read() as session:
            return bool(_missing(session, most=1))


def _missing(session: Session, most: int = BATCH) -> Sequence[int]:
    """Return the ids of orders without a text: those that lost theirs, or else the oldest after the last with one."""
    lost = session.scalars(select(SearchRow.id).where(SearchRow.text.is_(None)).limit(most)).all()
    if lost:
        return lost
    last = session.scalar(select(func.max(SearchRow.id))) or 0
    return session.scalars(select(OrderRow.id).where(OrderRow.id > last).order_by(OrderRow.id).limit(most)).all()
