"""What the merchant is told while nothing is purged because the clock jumped."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from receiver.mail.notices import Trouble
from receiver.settings.model import Settings
from receiver.storage.clock import Suspension, suspension, utc_now

#: What the merchant can do about it.
WHAT_TO_DO = (
    "If the clock is wrong, set it by NTP. If it is right and you cannot wait, purge by the dates alone: "
    "flask prune --trust-clock"
)


def nothing_is_purged(suspended: Suspension) -> str:
    """Say that nothing is purged, why, and until when."""
    until = utc_now() + timedelta(hours=suspended.hours_left)
    return (
        f"Nothing is purged: {suspended.reason}. Purging goes on when the server has run for {suspended.hours_left} "
        f"more hours, not before {until:%Y-%m-%d %H:%M} UTC."
    )


def standing(session: Session, settings: Settings) -> list[Trouble]:
    """Give the trouble that the clock jumped, while it keeps anything from being purged."""
    suspended = suspension(session, utc_now()) if settings.RETENTION_DAYS else None
    if suspended is None:
        return []
    return [
        Trouble.found(
            "clock_jumped",
            suspended.number,
            "This server's clock jumped, so nothing is purged for now",
            nothing_is_purged(suspended),
            WHAT_TO_DO,
        )
    ]
