"""Check how old the last backup is, and whether jobs are held after a restore."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from receiver.app.components import Kit
from receiver.app.doctor.finding import Finding, ok, warning
from receiver.app.serving import is_this_machine
from receiver.storage import safekeeping

#: A backup that's older than this is named.
_OLD = timedelta(days=7)
_HOW = "`flask backup FOLDER` makes one, see “Back up and upgrade” in Help"


def hold(kit: Kit) -> Iterator[Finding]:
    """Name the hold of jobs after a restore, if there's one."""
    if said := kit.hold.said():
        yield warning("jobs", said)


def backup(kit: Kit) -> Iterator[Finding]:
    """Report how old the last backup is. A receiver that only this machine reaches is a trial, which needs none."""
    with kit.database.read() as session:
        last = safekeeping.last_backup(session)
    age = datetime.now(UTC) - last if last else None
    is_trial = is_this_machine(urlsplit(kit.settings.PUBLIC_URL).hostname or "")
    text = f"the last one is of {last:%Y-%m-%d %H:%M} UTC, {max(age.days, 0)} days old" if last and age else "none yet"
    if is_trial or (age and age <= _OLD):
        yield ok("backup", text)
    else:
        yield warning("backup", f"{text}. {_HOW}")
