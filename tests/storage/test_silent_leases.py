"""Leases while the database can't be used: nobody can renew one then, so no run is taken for dead."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from receiver.app.components import Kit
from receiver.errors import Unavailable
from receiver.storage.jobs import LEASE
from receiver.storage.leases import Leases
from receiver.storage.models import MailRow
from tests.served import refuse_writes
from tests.storage.test_jobs import add_job

NOW = datetime.now(UTC).replace(microsecond=0)


class Watch:
    """Another process, which watches a lease for as long as the test says."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._now = 0.0
        self.leases = Leases(kit.database, (MailRow,), steady=lambda: self._now)

    def wait(self) -> None:
        """Let as long go by as a lease lasts."""
        self._now += LEASE.total_seconds()

    @property
    def sees_a_dead_run(self) -> bool:
        return bool(self.leases.silent(MailRow))


@pytest.fixture
def watch(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> Watch:
    add_job(kit, due_at=NOW)
    with kit.database.write() as session:
        session.execute(update(MailRow).values(lease_token="a run", lease_until=NOW))
    watch = Watch(kit)
    monkeypatch.setattr(kit.outbox, "leases", watch.leases)
    watch.leases.watch()
    return watch


def test_a_run_that_is_silent_while_the_database_works_is_dead(watch: Watch) -> None:
    watch.wait()
    assert watch.sees_a_dead_run


def test_a_run_has_as_long_again_after_a_database_that_was_gone(
    watch: Watch, kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch.wait()
    with monkeypatch.context() as patch, pytest.raises(Unavailable):
        patch.setattr(kit.database, "read", gone)
        watch.leases.watch()
    watch.leases.watch()
    assert not watch.sees_a_dead_run
    watch.wait()
    assert watch.sees_a_dead_run


def test_a_run_has_as_long_again_after_a_database_that_was_locked(
    watch: Watch, kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch.wait()
    refuse_writes(monkeypatch, kit, times=1)
    with pytest.raises(Unavailable):
        kit.outbox.run_next()
    watch.leases.watch()
    assert not watch.sees_a_dead_run
    watch.wait()
    assert watch.sees_a_dead_run


def gone() -> None:
    raise Unavailable("The server has gone away; try again.")
