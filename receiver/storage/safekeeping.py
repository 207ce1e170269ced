"""When the instance was last backed up, and whether its jobs are held because it was restored from a backup."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, Session, mapped_column

from receiver.storage.columns import Base


class SafekeepingRow(Base):
    """The one row about backups of this database."""

    __tablename__ = "safekeeping"

    id: Mapped[int] = mapped_column(primary_key=True)
    #: When the last backup was made that was found to be whole.
    backed_up_at: Mapped[datetime | None]
    #: When it was restored from a backup, until the merchant confirms that its jobs may run again.
    held_since: Mapped[datetime | None]


def last_backup(session: Session) -> datetime | None:
    """Return when the last good backup was made; None without one."""
    row = session.get(SafekeepingRow, 1)
    return row.backed_up_at if row else None


def note_backup(session: Session, at: datetime) -> None:
    """Write down that a good backup was made."""
    _row(session).backed_up_at = at


def held_since(session: Session) -> datetime | None:
    """Return since when jobs are held after a restore; None while they run."""
    row = session.get(SafekeepingRow, 1)
    return row.held_since if row else None


def hold(session: Session, at: datetime) -> None:
    """Hold the jobs of all processes until they're released."""
    _row(session).held_since = at


def release(session: Session) -> bool:
    """Let the jobs run again; return whether they were held."""
    row = _row(session)
    was_held, row.held_since = row.held_since is not None, None
    return was_held


def _row(session: Session) -> SafekeepingRow:
    row = session.get(SafekeepingRow, 1, with_for_update=True)
    if row is None:
        row = SafekeepingRow(id=1)
        session.add(row)
    return row
