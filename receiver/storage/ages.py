"""Which rows are old, even if the clock that dated them has jumped.

Rows from before a jump were dated by another clock than those from after it. So each jump is subtracted, as if it had
never happened. And rows get their ids in the order they arrive, so a row is never older than one with a smaller id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, case, func, literal, select
from sqlalchemy.orm import Session

from receiver.storage.clock import DATED, LARGEST_GAP, ClockJumpRow
from receiver.storage.columns import Instant


class _Era(NamedTuple):
    """The time between two jumps of the clock."""

    #: The last id before it: rows with higher ids belong to it, up to the next era's ``after``.
    after: int
    #: How far the clock has jumped ahead since then, all in all, beyond the time that really passed.
    astray: timedelta
    #: What the clock said at its end.
    ended_at: datetime


def old(session: Session, name: str, now: datetime, length: timedelta) -> ColumnElement[bool]:
    """Return the condition that a row of this table is at least ``length`` old."""
    pk, date = DATED[name]
    eras = list(_eras(session, name, now))
    limit = _by_era(pk, eras, lambda era: now - length - era.astray)
    # A row dated long after its era ended has a wrong date, so it can't show that later rows are young.
    is_plausible = date <= _by_era(pk, eras, lambda era: era.ended_at + LARGEST_GAP)
    first_young = session.scalar(select(func.min(pk)).where(date >= limit, is_plausible))
    return date < limit if first_young is None else and_(date < limit, pk < first_young)


def _eras(session: Session, name: str, now: datetime) -> Iterator[_Era]:
    """Yield the eras of a table, newest first."""
    astray, ended_at = timedelta(0), now
    for jump in session.scalars(select(ClockJumpRow).order_by(ClockJumpRow.id.desc())):
        yield _Era(getattr(jump, name), astray, ended_at)
        ended_at = jump.before
        astray += timedelta(milliseconds=jump.gap - jump.credit)
    yield _Era(0, astray, ended_at)


def _by_era(pk: Any, eras: Sequence[_Era], value: Callable[[_Era], datetime]) -> ColumnElement[datetime]:
    """Return an SQL expression: the value of the era that a row belongs to."""
    # A CASE stays flat however many eras there are; nested ANDs and ORs end at SQLite's depth limit of 1,000.
    return case(*((pk > era.after, literal(value(era), Instant())) for era in eras))
