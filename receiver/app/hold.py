"""Whether jobs are held after a restore: what the backup calls open may have been done since."""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError

from receiver.errors import ReceiverError
from receiver.storage import safekeeping
from receiver.storage.database import Database

#: The kinds of jobs that reach people or other systems. To ask a shop about a POST is part of receiving it.
_HELD = frozenset({"orders", "mails", "transmissions", "registrations", "alerts"})
_LOOK_EVERY_SECONDS = 1.0
_SAID = (
    "restored from a backup at {:%Y-%m-%d %H:%M} UTC: orders are taken, but handlers, emails, registrations and orders "
    "that are sent on are held, as they may have been done since that backup. Look at what's open, then let them run: "
    "`flask restore --confirm`"
)


class Hold:
    """The hold of this database's jobs, as this process last saw it, a second ago at most."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._look_again_at = 0.0
        self._kinds: Collection[str] = _HELD

    def kinds(self) -> Collection[str]:
        """Return the kinds of jobs that don't run now. Nothing runs until the database could be asked."""
        now = time.monotonic()
        if now >= self._look_again_at:
            self._look_again_at = now + _LOOK_EVERY_SECONDS
            with suppress(ReceiverError, SQLAlchemyError):
                self._kinds = _HELD if self.said() else ()
        return self._kinds

    def said(self) -> str | None:
        """Return what's said while jobs are held; None while they run."""
        with self._database.read() as session:
            since = safekeeping.held_since(session)
        return _SAID.format(since) if since else None
