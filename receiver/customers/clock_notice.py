"""The notice to the merchant that nothing is purged because the clock jumped."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from receiver.mail.notices import Trouble
from receiver.settings.model import Settings
from receiver.storage.clock import HOURS_TO_BELIEVE, Suspension, suspension, utc_now

#: What the merchant can do about it.
WHAT_TO_DO = (
    "If the clock is wrong, sync it with NTP. If it's right and you can't wait, delete by date alone: "
    "flask prune --trust-clock"
)


def nothing_is_purged(suspended: Suspension) -> str:
    """Return the sentence that nothing is deleted, why, and until when."""
    until = utc_now() + timedelta(hours=suspended.hours_left)
    return (
        f"Nothing is deleted: {suspended.reason}. Deletion resumes after the server has run for {suspended.hours_left} "
        f"more hours, no earlier than {until:%Y-%m-%d %H:%M} UTC."
    )


def standing(session: Session, settings: Settings) -> list[Trouble]:
    """Return the trouble that the clock jumped, while it keeps anything from being purged.

    None in the first hour: a machine without a battery for its clock starts with a wrong one each day.
    """
    suspended = suspension(session, utc_now()) if settings.RETENTION_DAYS else None
    if suspended is None or suspended.hours_left == HOURS_TO_BELIEVE:
        return []
    return [
        Trouble.found(
            "clock_jumped",
            suspended.number,
            "The server's clock jumped, so no old data is deleted for now",
            nothing_is_purged(suspended),
            WHAT_TO_DO,
        )
    ]
