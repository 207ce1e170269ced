"""Enabled or disabled: what that does to the orders on their way, and when the relay disables by itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from receiver.relay.tables import ControlRow, TransmissionRow

#: Nothing but failure for so long disables the control.
PATIENCE = timedelta(days=5)

_ONLY = 1


def read_row(session: Session) -> ControlRow | None:
    """Read the one control's row; None before it is first saved."""
    return session.get(ControlRow, _ONLY)


def is_enabled(session: Session) -> bool:
    """Tell whether orders are sent now; those received meanwhile are held."""
    row = read_row(session)
    return row is not None and row.enabled


def succeeded(session: Session) -> None:
    """Note that an order arrived: whatever failed before is over."""
    session.execute(update(ControlRow).where(ControlRow.failing_since.is_not(None)).values(failing_since=None))


def failed(session: Session, *, url: str, gone: str | None, now: datetime) -> None:
    """Note that an order was not taken at ``url``; disables the control when that is reason enough.

    ``gone`` is the cause when the receiver wants no more orders. What a URL that is no longer the control's
    said does not count.
    """
    row = read_row(session)
    if row is None or not row.enabled or row.url != url:
        return
    row.failing_since = row.failing_since or now
    if gone:
        disable(session, row, gone, now)
    elif now - row.failing_since >= PATIENCE:
        disable(session, row, f"No order was taken for {PATIENCE.days} days.", now)


def disable(session: Session, row: ControlRow, because: str | None, now: datetime) -> None:
    """Hold all that is open; ``because`` says why when nobody asked for it."""
    row.enabled, row.disabled_because, row.changed_at = False, because, now
    session.execute(update(TransmissionRow).where(TransmissionRow.state == "open").values(state="held", due_at=None))


def enable(session: Session, row: ControlRow, now: datetime) -> None:
    """Release all that is held, each with a whole schedule before it."""
    if not row.enabled:
        row.enabled, row.disabled_because, row.failing_since = True, None, None
    row.changed_at = now
    released = update(TransmissionRow).where(TransmissionRow.state == "held")
    session.execute(released.values(state="open", due_at=now, attempts=0))


def row_for_change(session: Session, now: datetime) -> ControlRow:
    """Read the control's row to change it; makes it, disabled, the first time."""
    row = read_row(session)
    if row is None:
        row = ControlRow(id=_ONLY, enabled=False, url="", encoding="form", sends_secret_field=False, changed_at=now)
        session.add(row)
        session.flush()
    return row
