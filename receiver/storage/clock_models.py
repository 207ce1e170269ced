"""The clock's tables: the upkeep's heartbeat, and each time that the clock disagreed with it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from receiver.storage.columns import NEVER_AGAIN, ZERO, Base


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
