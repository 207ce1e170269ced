"""Which rows are old: by their dates, as far as the clocks that wrote those can be believed.

Where the clock jumped, rows that came before were dated by another clock than those that came after, so the jump is
taken out: to both it is as if it had never been. And as rows come in one after the other, none is older than one with
a smaller id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from receiver.storage.clock import DATED, LARGEST_GAP, ClockJumpRow


@dataclass(frozen=True)
class _Era:
    """What arrived between two jumps of the clock."""

    #: Rows with higher ids than this belong to it, up to and with ``last``; None is no end.
    after: int
    last: int | None
    #: How much further than time itself the clock has gone since then.
    astray: timedelta
    #: What the clock said at its end.
    ended_at: datetime

    def has(self, pk: Any) -> ColumnElement[bool]:
        """Return the condition that a row belongs to it."""
        return and_(pk > self.after, *([] if self.last is None else [pk <= self.last]))


def old(session: Session, name: str, now: datetime, length: timedelta) -> ColumnElement[bool]:
    """Return the condition that a row of this table has been here for so long."""
    pk, date = DATED[name]
    eras = list(_eras(session, name, now))
    first_young = _first_young(session, name, eras, now - length)
    before = or_(*(and_(era.has(pk), date < now - length - era.astray) for era in eras))
    return and_(before, *([] if first_young is None else [pk < first_young]))


def _eras(session: Session, name: str, now: datetime) -> Iterator[_Era]:
    """Yield the eras of a table, newest first."""
    last, astray, ended_at = None, timedelta(0), now
    for jump in _jumps(session):
        after = getattr(jump, name)
        yield _Era(after, last, astray, ended_at)
        last, ended_at = after, jump.before
        astray += timedelta(milliseconds=jump.gap - jump.credit)
    yield _Era(0, last, astray, ended_at)


def _jumps(session: Session) -> Sequence[ClockJumpRow]:
    return session.scalars(select(ClockJumpRow).order_by(ClockJumpRow.id.desc())).all()


def _first_young(session: Session, name: str, eras: Sequence[_Era], before: datetime) -> int | None:
    """Return the lowest id that is not old; what is dated after its era's end says nothing of what followed."""
    pk, date = DATED[name]
    young = (and_(era.has(pk), date >= before - era.astray, date <= era.ended_at + LARGEST_GAP) for era in eras)
    return session.scalar(select(func.min(pk)).where(or_(*young)))
