"""The durable jobs of one kind: claimed several at a time, handed out one by one to the threads of this process."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Generic

from sqlalchemy import ColumnElement, Connection, Table, Update, bindparam, update
from sqlalchemy.orm import Session

from receiver.errors import Unavailable
from receiver.storage import jobs
from receiver.storage.clock import utc_now
from receiver.storage.columns import table_of
from receiver.storage.database import Database, session_on
from receiver.storage.jobs import JobRow
from receiver.storage.leases import Leases


class JobQueue(ABC, Generic[JobRow]):
    """The jobs of one kind; a subclass says how one is run.

    To claim several at once takes one commit instead of one for each. Those that wait for a thread of this process too
    long are given back, so that another process can run them.
    """

    def __init__(self, database: Database, leases: Leases, model: type[JobRow], *, most: int = 1) -> None:
        self.database = database
        self.leases = leases
        self._model = model
        #: How many are claimed at once.
        self._most = most
        self._mutex = threading.Lock()
        self._claimed: deque[JobRow] = deque()
        self._claimed_at = 0.0

    @abstractmethod
    def run(self, job: JobRow) -> None:
        """Run one claimed job and settle it; its lease is kept meanwhile."""

    def go_together(self, job: JobRow) -> bool:  # noqa: ARG002 - for subclasses
        """Return whether a job may be run by one thread together with others."""
        return False

    def run_together(self, claimed: Sequence[JobRow]) -> None:
        """Run claimed jobs that go together, and settle each."""
        for job in claimed:
            self.run(job)

    def conditions(self) -> Sequence[ColumnElement[bool]]:
        """Return what must be true of a job besides that it's due and nobody runs it."""
        return ()

    def prepare(self, session: Session, claimed: Sequence[JobRow], now: datetime) -> None:
        """Read and write what else belongs to a claim, in its transaction."""

    def now(self) -> datetime:
        """Return the time that jobs are due by, aware UTC."""
        return utc_now()

    def is_due(self) -> bool:
        """Return whether a job is due; this only reads."""
        if self._claimed:
            return True
        # Workers ask after each job, mostly in vain, so the quick question comes first.
        are_silent = bool(self.leases.silent(self._model))
        if not are_silent and not jobs.waits_for_worker(self.database, self._model):
            return False
        free, conditions = self.leases.free(self._model), self.conditions()
        return not (are_silent or conditions) or jobs.anything_due(self.database, self._model, free, *conditions)

    def run_next(self) -> bool:
        """Run the job that has been due for longest, and those that go together with it; False if none is due."""
        with self._next() as taken:
            if taken:
                self.run_together(taken)
        return bool(taken)

    def give_back(self, *, after: float = 0) -> None:
        """Give back the claimed jobs that have waited for a thread for so many seconds."""
        with self._mutex:
            if not self._claimed or time.monotonic() - self._claimed_at < after:
                return
            waiting = list(self._claimed)
            self._claimed.clear()
        leases = [{"job_id": job.id, "job_token": job.lease_token} for job in waiting]
        try:
            self.database.shared_writes.run(
                lambda connection: connection.execute(_giving_back(table_of(self._model)), leases)
            )
        finally:
            for job in waiting:
                self.leases.let_go(job)

    @contextmanager
    def _next(self) -> Iterator[Sequence[JobRow]]:
        """Hand out the next job, or several that go together, and keep their leases inside the block."""
        with self._mutex:
            if not self._claimed:
                self._claim()
            taken = [self._claimed.popleft()] if self._claimed else []
            if taken and self.go_together(taken[0]):
                while self._claimed and self.go_together(self._claimed[0]):
                    taken.append(self._claimed.popleft())
        try:
            yield taken
        finally:
            for job in taken:
                self.leases.let_go(job)

    def _claim(self) -> None:
        now = self.now()
        free = self.leases.free(self._model), *self.conditions()

        def claim(connection: Connection) -> list[JobRow]:
            with session_on(connection) as session:
                claimed = jobs.claim(session, self._model, now, *free, most=self._most)
                if claimed:
                    self.prepare(session, claimed, now)
            return claimed

        try:
            claimed = self.database.shared_writes.run(claim)
        except Unavailable:
            self.leases.start_over()
            raise
        for job in claimed:
            self.leases.hold(job)
            self._claimed.append(job)
        self._claimed_at = time.monotonic()


@cache
def _giving_back(table: Table) -> Update:
    return (
        update(table)
        .where(table.c.id == bindparam("job_id"), table.c.lease_token == bindparam("job_token"))
        .values(attempts=table.c.attempts - 1, lease_token=None, lease_until=None)
    )
