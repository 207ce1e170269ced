"""The heartbeat: the clock's time, written down after each hour in which it kept step with the steady clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from receiver.storage import clock_jumps
from receiver.storage.clock import LARGEST_GAP, UpkeepRow, disagrees, first_beat, utc_now
from receiver.storage.database import Database

#: A server that was off for longer keeps its data longer: a wrong clock would look just the same.
_LONGEST_CREDIT = timedelta(days=14)
_HOUR = 3600.0
#: How many seconds the clock may differ from the steady one in an hour that counts.
_MOST_APART = 600.0
#: For so many seconds after its start, a process takes a clock that was set for one that went on while it was off.
_SETTLING = 600.0
_LOOK_EVERY_SECONDS = 60.0


class Heartbeat:
    """The hourly heartbeat by the monotonic clock, which notes when the wall clock jumps.

    However many processes run, an hour is counted once: by the one that saw nobody count for an hour. Between beats
    the clock is compared with the last beat, so that many small wrong steps add up to the large one they are.
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
        self._length = timedelta(days=days)
        self._now = now
        self._steady = steady
        self._settled_at = steady() + _SETTLING
        self._apart: float | None = None
        self._look_again_at = 0.0
        self._beats: int | None = None
        #: When the hour began, by the steady clock and by the other.
        self._since = 0.0
        self._since_then = 0.0

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
                self._write(session, now, steady)

    def _was_set(self, now: datetime, steady: float) -> bool:
        """Return whether the clock lost step with the steady one since the last look, or nobody looked yet."""
        before, self._apart = self._apart, now.timestamp() - steady
        return before is None or abs(self._apart - before) > LARGEST_GAP.total_seconds()

    def _has_to_write(self, row: UpkeepRow | None, now: datetime, steady: float) -> bool:
        if row is None or disagrees(row, now):
            return True
        if row.beats != self._beats:
            self._begin_hour(row, now, steady)
        return self._is_hour_over(steady)

    def _write(self, session: Session, now: datetime, steady: float) -> None:
        row = session.get(UpkeepRow, 1)
        if row is None:
            row = first_beat(session, now)
            session.add(row)
        if disagrees(row, now):
            clock_jumps.note(session, row, now, while_off=steady < self._settled_at)
        elif row.beats == self._beats and self._is_hour_over(steady) and self._went_alike(now, steady):
            self._beat(session, row, now)
        self._begin_hour(row, now, steady)

    def _begin_hour(self, row: UpkeepRow, now: datetime, steady: float) -> None:
        self._beats, self._since, self._since_then = row.beats, steady, now.timestamp()

    def _is_hour_over(self, steady: float) -> bool:
        return steady - self._since >= _HOUR

    def _went_alike(self, now: datetime, steady: float) -> bool:
        return abs((now.timestamp() - self._since_then) - (steady - self._since)) <= _MOST_APART

    def _beat(self, session: Session, row: UpkeepRow, now: datetime) -> None:
        row.beats += 1
        row.beat_at = now
        clock_jumps.count_rows(session, row)
        if row.suspended_hours:
            row.suspended_hours -= 1
            if not row.suspended_hours:
                clock_jumps.believe(session, now, self._length, min(_LONGEST_CREDIT, self._length / 2))
