"""Leases: this process's runs renew theirs, and another's has ended when nobody renewed it while we watched.

No wall clock takes part: setting one must neither let two processes run one job, nor block a job whose run is dead.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, not_, or_, select, true, update

from receiver.errors import Unavailable
from receiver.storage.clock import utc_now
from receiver.storage.columns import Job
from receiver.storage.database import Database
from receiver.storage.jobs import LEASE, RENEWAL, holds_lease
from receiver.storage.write_lock import PATIENCE

#: A lease as its row has it: id, token and end. A renewed one has another end.
_Lease = tuple[int, str | None, datetime | None]


class Leases:
    """The leases of this process's runs, renewed while the runs live, and a watch on other processes' leases."""

    def __init__(
        self,
        database: Database,
        watched: Sequence[type[Job]] = (),
        *,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._watched = watched
        self._steady = steady
        self._mutex = threading.Lock()
        self._held: dict[int, Job] = {}
        self._renewed_at = steady()
        #: Since when each lease has been seen as it is.
        self._seen: dict[type[Job], dict[_Lease, float]] = {}

    @contextmanager
    def kept(self, job: Job) -> Iterator[None]:
        """Keep a claimed job's lease alive inside the block."""
        self.hold(job)
        try:
            yield
        finally:
            self.let_go(job)

    def hold(self, job: Job) -> None:
        """Keep a claimed job's lease alive until it's let go."""
        with self._mutex:
            self._held[id(job)] = job

    def let_go(self, job: Job) -> None:
        """Keep a job's lease alive no longer."""
        with self._mutex:
            del self._held[id(job)]

    def renew(self) -> None:
        """Renew all leases held here, if it's time."""
        with self._mutex:
            held = list(self._held.values())
        if not held or self._steady() - self._renewed_at < RENEWAL.total_seconds():
            return
        until = utc_now() + LEASE

        def renew(connection: Connection) -> None:
            for job in held:
                model = type(job)
                connection.execute(update(model).where(holds_lease(model, job)).values(lease_until=until))

        self._database.shared_writes.run(renew, patience=PATIENCE)
        self._renewed_at = self._steady()

    def watch(self) -> None:
        """See which leases there are, and which of them nobody has renewed since the last look."""
        found: dict[type[Job], list[_Lease]] = {}
        try:
            with self._database.read() as session:
                for model in self._watched:
                    columns = model.id, model.lease_token, model.lease_until
                    leased = session.execute(select(*columns).where(model.lease_until.is_not(None)))
                    found[model] = [(pk, token, until) for pk, token, until in leased]
        except Unavailable:
            self.start_over()
            raise
        now = self._steady()
        with self._mutex:
            for model, leases in found.items():
                before = self._seen.get(model, {})
                self._seen[model] = {lease: before.get(lease, now) for lease in leases}

    def start_over(self) -> None:
        """Count each silence from the next look on: while the database can't be used, a living run is silent too."""
        with self._mutex:
            self._seen.clear()

    def free(self, model: type[Job]) -> ColumnElement[bool]:
        """Return the condition that nobody works on the job: no run of this process, nor a live one elsewhere."""
        with self._mutex:
            held = [job.id for job in self._held.values() if isinstance(job, model)]
        return and_(model.id.not_in(held) if held else true(), not_(self.leased(model, model)))

    def leased(self, model: type[Job], row: Any) -> ColumnElement[bool]:
        """Return the condition that a row of this model, perhaps an alias of it, has a lease that hasn't ended."""
        ended = or_(
            row.lease_until.is_(None),
            *(
                and_(row.id == pk, row.lease_token == token, row.lease_until == until)
                for pk, token, until in self.silent(model)
            ),
        )
        return not_(ended)

    def silent(self, model: type[Job]) -> list[_Lease]:
        """Return the leases that nobody has renewed for as long as one lasts."""
        with self._mutex:
            seen = self._seen.get(model, {})
            return [lease for lease, since in seen.items() if self._steady() - since >= LEASE.total_seconds()]
