"""Find the transmissions, list them, and send some again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, false, func, literal, select, update
from sqlalchemy.orm import Session, defer, selectinload
from sqlalchemy.sql import Select

from receiver.errors import NotThere
from receiver.relay import control_state
from receiver.storage import pages
from receiver.storage.relay_models import TransmissionAttemptRow, TransmissionRow

#: All states of a transmission.
STATES = ("open", "held", "delivered", "failed")


def newest(*, state: str | None = None, before: int | None = None) -> Select[TransmissionRow]:
    """Select transmissions, newest first, each with its attempts in brief: only those in a state, or before an id."""
    # A list shows neither, and both may be large.
    in_brief = defer(TransmissionRow.order), selectinload(TransmissionRow.trail).defer(TransmissionAttemptRow.body)
    return pages.newest(TransmissionRow, state=state, before=before).options(*in_brief)


def find(session: Session, event_id: str) -> TransmissionRow:
    """Return the transmission of an event, with all its attempts. Raises NotThere."""
    mine = select(TransmissionRow).where(TransmissionRow.event_id == event_id)
    row = session.scalar(mine.options(selectinload(TransmissionRow.trail)))
    if row is None:
        raise NotThere(f"No transmission has the event {event_id[:64]!r}; see `flask relay transmissions`.")
    return row


def resend(session: Session, event_ids: Collection[str], *, now: datetime) -> int:
    """Send these again, by a new schedule and with the same webhook-id; return how many there were.

    While the Order Controls are disabled they're held, except forwarded ones. A test is never sent again.
    """
    return _open_again(session, TransmissionRow.event_id.in_(event_ids), now)


def failed_between(session: Session, start: datetime, end: datetime) -> int:
    """Return how many orders failed of those recorded from ``start`` until before ``end``."""
    return session.scalar(select(func.count(TransmissionRow.id)).where(_failed(start, end))) or 0


def resend_failed(session: Session, start: datetime, end: datetime, *, now: datetime) -> int:
    """Send these failed orders again; return how many there were."""
    return _open_again(session, _failed(start, end), now)


def summary(row: TransmissionRow) -> dict[str, Any]:
    """Return what the list shows of a transmission."""
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
    """Begin the schedule of these again, except of tests and those that are being sent; return how many there were."""
    is_held = false() if control_state.is_enabled(session) else TransmissionRow.target == ""
    done = session.execute(
        update(TransmissionRow)
        .where(which, TransmissionRow.lease_until.is_(None), TransmissionRow.test.is_(False))
        .values(
            state=case((is_held, "held"), else_="open"),
            due_at=case((is_held, None), else_=literal(now, TransmissionRow.due_at.type)),
            attempts=0,
            settled_at=None,
            detail=None,
        )
        .execution_options(synchronize_session=False)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]
