"""What every durable job shares: claim the oldest due one under a lease, settle it, ask whether one is due."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.orm import Session

from receiver.errors import Unavailable
from receiver.storage.clock import utc_now
from receiver.storage.columns import Job
from receiver.storage.database import Database

#: How long a run may be silent before another worker takes its job over.
LEASE = timedelta(seconds=30)
#: How often a living run says so.
RENEWAL = LEASE / 3

#: Seconds for which a job's result waits to be written down, and between two tries.
_PATIENCE = 300.0
_PAUSE = 0.1

#: The columns of a job that isn't to run.
NO_RUN = {"due_at": None, "lease_token": None, "lease_until": None}

JobRow = TypeVar("JobRow", bound=Job)
Result = TypeVar("Result")

log = logging.getLogger(__name__)


def new_lease(now: datetime) -> dict[str, Any]:
    """Make the columns of a new lease.

    Its end is for people to read. Processes only compare it, to see that the lease was renewed.
    """
    return {"lease_token": secrets.token_hex(8), "lease_until": now + LEASE}


def claim(
    session: Session, model: type[JobRow], now: datetime, free: ColumnElement[bool], *conditions: ColumnElement[bool]
) -> JobRow | None:
    """Claim the oldest due job that's ``free``, in one conditional UPDATE, and return it, or None.

    ``Leases.free`` makes that condition.
    """
    due = and_(_is_due(model, now, free), *conditions)
    oldest = select(model.id).where(due).order_by(model.due_at, model.id).limit(1)
    return session.scalars(
        update(model)
        .where(model.id == oldest.scalar_subquery(), due)
        .values(attempts=model.attempts + 1, **new_lease(now))
        .returning(model)
    ).one_or_none()


def write_down(database: Database, write: Callable[[Session], Result]) -> Result:
    """Write a job's result in its own transaction, as soon as the database can be used.

    Unwritten, the job would run twice. The caller keeps the lease meanwhile. Raises Unavailable after five minutes.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            with database.write() as session:
                return write(session)
        except Unavailable as error:
            if time.monotonic() > deadline:
                raise
            log.warning("a job's result can't be written yet: %s", error)
            time.sleep(_PAUSE)


def anything_due(
    database: Database, model: type[Job], free: ColumnElement[bool], *conditions: ColumnElement[bool]
) -> bool:
    """Return, by a read alone, whether a worker would find a job of this kind now."""
    with database.read() as session:
        due = select(model.id).where(_is_due(model, utc_now(), free), *conditions)
        return session.scalar(due.limit(1)) is not None


def settle(session: Session, job: JobRow, **values: Any) -> bool:
    """Write the outcome and drop the lease; False, and nothing written, when the lease was lost to another run."""
    settled = session.execute(
        update(type(job))
        .where(holds_lease(type(job), job))
        .values(lease_token=None, lease_until=None, **values)
        .execution_options(synchronize_session=False)
    )
    return bool(settled.rowcount)  # type: ignore[attr-defined]


def holds_lease(model: type[JobRow], job: JobRow) -> ColumnElement[bool]:
    """Return the condition that this run still holds the job."""
    return and_(model.id == job.id, model.lease_token == job.lease_token)


def _is_due(model: type[JobRow], now: datetime, free: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(model.state == "open", model.due_at <= now, free)
