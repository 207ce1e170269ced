"""What has arrived from one source: orders, what's parked, what was refused, and the last real delivery."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from receiver.intake import quarantine
from receiver.intake.authentication import IMPORTED, IMPORTED_TO_RUN
from receiver.intake.refusals import PING
from receiver.storage.columns import receipt_of
from receiver.storage.models import OrderRow, QuarantineRow, RefusalRow

#: A source's orders are counted up to here; more are more than anybody needs to know exactly.
MOST_COUNTED = 1_000
#: The states of what handlers run on.
_RUN = ("open", "done", "failed")
_IS_COMPLETED = OrderRow.decided == "completed", OrderRow.state.in_(_RUN)


class Last(NamedTuple):
    """The newest verified delivery that the shop itself sent, and that isn't a test."""

    receipt: str
    at: datetime
    state: str


class Arrivals(NamedTuple):
    """What has arrived from one source."""

    #: None while nothing but tests has come.
    last: Last | None
    #: Completed orders, MOST_COUNTED + 1 for more than that.
    orders: int
    parked: int
    #: In quarantine, until the shop has been asked.
    waiting: int
    #: Why the oldest of those had no answer the last time; empty while it wasn't asked yet.
    waits_because: str
    #: Of the refusals that are kept.
    refused: int
    #: When its set-up ping last came.
    pinged_at: datetime | None

    @property
    def orders_in_words(self) -> str:
        """The number of completed orders."""
        return f"{self.orders:,}" if self.orders <= MOST_COUNTED else f"more than {MOST_COUNTED:,}"


def of_source(session: Session, source: str) -> Arrivals:
    """Return what has arrived from a source; quick with a million orders."""
    mine = OrderRow.source == source
    parked = select(OrderRow.id).where(mine, OrderRow.state == "parked")
    refusals = select(func.count(), func.max(RefusalRow.at)).where(RefusalRow.source == source)
    refused, _ = session.execute(refusals.where(RefusalRow.reason != PING)).one()
    _, pinged_at = session.execute(refusals.where(RefusalRow.reason == PING)).one()
    return Arrivals(
        last=_last(session, source),
        orders=_count(session, select(OrderRow.id).where(mine, _is_real(), *_IS_COMPLETED)),
        parked=_count(session, parked),
        waiting=_count(session, select(QuarantineRow.id).where(QuarantineRow.source == source)),
        waits_because=(oldest.detail or "") if (oldest := quarantine.oldest(session, source)) else "",
        refused=refused,
        pinged_at=pinged_at,
    )


def newest_parked(session: Session, source: str) -> str | None:
    """Return the receipt of the newest parked order of a source, to map its parameters; None without one."""
    mine = select(func.max(OrderRow.id)).where(OrderRow.source == source, OrderRow.state == "parked")
    pk = session.scalar(mine)
    return None if pk is None else receipt_of(pk)


def _last(session: Session, source: str) -> Last | None:
    sent = _is_real(), OrderRow.proof.not_in((IMPORTED, IMPORTED_TO_RUN))
    if session.scalar(select(OrderRow.id).where(OrderRow.source == source, *sent).limit(1)) is None:
        return None
    # Without its index the newest is found from the end; with it, SQLite would sort everything of the source.
    in_no_index = OrderRow.source.op("||")("")
    newest = select(OrderRow.id, OrderRow.received_at, OrderRow.state).where(in_no_index == source, *sent)
    pk, at, state = session.execute(newest.order_by(OrderRow.id.desc()).limit(1)).one()
    return Last(receipt_of(pk), at, state)


def _is_real() -> ColumnElement[bool]:
    return OrderRow.test.is_(False)


def _count(session: Session, rows: Select[Any]) -> int:
    counted = select(func.count()).select_from(rows.limit(MOST_COUNTED + 1).subquery())
    return session.scalar(counted) or 0
