"""Small writes share transactions, and none suffers for another."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, event, func, insert, select

from receiver.app.components import Kit
from receiver.errors import Unavailable
from receiver.storage.columns import table_of
from receiver.storage.models import OnceRow
from tests.served import refuse_writes
from tests.storage.test_jobs import NOW

ONCE = table_of(OnceRow)


def adding(digest: str) -> Callable[[Connection], str]:
    def write(connection: Connection) -> str:
        connection.execute(insert(ONCE), {"handler": "h", "digest": digest, "order_pk": None, "at": NOW})
        return digest

    return write


def fails(connection: Connection) -> None:
    adding("half")(connection)
    raise ValueError("wrong")


def stored(kit: Kit) -> set[str]:
    with kit.database.read() as session:
        return set(session.scalars(select(OnceRow.digest)))


def run_together(kit: Kit, *writes: Callable[[Connection], object]) -> list[object]:
    """Run writes that all queue while the write lock is held; gives the result or the error of each."""

    def run(write: Callable[[Connection], object]) -> object:
        try:
            return kit.database.shared_writes.run(write)
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(writes)) as pool:
        with kit.database.write():
            running = [pool.submit(run, write) for write in writes]
            while len(kit.database.shared_writes._group._queue) < len(writes):
                threading.Event().wait(0.005)
        return [one.result() for one in running]


def test_writes_that_wait_at_once_are_committed_together(kit: Kit) -> None:
    commits: list[object] = []
    event.listen(kit.database.engine, "commit", commits.append)

    assert run_together(kit, *(adding(f"d{number}") for number in range(8))) == [f"d{number}" for number in range(8)]
    assert stored(kit) == {f"d{number}" for number in range(8)}
    assert len(commits) == 2  # that of the lock's holder, and theirs


def test_one_that_fails_is_undone_alone_and_hears_why(kit: Kit) -> None:
    first, failed, last = run_together(kit, adding("first"), fails, adding("last"))

    assert (first, last) == ("first", "last")
    assert isinstance(failed, ValueError)
    assert stored(kit) == {"first", "last"}


def test_one_that_fails_by_itself_is_undone(kit: Kit) -> None:
    with pytest.raises(ValueError, match="wrong"):
        kit.database.shared_writes.run(fails)
    assert stored(kit) == set()


def test_while_nothing_can_be_written_it_raises_and_stores_nothing(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_writes(monkeypatch, kit, times=1)
    with pytest.raises(Unavailable):
        kit.database.shared_writes.run(adding("late"))
    assert kit.database.shared_writes.run(adding("early")) == "early"
    assert stored(kit) == {"early"}


def test_one_whose_patience_is_short_leaves_the_queue(kit: Kit) -> None:
    with kit.database.write(), pytest.raises(Unavailable):
        ThreadPoolExecutor(1).submit(kit.database.shared_writes.run, adding("late"), patience=0.05).result()
    with kit.database.write() as session:
        assert session.scalar(select(func.count(OnceRow.id))) == 0


def test_who_waits_for_a_write_under_way_hears_what_became_of_it(kit: Kit) -> None:
    """A job that left would write its result a second time."""
    entered, go_on = threading.Event(), threading.Event()

    def slow(connection: Connection) -> str:
        entered.set()
        go_on.wait(30)
        return adding("slow")(connection)

    with ThreadPoolExecutor(2) as pool:
        with kit.database.write():
            running = [
                pool.submit(kit.database.shared_writes.run, write, patience=0.5) for write in (slow, adding("x"))
            ]
            while len(kit.database.shared_writes._group._queue) < 2:
                threading.Event().wait(0.005)
        assert entered.wait(30)
        threading.Event().wait(0.8)
        go_on.set()
        assert [one.result() for one in running] == ["slow", "x"]
    assert stored(kit) == {"slow", "x"}
