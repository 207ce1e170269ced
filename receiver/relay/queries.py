"""The orders on their way and those that have arrived: a list of them, one whole, and sending some again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.orm import Session, defer, selectinload
from sqlalchemy.sql import Select

from receiver.errors import NotThere
from receiver.relay import control_state
from receiver.storage import pages
from receiver.storage.relay_models import TransmissionAttemptRow, TransmissionRow

#: All states of a transmission.
STATES = ("open", "held", "delivered", "failed")
#: What a list shows of an attempt; the answer may be large.
_IN_BRIEF = (
    TransmissionAttemptRow.number,
    TransmissionAttemptRow.at,
    TransmissionAttemptRow.outcome,
    TransmissionAttemptRow.cause,
    TransmissionAttemptRow.status,
    TransmissionAttemptRow.milliseconds,
)


def newest(*, state: str | None = None, before: int | None = None) -> Select[TransmissionRow]:
    """Select transmissions, newest first, each with its attempts in brief: of a state, those before an id."""
    in_brief = defer(TransmissionRow.order), selectinload(TransmissionRow.trail).load_only(*_IN_BRIEF)
    return pages.newest(TransmissionRow, state=state, before=before).options(*in_brief)


def find(session: Session, event_id: str) -> TransmissionRow:
    """Find a transmission by its event, with all its attempts; raises NotThere when there is none."""
    mine = select(TransmissionRow).where(TransmissionRow.event_id == event_id)
    row = session.scalar(mine.options(selectinload(TransmissionRow.trail)))
    if row is None:
        raise NotThere(f"No transmission has the event {event_id[:64]!r}; see `flask relay transmissions`.")
    return row


def resend(session: Session, event_ids: Collection[str], *, now: datetime) -> int:
    """Send these again, by a whole schedule and under the same webhook-id; gives how many.

    While the control is disabled they are held, forwarded ones apart. A test transmission is never sent again.
    """
    return _open_again(session, TransmissionRow.event_id.in_(event_ids), now)


def failed_between(session: Session, start: datetime, end: datetime) -> int:
    """Count what failed of the orders received from ``start`` until before ``end``."""
    return session.scalar(select(func.count(TransmissionRow.id)).where(_failed(start, end))) or 0


def resend_failed(session: Session, start: datetime, end: datetime, *, now: datetime) -> int:
    """Send again what failed of the orders received from ``start`` until before ``end``; gives how many."""
    return _open_again(session, _failed(start, end), now)


def summary(row: TransmissionRow) -> dict[str, Any]:
    """Describe a transmission in one line."""
    last = row.last_attempt
    return {
        "event_id": row.event_id,
        "order_id": row.order_id,
        "state": row.state,
        "test": row.test,
        "target": row.target or None,
        "attempts": len(row.trail),
        "status": last.status if last else None,
        "detail": row.detail,
        "created_at": row.created_at.isoformat(),
        "due_at": row.due_at.isoformat() if row.due_at else None,
    }


def _failed(start: datetime, end: datetime) -> ColumnElement[bool]:
    return and_(
        TransmissionRow.state == "failed",
        TransmissionRow.test.is_(False),
        TransmissionRow.created_at >= start,
        TransmissionRow.created_at < end,
    )


def _open_again(session: Session, which: ColumnElement[bool], now: datetime) -> int:
    """Begin the schedule of these anew, apart from those that are on their way at this moment; gives how many."""
    due_at = now if control_state.is_enabled(session) else None
    is_free = TransmissionRow.lease_until.is_(None)
    own = _release(session, and_(which, is_free, TransmissionRow.target == ""), due_at)
    return own + _release(session, and_(which, is_free, TransmissionRow.target != ""), now)


def _release(session: Session, which: ColumnElement[bool], due_at: datetime | None) -> int:
    again = update(TransmissionRow).where(which, TransmissionRow.test.is_(False))
    done = session.execute(
        again.values(
            state="open" if due_at else "held",
            due_at=due_at,
            attempts=0,
            settled_at=None,
            detail=None,
            lease_token=None,
            lease_until=None,
        ).execution_options(synchronize_session=False)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]
