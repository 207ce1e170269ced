"""What every durable job shares: claim the oldest due one under a lease, settle it, ask whether one is due."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, Table, Update, and_, bindparam, select, update
from sqlalchemy.orm import Session

from receiver.errors import Unavailable
from receiver.storage.clock import utc_now
from receiver.storage.columns import Job, table_of
from receiver.storage.database import Beside, Database

#: How long a run may be silent before another worker takes its job over.
LEASE = timedelta(seconds=30)
#: How often a living run says so.
RENEWAL = LEASE / 3

#: Seconds for which a job's result waits to be written down, and between two tries.
RESULT_PATIENCE = 300.0
_PAUSE = 0.1

#: What the parameters of statements are called that find a job by id and lease; no column has these names.
_ID, _TOKEN = "job_id", "job_token"

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
    session: Session,
    model: type[JobRow],
    now: datetime,
    free: ColumnElement[bool],
    *conditions: ColumnElement[bool],
    most: int = 1,
) -> list[JobRow]:
    """Claim the oldest due jobs that are ``free``, in one conditional UPDATE, and return them, the oldest first.

    ``Leases.free`` makes that condition. Jobs that somebody else is claiming at this moment are passed by.
    """
    due = and_(_is_due(model, now, free), *conditions)
    oldest = select(model.id).where(due).order_by(model.due_at, model.id).limit(most)
    # In a CTE, which is read once: as a subquery, PostgreSQL may read it again, and lock more than it updates.
    found = oldest.with_for_update(skip_locked=True).cte("oldest")
    claimed = session.scalars(
        update(model)
        .where(model.id.in_(select(found.c.id)), due)
        .values(attempts=model.attempts + 1, **new_lease(now))
        .returning(model)
    )
    return sorted(claimed, key=lambda job: (job.due_at or now, job.id))


def write_down(
    database: Database, write: Callable[[Connection], Result], *, beside: Beside = Beside.SMALL_WRITES
) -> Result:
    """Write a job's result as soon as the database can be used; ``beside`` small writes, others share its transaction.

    Unwritten, the job would run twice. The caller keeps the lease meanwhile. ``write`` must be right a second time too:
    the answer to a commit may be lost. Raises Unavailable after five minutes.
    """
    run = database.shared_writes.run if beside is Beside.SMALL_WRITES else database.run
    deadline = time.monotonic() + RESULT_PATIENCE
    while True:
        try:
            return run(write)
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


def waits_for_worker(database: Database, model: type[Job]) -> bool:
    """Return whether a job of this kind is due and has no lease. This is read faster than `anything_due`."""
    with database.read() as session:
        return session.scalar(_waiting(table_of(model)), {"its_now": utc_now()}) is not None


@cache
def _waiting(table: Table) -> Select[tuple[int]]:
    due = table.c.state == "open", table.c.due_at <= bindparam("its_now"), table.c.lease_until.is_(None)
    return select(table.c.id).where(*due).limit(1)


def settle(connection: Connection | Session, job: Job, **values: Any) -> bool:
    """Write the outcome and drop the lease; False, and nothing written, when the lease was lost to another run."""
    statement = _settling(table_of(type(job)), tuple(values))
    settled = connection.execute(statement, {_ID: job.id, _TOKEN: job.lease_token, **values})
    return bool(settled.rowcount)  # type: ignore[attr-defined]


def settle_all(connection: Connection, settled: Sequence[tuple[Job, Mapping[str, Any]]]) -> None:
    """Write the outcomes of jobs of one kind, which the caller knows to be ours, each with the same columns."""
    if settled:
        (job, values), *_ = settled
        statement = _settling(table_of(type(job)), tuple(values))
        connection.execute(statement, [{_ID: job.id, _TOKEN: job.lease_token, **values} for job, values in settled])


@cache
def _settling(table: Table, names: tuple[str, ...]) -> Update:
    """Make a statement once for each set of columns: to make one costs ten times as much as to run it."""
    return (
        update(table)
        .where(table.c.id == bindparam(_ID), table.c.lease_token == bindparam(_TOKEN))
        .values({name: bindparam(name) for name in names} | {"lease_token": None, "lease_until": None})
    )


def holds_lease(model: type[JobRow], job: JobRow) -> ColumnElement[bool]:
    """Return the condition that this run still holds the job."""
    return and_(model.id == job.id, model.lease_token == job.lease_token)


def _is_due(model: type[JobRow], now: datetime, free: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(model.state == "open", model.due_at <= now, free)
