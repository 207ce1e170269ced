"""Enable and disable sending: what that does to the orders that wait, and when the relay disables it by itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Update, select, update
from sqlalchemy.orm import Session

from receiver.relay.failures import Outcome
from receiver.storage.relay_models import ControlRow, TransmissionAttemptRow, TransmissionRow

#: How long every order has to fail before sending is disabled.
PATIENCE = timedelta(days=5)
#: Failures further apart don't count as one. The longest wait between two attempts of an order is 28.8 h.
FURTHEST_APART = timedelta(hours=30)

_ONLY = 1


def read_row(session: Session) -> ControlRow | None:
    """Return the row of the Order Controls; None before they're first saved."""
    return session.get(ControlRow, _ONLY)


def new_row(session: Session, now: datetime) -> ControlRow:
    """Add the row of the Order Controls, disabled and empty."""
    row = ControlRow(id=_ONLY, enabled=False, url="", encoding="form", sends_secret_field=False, changed_at=now)
    session.add(row)
    session.flush()
    return row


def is_enabled(session: Session, *, until_commit: bool = False) -> bool:
    """Return whether orders are sent now. If not, new ones are held.

    ``until_commit`` keeps it so until the transaction ends: an order that's held meanwhile wouldn't be seen by
    `enable`, and stay held for ever.
    """
    row = session.get(ControlRow, _ONLY, with_for_update={"read": True} if until_commit else None)
    return row is not None and row.enabled


def succeeded(session: Session, *, url: str) -> None:
    """Note that an order or a test arrived at ``url``, so that earlier failures there no longer count."""
    failing = ControlRow.failing_since.is_not(None), ControlRow.url == url
    session.execute(update(ControlRow).where(*failing).values(failing_since=None))


def failed(session: Session, *, url: str, gone: str | None, now: datetime) -> None:
    """Note that an order failed at ``url``, and disable sending if every order has for five days.

    ``gone`` is the cause if the receiver wants no more orders: that disables it at once. A URL that's no longer in
    the Order Controls doesn't count.
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
    """Return whether the failure before this one is recent enough to count together with it."""
    attempt = TransmissionAttemptRow
    failures = TransmissionRow.test.is_(False), attempt.url == url, attempt.outcome == Outcome.RETRY
    newest = select(attempt.at).join(TransmissionRow).where(*failures).order_by(attempt.id.desc())
    last = session.scalar(newest.limit(1))
    return last is not None and now - last <= FURTHEST_APART


def disable(session: Session, row: ControlRow, because: str | None, now: datetime) -> None:
    """Hold what's to be sent. ``because`` is the reason if no person asked for it."""
    row.enabled, row.disabled_because, row.changed_at = False, because, now
    session.execute(_own("open").values(state="held", due_at=None))


def enable(session: Session, row: ControlRow, now: datetime) -> None:
    """Make what's held due now, each with all its attempts before it."""
    if not row.enabled:
        row.enabled, row.disabled_because, row.failing_since = True, None, None
    row.changed_at = now
    session.execute(_own("held").values(state="open", due_at=now, attempts=0))


def _own(state: str) -> Update:
    """Return an UPDATE of the transmissions in a state, but not of those that a handler forwards."""
    return update(TransmissionRow).where(TransmissionRow.state == state, TransmissionRow.target == "")
