"""The clock's jumps: note one, take it back if the clock was wrong for a moment only, believe it later, forget it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from receiver.storage import clock
from receiver.storage.clock import ClockJumpRow, UpkeepRow
from receiver.storage.columns import milliseconds

_MILLISECOND = timedelta(milliseconds=1)
#: A clock that jumps all the time adds no more rows than this; each is a part of every query for what's old.
_MOST_JUMPS = 500

log = logging.getLogger(__name__)


def note(session: Session, row: UpkeepRow, now: datetime, *, while_off: bool) -> None:
    """Write down that the clock disagrees with the heartbeat, and suspend purging; or take the last jump back."""
    row.beats += 1
    pending = clock.pending_jumps(session)
    gap = milliseconds(now) - milliseconds(row.beat_at)
    if pending and _takes_back(pending[-1], row, gap):
        _take_back(session, pending[-1], row)
        log.info(
            "the clock is taken to have been wrong for less than an hour: it says %s UTC now", f"{now:%Y-%m-%d %H:%M}"
        )
        if clock.disagrees(row, now):
            note(session, row, now, while_off=True)
        return
    # A clock that goes back was or is wrong: its whole gap is taken off what jumps on may be credited.
    jump = _added(session, row, now, gap, off=gap if while_off or gap < 0 else 0)
    row.suspended_hours = _hours_after(jump)
    row.beat_at = now
    count_rows(session, row)
    log.warning(
        "the clock went from %s to %s UTC: nothing is purged until upkeep has run for %d hours; see: flask doctor",
        f"{jump.before:%Y-%m-%d %H:%M}",
        f"{now:%Y-%m-%d %H:%M}",
        row.suspended_hours,
    )


def count_rows(session: Session, row: UpkeepRow) -> None:
    """Note the highest id of each table by this heartbeat."""
    for name in clock.DATED:
        setattr(row, name, max(getattr(row, name), _highest(session, name)))


def believe(session: Session, now: datetime, length: timedelta, most_credit: timedelta) -> None:
    """Trust the clock from now on, and count the time that the server may have been off."""
    jumps = _all(session)
    pending = [jump for jump in jumps if not jump.believed]
    off = sum(jump.off for jump in pending)
    not_counted = sum(jump.gap - jump.credit for jump in jumps)
    for jump in pending:
        jump.believed = True
    if pending:
        pending[-1].credit = max(0, min(off, not_counted, most_credit // _MILLISECOND))
    if length:
        _forget(session, jumps, now - length)


def _takes_back(last: ClockJumpRow, row: UpkeepRow, gap: int) -> bool:
    """Return whether the last jump was wrong: within the first hour, this one goes back towards where that one began.

    A machine without a battery for its clock does so at each start.
    """
    return abs(last.gap + gap) < abs(last.gap) and row.suspended_hours == _hours_after(last)


def _take_back(session: Session, last: ClockJumpRow, row: UpkeepRow) -> None:
    """Undo the jump; only what arrived since then is dated by another clock."""
    right = last.before + (row.beat_at - last.at)
    if any(_highest(session, name) > getattr(last, name) for name in clock.DATED):
        last.believed = True
        _added(session, row, right, -last.gap, off=0).believed = True
        count_rows(session, row)
    else:
        session.delete(last)
    row.beat_at = right
    row.suspended_hours = last.hours_left


def _hours_after(jump: ClockJumpRow) -> int:
    """Return the hours that upkeep must run after a jump. A jump that may be real time doesn't restart them."""
    return jump.hours_left if jump.off > 0 and jump.hours_left else clock.HOURS_TO_BELIEVE


def _added(session: Session, row: UpkeepRow, now: datetime, gap: int, *, off: int) -> ClockJumpRow:
    ids = {name: _last_before(session, name, row, now) for name in clock.DATED}
    times = {"before": row.beat_at, "at": now, "gap": gap, "off": off}
    jump = ClockJumpRow(**times, **ids, credit=0, believed=False, hours_left=row.suspended_hours)
    session.add(jump)
    _merge_oldest(session)
    return jump


def _merge_oldest(session: Session) -> None:
    """Make one jump of the two oldest if there are too many.

    What came before is judged by whichever of the two keeps it longer, so nothing goes early.
    """
    jumps = _all(session)
    if len(jumps) > _MOST_JUMPS:
        oldest, merged = jumps[:2]
        merged.gap += max(0, oldest.gap - oldest.credit)
        merged.before = max(merged.before, oldest.before)
        session.delete(oldest)


def _last_before(session: Session, name: str, row: UpkeepRow, now: datetime) -> int:
    """Return the highest id that the clock dated before it jumped: its date is nearer to the heartbeat."""
    pk, date = clock.DATED[name]
    middle = row.beat_at + (now - row.beat_at) / 2
    is_before = date < middle if now > row.beat_at else date > middle
    known: int = getattr(row, name)
    return session.scalar(select(func.max(pk)).where(pk > known, is_before)) or known


def _highest(session: Session, name: str) -> int:
    return session.scalar(select(func.max(clock.DATED[name][0]))) or 0


def _all(session: Session) -> Sequence[ClockJumpRow]:
    return session.scalars(select(ClockJumpRow).order_by(ClockJumpRow.id)).all()


def _forget(session: Session, jumps: Sequence[ClockJumpRow], limit: datetime) -> None:
    """Forget the oldest jumps as long as all that came before them is old, whichever clock is right."""
    astray = sum(jump.gap - jump.credit for jump in jumps)
    for jump in jumps:
        after = astray - (jump.gap - jump.credit)
        if jump.before + clock.LARGEST_GAP >= limit - max(astray, after) * _MILLISECOND:
            return
        session.delete(jump)
        astray = after
