"""Group commit: few commits for many threads, each woken with its own outcome."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from receiver.errors import Busy, Unavailable
from receiver.storage import group_commit
from receiver.storage.group_commit import GroupCommit
from tests.waiting import SOON, wait_for


def grouped(
    write: Callable[[list[int]], list[int]], lock: Callable[[float], object] = lambda _patience: None, most: int = 100
) -> GroupCommit[int, int]:
    """Return a group that waits for its turn by ``lock`` and then writes."""

    @contextmanager
    def begin(patience: float) -> Iterator[None]:
        lock(patience)
        yield

    return GroupCommit(begin, lambda _cursor, entries, _deadline: write(list(entries)), most=most)


def add_all(group: GroupCommit[int, int], entries: range) -> dict[int, object]:
    """Add every entry from a thread of its own; gives what each got."""
    found: dict[int, object] = {}

    def add(entry: int) -> None:
        try:
            found[entry] = group.add(entry)
        except Exception as error:
            found[entry] = error

    threads = [threading.Thread(target=add, args=(entry,)) for entry in entries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_each_thread_gets_its_own_outcome_and_commits_are_shared() -> None:
    groups: list[list[int]] = []

    def write(entries: list[int]) -> list[int]:
        groups.append(entries)
        return [entry * 10 for entry in entries]

    group = grouped(write, lambda _patience: wait_for(lambda: len(group._queue) == 40))

    assert add_all(group, range(40)) == {entry: entry * 10 for entry in range(40)}
    assert [sorted(entries) for entries in groups] == [[*range(40)]]


def test_no_group_is_larger_than_one_commit_takes() -> None:
    sizes: list[int] = []

    def write(entries: list[int]) -> list[int]:
        sizes.append(len(entries))
        return entries

    found = add_all(grouped(write, lambda _patience: time.sleep(0.01), most=3), range(20))

    assert found == {entry: entry for entry in range(20)}
    assert max(sizes) == 3


def test_a_failed_commit_fails_all_of_its_group_and_no_other() -> None:
    def write(entries: list[int]) -> list[int]:
        if 7 in entries:
            raise OSError("disk")
        return entries

    found = add_all(grouped(write, lambda _patience: time.sleep(0.01)), range(20))

    assert isinstance(found[7], OSError)
    assert all(outcome == entry or isinstance(outcome, OSError) for entry, outcome in found.items())
    again = grouped(write)
    with pytest.raises(OSError, match="disk"):
        again.add(7)
    assert again.add(8) == 8


def test_a_leader_that_is_ended_leaves_the_lead_to_the_next() -> None:
    """Else all others waited 2 s for nobody, each."""
    calls: list[int] = []

    def write(entries: list[int]) -> list[int]:
        calls.append(1)
        if len(calls) == 1:
            wait_for(lambda: len(group._queue) == 8)
            raise SystemExit
        return entries

    group = grouped(write)
    with ThreadPoolExecutor(10) as pool:
        ended = pool.submit(group.add, 0)
        wait_for(lambda: bool(calls))
        others = [pool.submit(group.add, number) for number in range(1, 9)]
        assert isinstance(ended.exception(SOON), SystemExit)
        assert [other.result(SOON) for other in others] == [*range(1, 9)]


def test_a_leader_without_the_right_to_write_fails_alone() -> None:
    calls = []

    def lock(_patience: float) -> None:
        calls.append(1)
        time.sleep(0.02)
        if len(calls) == 1:
            raise Unavailable("no lock")

    found = add_all(grouped(list, lock), range(10))

    assert sum(isinstance(outcome, Unavailable) for outcome in found.values()) == 1


def test_who_waited_too_long_is_told_so_though_the_entry_may_be_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "PATIENCE", 0.2)
    stored: list[int] = []
    begun, slow = threading.Event(), threading.Event()

    def write(entries: list[int]) -> list[int]:
        begun.set()
        slow.wait(SOON)
        stored.extend(entries)
        return entries

    group = grouped(write)
    leader = threading.Thread(target=group.add, args=(1,))
    leader.start()
    begun.wait(SOON)

    with pytest.raises(Unavailable, match="in time"):
        group.add(2)
    slow.set()
    leader.join()
    assert stored == [1]
    assert group.add(3) == 3
    assert stored == [1, 3]


def test_who_waited_too_long_keeps_nobody_else_asleep(monkeypatch: pytest.MonkeyPatch) -> None:
    queued, slow = threading.Event(), threading.Event()
    found: dict[int, object] = {}

    def write(entries: list[int]) -> list[int]:
        slow.wait()
        return entries

    group = grouped(write, lambda _patience: queued.wait())

    def add(entry: int) -> None:
        try:
            found[entry] = group.add(entry)
        except Unavailable:
            found[entry] = "gone"

    threads = [threading.Thread(target=add, args=(entry,)) for entry in range(3)]
    for number, thread in enumerate(threads):
        monkeypatch.setattr(group_commit, "PATIENCE", 0.5 if number == 1 else 2 * SOON)
        thread.start()
        wait_for(lambda number=number: len(group._queue) > number)  # type: ignore[misc]
    queued.set()
    threads[1].join()
    slow.set()
    threads[0].join()
    threads[2].join(SOON)

    assert found == {0: 0, 1: "gone", 2: 2}


def test_the_leader_is_given_what_is_left_of_its_patience() -> None:
    patience: list[float] = []

    grouped(list, patience.append).add(1)

    assert 1.5 < patience[0] <= 2


def test_while_the_lock_is_kept_from_one_the_others_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else those who queue for a server's few threads waited for several times 2 s."""
    monkeypatch.setattr(group_commit, "_KEPT_FOR", SOON)
    patience: list[float] = []
    looks, goes_on = threading.Event(), threading.Event()

    def lock(left: float) -> None:
        patience.append(left)
        if len(patience) == 1:
            raise Busy("locked")
        looks.set()
        goes_on.wait(SOON)

    group = grouped(list, lock)
    with pytest.raises(Busy, match="locked"):
        group.add(1)
    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(group.add, 2)
        looks.wait(SOON)
        for entry in range(3, 20):
            with pytest.raises(Busy):
                group.add(entry)
        assert not looking.done()
        goes_on.set()
        assert looking.result(SOON) == 2
    assert group.add(20) == 20
    assert patience[1] <= 0.1
    assert patience[2] > 1.5, "once it is free again, it is waited for as before"


def test_a_failure_that_is_no_lock_leaves_the_patience_as_it_was() -> None:
    patience: list[float] = []

    def lock(left: float) -> None:
        patience.append(left)
        raise Unavailable("The disk is full.")

    group = grouped(list, lock)
    for entry in range(2):
        with pytest.raises(Unavailable):
            group.add(entry)
    assert patience[1] > 1.5
