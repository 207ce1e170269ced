"""Parked orders that grow old: the merchant is warned for 30 days, then what they hold is deleted."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from receiver.mail.notices import Trouble
from receiver.settings.model import Settings
from receiver.storage.clock import suspension, utc_now
from receiver.storage.models import NoticeRow, OrderRow

#: How long the merchant is warned before the first parked order is deleted.
WARNED_FOR = timedelta(days=30)
#: Remembers, like a notice, when the merchant was first warned.
_FIRST_WARNING = "parked_purge_first"
# Written out, so that SQLite uses the index of parked orders.
_IS_PARKED = sql("state = 'parked'")


def standing(session: Session, settings: Settings) -> list[Trouble]:
    """Return the warning that parked orders will be deleted, if some are that old."""
    now, length = utc_now(), timedelta(days=settings.RETENTION_DAYS)
    if not length or not _oldest_is_old(session, now, length) or suspension(session, now):
        return []
    old = OrderRow.received_at < _limit(now, length)
    number, newest, oldest = session.execute(
        select(func.count(), func.max(OrderRow.id), func.min(OrderRow.id)).where(_IS_PARKED, old)
    ).one()
    end = session.get_one(OrderRow, oldest).received_at + length
    orders = "1 parked order" if number == 1 else f"{number} parked orders"
    when = f"from {max(end, now):%Y-%m-%d} on" if _has_been_warned(session, now) else "in 30 days"
    return [
        Trouble.found(
            "parked_purge",
            newest,
            "Parked orders will be deleted soon",
            f"RETENTION_DAYS is {settings.RETENTION_DAYS}, so the contents of {orders} will be deleted {when}.",
            "If they are orders, answer what they ask in the console under Received → Parked; then they run.",
            "Or in a terminal: flask orders list --parked",
        )
    ]


def may_purge(session: Session, now: datetime, length: timedelta) -> bool:
    """Return whether the merchant has been warned for 30 days; remember the first warning.

    ``length`` is how long orders are kept.
    """
    if session.get(NoticeRow, _FIRST_WARNING) is None and _oldest_is_old(session, now, length):
        session.add(NoticeRow(kind=_FIRST_WARNING, last_seen=0, mailed_at=now))
        session.flush()
    return _has_been_warned(session, now)


def _has_been_warned(session: Session, now: datetime) -> bool:
    first = session.get(NoticeRow, _FIRST_WARNING)
    return first is not None and first.mailed_at is not None and now - first.mailed_at >= WARNED_FOR


def _oldest_is_old(session: Session, now: datetime, length: timedelta) -> bool:
    """Return whether the first parked order is old; the others needn't be read."""
    first = session.scalar(select(OrderRow.received_at).where(_IS_PARKED).order_by(OrderRow.id).limit(1))
    return first is not None and first < _limit(now, length)


def _limit(now: datetime, length: timedelta) -> datetime:
    return now - max(length - WARNED_FOR, timedelta(0))
