"""Whether the clock can be believed: it's compared with a heartbeat that the upkeep writes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from receiver.storage.columns import NEVER_AGAIN, ZERO, Base
from receiver.storage.models import MailRow, OrderRow
from receiver.storage.relay_models import TransmissionRow

#: How far the clock may be from the last heartbeat, either way, and still be believed.
LARGEST_GAP = timedelta(days=3)
#: Hours of upkeep after which a clock that disagreed is believed.
HOURS_TO_BELIEVE = 72
#: What is purged: id and date of each table, by the name that HighestIds gives it.
DATED: dict[str, tuple[Any, Any]] = {
    "orders": (OrderRow.id, OrderRow.received_at),
    "mails": (MailRow.id, MailRow.created_at),
    "transmissions": (TransmissionRow.id, TransmissionRow.created_at),
}


def utc_now() -> datetime:
    """Return what this machine's clock says."""
    return datetime.now(UTC)


class HighestIds:
    """The highest ids of the purged tables at a moment; later rows have higher ones."""

    orders: Mapped[int]
    mails: Mapped[int]
    transmissions: Mapped[int]


class UpkeepRow(HighestIds, Base):
    """The upkeep's heartbeat, shared by all processes of an installation."""

    __tablename__ = "upkeep"

    id: Mapped[int] = mapped_column(primary_key=True)
    #: What the clock said at the last beat, or when it last jumped.
    beat_at: Mapped[datetime]
    #: Grows by one with each hour that upkeep has run.
    beats: Mapped[int] = mapped_column(server_default=ZERO, default=0)
    #: Hours that upkeep still has to run before anything is purged again.
    suspended_hours: Mapped[int] = mapped_column(server_default=ZERO, default=0)


class ClockJumpRow(HighestIds, Base):
    """A jump of the clock against the heartbeat; rows up to these ids have dates from before."""

    __tablename__ = "clock_jumps"

    id: Mapped[int] = mapped_column(primary_key=True)
    #: The heartbeat, and what the clock said instead.
    before: Mapped[datetime]
    at: Mapped[datetime]
    #: How far it went, in milliseconds; below 0 when it went back.
    gap: Mapped[int] = mapped_column(BigInteger)
    #: How much of that may be time that really passed, while no process ran.
    off: Mapped[int] = mapped_column(BigInteger)
    #: How much of it counts as time that really passed, once the clock is believed.
    credit: Mapped[int] = mapped_column(BigInteger, server_default=ZERO, default=0)
    believed: Mapped[bool]
    #: Hours that upkeep still had to run when it came.
    hours_left: Mapped[int]

    __table_args__ = NEVER_AGAIN


@dataclass(frozen=True)
class Suspension:
    """Why nothing is deleted for now."""

    #: The last heartbeat before the clock disagreed, and what the clock said then.
    before: datetime
    at: datetime
    #: Hours that upkeep still has to run.
    hours_left: int
    #: Grows with each further suspension.
    number: int

    @property
    def reason(self) -> str:
        """What the clock did, as a sentence's part."""
        days = round(abs(self.at - self.before) / timedelta(days=1))
        way = "on" if self.at > self.before else "back"
        return f"the clock went {way} by {days} days, from {self.before:%Y-%m-%d %H:%M} to {self.at:%Y-%m-%d %H:%M} UTC"


def suspension(session: Session, now: datetime) -> Suspension | None:
    """Return why nothing may be deleted right now; None while the clock is trusted."""
    row = session.get(UpkeepRow, 1) or first_beat(session, now)
    jumps = pending_jumps(session)
    number = jumps[0].id if jumps else 0
    if disagrees(row, now):
        return Suspension(row.beat_at, now, HOURS_TO_BELIEVE, number)
    if not row.suspended_hours or not jumps:
        return None
    return Suspension(jumps[-1].before, jumps[-1].at, row.suspended_hours, number)


def disagrees(row: UpkeepRow, now: datetime) -> bool:
    """Return whether the clock is too far from the last heartbeat to be believed."""
    return abs(now - row.beat_at) > LARGEST_GAP


def pending_jumps(session: Session) -> list[ClockJumpRow]:
    """Return the jumps since which the clock isn't believed yet, oldest first."""
    pending = select(ClockJumpRow).where(ClockJumpRow.believed.is_(False)).order_by(ClockJumpRow.id)
    return list(session.scalars(pending))


def first_beat(session: Session, now: datetime) -> UpkeepRow:
    """Make the heartbeat of a database without one, dated like the newest order: what the clock said then."""
    last = session.scalar(select(OrderRow.received_at).order_by(OrderRow.id.desc()).limit(1))
    return UpkeepRow(id=1, beat_at=last or now, beats=0, suspended_hours=0, orders=0, mails=0, transmissions=0)
