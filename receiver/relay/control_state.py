"""Enabled or disabled: what that does to the orders on their way, and when the relay disables by itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Update, select, update
from sqlalchemy.orm import Session

from receiver.relay.sender import Outcome
from receiver.storage.relay_models import ControlRow, TransmissionAttemptRow, TransmissionRow

#: Nothing but failure for so long disables the control.
PATIENCE = timedelta(days=5)
#: Failures further apart are no lasting one; the longest wait between two attempts of an order is 28.8 h.
FURTHEST_APART = timedelta(hours=30)

_ONLY = 1


def read_row(session: Session) -> ControlRow | None:
    """Read the one control's row; None before it is first saved."""
    return session.get(ControlRow, _ONLY)


def is_enabled(session: Session) -> bool:
    """Return whether orders are sent now; those received meanwhile are held."""
    row = read_row(session)
    return row is not None and row.enabled


def succeeded(session: Session, *, url: str) -> None:
    """Note that an order, or a test, arrived at ``url``: whatever failed there before is over."""
    failing = ControlRow.failing_since.is_not(None), ControlRow.url == url
    session.execute(update(ControlRow).where(*failing).values(failing_since=None))


def failed(session: Session, *, url: str, gone: str | None, now: datetime) -> None:
    """Note that an order was not taken at ``url``; disables the control when that is reason enough.

    ``gone`` is the cause when the receiver wants no more orders. What a URL that is no longer the control's
    said does not count.
    """
    row = read_row(session)
    if row is None or not row.enabled or row.url != url:
        return
    if row.failing_since is None or not _failed_lately(session, url, now):
        row.failing_since = now
    if gone:
        disable(session, row, gone, now)
    elif now - row.failing_since >= PATIENCE:
        disable(session, row, f"No order was accepted for {PATIENCE.days} days.", now)


def _failed_lately(session: Session, url: str, now: datetime) -> bool:
    """Return whether the failure before this one is so near that nothing but failure lies between."""
    of_orders = (
        select(TransmissionAttemptRow.at)
        .join(TransmissionRow)
        .where(
            TransmissionRow.test.is_(False),
            TransmissionAttemptRow.url == url,
            TransmissionAttemptRow.outcome == Outcome.RETRY,
        )
    )
    last = session.scalar(of_orders.order_by(TransmissionAttemptRow.id.desc()).limit(1))
    return last is not None and now - last <= FURTHEST_APART


def disable(session: Session, row: ControlRow, because: str | None, now: datetime) -> None:
    """Hold all that is open; ``because`` says why when nobody asked for it."""
    row.enabled, row.disabled_because, row.changed_at = False, because, now
    session.execute(_own("open").values(state="held", due_at=None))


def enable(session: Session, row: ControlRow, now: datetime) -> None:
    """Release all that is held, each with a whole schedule before it."""
    if not row.enabled:
        row.enabled, row.disabled_because, row.failing_since = True, None, None
    row.changed_at = now
    session.execute(_own("held").values(state="open", due_at=now, attempts=0))


def _own(state: str) -> Update:
    """Begin to change the control's own transmissions in a state; what a handler forwards is none of its."""
    return update(TransmissionRow).where(TransmissionRow.state == state, TransmissionRow.target == "")


def row_for_change(session: Session, now: datetime) -> ControlRow:
    """Read the control's row to change it; makes it, disabled, the first time."""
    row = read_row(session)
    if row is None:
        row = ControlRow(id=_ONLY, enabled=False, url="", encoding="form", sends_secret_field=False, changed_at=now)
        session.add(row)
        session.flush()
    return row
