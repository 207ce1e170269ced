"""The parked orders: how many, how old, how many today's mapping understands, which handlers to leave out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from receiver.errors import ConfigurationError, UnknownSource
from receiver.intake.rereading import reread
from receiver.sources.registry import Sources
from receiver.storage import pages
from receiver.storage.columns import receipt_of
from receiver.storage.models import OrderRow

#: Handlers that write to the customer, who shouldn't be emailed about an old order unasked.
WRITES_TO_CUSTOMER = frozenset({"email_customer"})
_OLD = timedelta(days=1)
#: How many orders are read to foresee what becomes of all.
_MOST_FORESEEN = 300
# Written out, so that SQLite uses the index of parked orders.
_IS_PARKED = sql("state = 'parked'")


@dataclass(frozen=True)
class Overview:
    """How many orders are parked, and since when."""

    number: int
    oldest: datetime | None
    newest: datetime | None

    def is_old(self, now: datetime) -> bool:
        """Return whether the oldest is older than a day."""
        return self.oldest is not None and now - self.oldest > _OLD

    def age(self, now: datetime) -> str:
        """Return how old the oldest is, in words."""
        days, hours = divmod(int((now - (self.oldest or now)).total_seconds() // 3600), 24)
        if days > 1:
            return f"{days} days"
        hours += 24 * days
        return f"{hours} hour{'' if hours == 1 else 's'}" if hours else "less than an hour"


@dataclass(frozen=True)
class Foreseen:
    """How many of the oldest parked orders would be understood now."""

    looked_at: int
    understood: int


def overview(session: Session, after: int = 0) -> Overview:
    """Count the parked orders whose id is greater than ``after``."""
    number, first, last = session.execute(
        select(func.count(OrderRow.id), func.min(OrderRow.id), func.max(OrderRow.id)).where(
            _IS_PARKED, OrderRow.id > after
        )
    ).one()
    if not number:
        return Overview(0, None, None)
    return Overview(number, session.get_one(OrderRow, first).received_at, session.get_one(OrderRow, last).received_at)


def newest(before: int | None = None, of: Iterable[ColumnElement[bool]] = ()) -> Select[OrderRow]:
    """Select the parked orders, newest first, those before an id; ``of`` are conditions that choose among them."""
    return pages.newest(OrderRow, _IS_PARKED, *of, before=before)


def receipts(session: Session, after: int = 0, of: Iterable[ColumnElement[bool]] = ()) -> list[tuple[int, str]]:
    """Return id and receipt of the parked orders whose id is greater than ``after``, oldest first.

    ``of`` are conditions that choose among them.
    """
    parked = select(OrderRow.id).where(_IS_PARKED, OrderRow.id > after, *of).order_by(OrderRow.id)
    return [(pk, receipt_of(pk)) for pk in session.scalars(parked)]


def foresee(session: Session, sources: Sources) -> Foreseen:
    """Read the oldest parked orders with today's mapping, and change nothing."""
    now = datetime.now(UTC)
    rows = session.scalars(select(OrderRow).where(_IS_PARKED).order_by(OrderRow.id).limit(_MOST_FORESEEN)).all()
    return Foreseen(len(rows), sum(runs_by_itself(session, row, sources, now) for row in rows))


def runs_by_itself(session: Session, row: OrderRow, sources: Sources, now: datetime) -> bool:
    """Return whether an order would no longer be parked after a replay; nothing is changed."""
    try:
        return bool(reread(session, row, sources, now)[1]["state"] != "parked")
    except (ConfigurationError, UnknownSource):
        return False


def better_left_out(seen: Overview, names: Iterable[str], now: datetime) -> list[str]:
    """Name the handlers that write to customers, when the oldest of these orders is older than a day."""
    return [name for name in names if name in WRITES_TO_CUSTOMER] if seen.is_old(now) else []
