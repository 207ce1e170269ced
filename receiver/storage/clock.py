"""Whether the clock can be believed: a heartbeat that upkeep writes, and what follows when the two disagree."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from receiver.storage.clock_models import ClockJumpRow, UpkeepRow
from receiver.storage.columns import milliseconds
from receiver.storage.database import Database
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
#: A server that was off for longer keeps what it has for longer: a clock that was wrong looks just the same.
_LONGEST_CREDIT = timedelta(days=14)
_HOUR = 3600.0
_LOOK_EVERY_SECONDS = 60.0

log = logging.getLogger(__name__)


def utc_now() -> datetime:
    """Return what this machine's clock says."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Suspension:
    """Says why nothing is purged for now."""

    #: The last heartbeat before the clock disagreed, and what the clock said then.
    before: datetime
    at: datetime
    #: Hours that upkeep still has to run.
    hours_left: int
    #: Grows with each further disagreement.
    number: int

    @property
    def reason(self) -> str:
        """Say what the clock did."""
        days = round(abs(self.at - self.before) / timedelta(days=1))
        way = "on" if self.at > self.before else "back"
        return f"the clock went {way} by {days} days, from {self.before:%Y-%m-%d %H:%M} to {self.at:%Y-%m-%d %H:%M} UTC"


def suspension(session: Session, now: datetime) -> Suspension | None:
    """Tell why nothing may be purged at this moment; None while the clock is believed."""
    row = session.get(UpkeepRow, 1) or _first_beat(session, now)
    newest = session.scalar(select(ClockJumpRow).order_by(ClockJumpRow.id.desc()).limit(1))
    number = newest.id if newest else 0
    if disagrees(row, now):
        return Suspension(row.beat_at, now, HOURS_TO_BELIEVE, number + 1)
    if not row.suspended_hours or newest is None:
        return None
    return Suspension(newest.before, newest.at, row.suspended_hours, number)


def disagrees(row: UpkeepRow, now: datetime) -> bool:
    """Tell whether the clock is too far from the last heartbeat to be believed."""
    return abs(now - row.beat_at) > LARGEST_GAP


def _first_beat(session: Session, now: datetime) -> UpkeepRow:
    """Make the row of a database in which none has beaten yet: what came in last says what the clock said then."""
    last = session.scalar(select(OrderRow.received_at).order_by(OrderRow.id.desc()).limit(1))
    return UpkeepRow(id=1, beat_at=last or now, beats=0, suspended_hours=0, orders=0, mails=0, transmissions=0)


class Heartbeat:
    """Writes what the clock says once an hour, counted by the steady clock, and notes when it makes no sense.

    An hour is counted once, however many processes run: by the one that has seen nobody count for an hour.
    """

    def __init__(
        self,
        database: Database,
        *,
        days: int,
        now: Callable[[], datetime] = utc_now,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._most_credit = min(_LONGEST_CREDIT, timedelta(days=days) / 2)
        self._now = now
        self._steady = steady
        self._is_new = True
        self._apart: float | None = None
        self._look_again_at = 0.0
        self._beats: int | None = None
        self._since = 0.0

    def look(self) -> None:
        """Beat if an hour is over or the clock was set; cheap enough for every round of upkeep."""
        now, steady = self._now(), self._steady()
        if not self._was_set(now, steady) and steady < self._look_again_at:
            return
        self._look_again_at = steady + _LOOK_EVERY_SECONDS
        with self._database.read() as session:
            has_to_write = self._has_to_write(session.get(UpkeepRow, 1), now, steady)
        if has_to_write:
            with self._database.write() as session:
                self._beat(session, now, steady)
        self._is_new = False

    def _was_set(self, now: datetime, steady: float) -> bool:
        """Tell whether the clock went on otherwise than the steady one since the last look, or nobody looked yet."""
        before, self._apart = self._apart, now.timestamp() - steady
        return before is None or abs(self._apart - before) > LARGEST_GAP.total_seconds()

    def _has_to_write(self, row: UpkeepRow | None, now: datetime, steady: float) -> bool:
        if row is None or self._is_new or disagrees(row, now):
            return True
        if row.beats != self._beats:
            self._beats, self._since = row.beats, steady
        return steady - self._since >= _HOUR

    def _beat(self, session: Session, now: datetime, steady: float) -> None:
        row = session.get(UpkeepRow, 1)
        if row is None:
            row = _first_beat(session, now)
            session.add(row)
        if disagrees(row, now):
            _note_jump(session, row, now, while_off=self._is_new)
        elif row.beats == self._beats and steady - self._since >= _HOUR:
            self._count_hour(session, row)
        row.beat_at = now
        for name, (pk, _) in DATED.items():
            setattr(row, name, max(getattr(row, name), session.scalar(select(func.max(pk))) or 0))
        self._beats, self._since = row.beats, steady

    def _count_hour(self, session: Session, row: UpkeepRow) -> None:
        row.beats += 1
        if row.suspended_hours:
            row.suspended_hours -= 1
            if not row.suspended_hours:
                _believe(session, self._most_credit // timedelta(milliseconds=1))


def _note_jump(session: Session, row: UpkeepRow, now: datetime, *, while_off: bool) -> None:
    """Write down that the clock disagrees, and suspend purging."""
    gap = milliseconds(now) - milliseconds(row.beat_at)
    ids = {name: _last_before(session, name, row, now) for name in DATED}
    # A clock that goes back is an error, of then or of now: it takes back what one that goes on may have been.
    off = gap if while_off or gap < 0 else 0
    session.add(ClockJumpRow(before=row.beat_at, at=now, gap=gap, off=off, credit=0, believed=False, **ids))
    row.beats += 1
    row.suspended_hours = HOURS_TO_BELIEVE
    log.warning(
        "the clock went from %s to %s UTC: nothing is purged until upkeep has run for %d hours; see: flask doctor",
        f"{row.beat_at:%Y-%m-%d %H:%M}",
        f"{now:%Y-%m-%d %H:%M}",
        HOURS_TO_BELIEVE,
    )


def _last_before(session: Session, name: str, row: UpkeepRow, now: datetime) -> int:
    """Return the highest id that was dated by the clock of before: its date is nearer to the heartbeat."""
    pk, date = DATED[name]
    middle = row.beat_at + (now - row.beat_at) / 2
    is_before = date < middle if now > row.beat_at else date > middle
    known: int = getattr(row, name)
    return session.scalar(select(func.max(pk)).where(pk > known, is_before)) or known


def _believe(session: Session, most_credit: int) -> None:
    """Believe the clock from now on, and count as passed what the server may have been off for."""
    jumps = session.scalars(select(ClockJumpRow).order_by(ClockJumpRow.id)).all()
    pending = [jump for jump in jumps if not jump.believed]
    off = sum(jump.off for jump in pending)
    not_counted = sum(jump.gap - jump.credit for jump in jumps)
    for jump in pending:
        jump.believed = True
    if pending:
        pending[-1].credit = max(0, min(off, not_counted, most_credit))
