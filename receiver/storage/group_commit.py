"""Group commit: the first waiting thread commits for all that queued meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from itertools import pairwise
from typing import Any, Generic, TypeVar

from receiver.errors import Busy, Unavailable
from receiver.storage.write_lock import ACCEPT_PATIENCE as PATIENCE

#: Once the lock was waited for in vain, one entry at a time tries it for so many seconds.
_GLANCE = 0.1
#: For so many seconds after a wait in vain, the lock counts as kept by others.
_KEPT_FOR = 1.0

Entry = TypeVar("Entry")
Outcome = TypeVar("Outcome")


class _Waiting(Generic[Entry, Outcome]):
    """One thread's entry, until it has an outcome, an error, or the lead."""

    def __init__(self, entry: Entry, patience: float) -> None:
        self.entry = entry
        self.deadline = time.monotonic() + patience
        #: Held until the outcome or the lead comes; a plain lock wakes its one waiter faster than an Event.
        self.asleep = threading.Lock()
        self.asleep.acquire()
        self.leads = False
        self.gave_up = False
        #: Whom to wake next. If all woke at once they would queue for the interpreter, which runs one thread at a time.
        self.wakes: _Waiting[Entry, Outcome] | None = None
        self.outcome: Outcome | None = None
        self.error: BaseException | None = None


class GroupCommit(Generic[Entry, Outcome]):
    """A queue that groups the entries of many threads into few commits; each returns once its entry is on disk.

    ``begin(patience)`` waits at most so many seconds for the write lock, and holds it for a block. In it,
    ``write(cursor, entries, deadline)`` puts those that have queued by then on disk, no more than ``most``, and
    returns their outcomes in order.
    """

    def __init__(
        self,
        begin: Callable[[float], AbstractContextManager[Any]],
        write: Callable[[Any, Sequence[Entry], float], Sequence[Outcome]],
        *,
        most: int,
        may_leave: bool = True,
    ) -> None:
        self._begin = begin
        self._write = write
        self._most = most
        #: Whether a thread that waited too long leaves while its entry is being written, and never hears what became
        #: of it. A sender asks again; a job that did would be done twice.
        self._may_leave = may_leave
        self._mutex = threading.Lock()
        self._queue: list[_Waiting[Entry, Outcome]] = []
        self._led = False
        #: Until when the lock counts as kept by others, or the disk as stuck, so that waiting is in vain.
        self._kept_until = 0.0

    def add(self, entry: Entry, *, patience: float | None = None) -> Outcome:
        """Commit one entry and return its outcome; raises Unavailable after ``patience`` seconds, 2 if it isn't given.

        Unless ``may_leave`` is off, it may still be stored then.

        While others keep the lock for longer than that, it raises Busy at once: a server has few threads, and whoever
        queues for one should get the 503 before hanging up.
        """
        is_kept = time.monotonic() < self._kept_until
        mine: _Waiting[Entry, Outcome] = _Waiting(
            entry, _GLANCE if is_kept else PATIENCE if patience is None else patience
        )
        with self._mutex:
            if is_kept and self._led:
                raise Busy("Nothing can be written now; try again.")
            self._queue.append(mine)
            mine.leads = not self._led
            self._led = True
        if not mine.leads and not mine.asleep.acquire(timeout=max(mine.deadline - time.monotonic(), 0)):
            self._give_up(mine)
        if mine.leads:
            self._lead(mine)
        if mine.wakes is not None:
            mine.wakes.asleep.release()
        if mine.error is not None:
            raise mine.error
        assert mine.outcome is not None  # noqa: S101 - woken with one of the three
        return mine.outcome

    def _lead(self, mine: _Waiting[Entry, Outcome]) -> None:
        taken: list[_Waiting[Entry, Outcome]] = []
        try:
            with self._begin(mine.deadline - time.monotonic()) as cursor:
                with self._mutex:
                    taken += self._queue[: self._most]
                    del self._queue[: self._most]
                outcomes = self._write(cursor, [waiting.entry for waiting in taken], mine.deadline)
            for waiting, outcome in zip(taken, outcomes, strict=True):
                waiting.outcome = outcome
            self._kept_until = 0.0
        except BaseException as error:  # noqa: BLE001 - handed to every thread that waits for this commit
            if isinstance(error, Busy):
                self._kept_until = time.monotonic() + _KEPT_FOR
            self._fail(mine, taken, error)
        self._hand_over(taken)

    def _fail(
        self, mine: _Waiting[Entry, Outcome], taken: list[_Waiting[Entry, Outcome]], error: BaseException
    ) -> None:
        """Give the error to those whose commit failed; to the leader alone when it never got to commit."""
        with self._mutex:
            if not taken:
                self._queue.remove(mine)
                taken.append(mine)
        for waiting in taken:
            is_theirs = waiting is mine or isinstance(error, Exception)
            waiting.error = error if is_theirs else Unavailable("It could not be put on disk; try again.")

    def _hand_over(self, taken: list[_Waiting[Entry, Outcome]]) -> None:
        """Make the first who queued meanwhile the leader, and each of those taken wake the next who still waits."""
        with self._mutex:
            self._led = bool(self._queue)
            if self._queue:
                self._queue[0].leads = True
                self._queue[0].asleep.release()
            for waiting, following in pairwise([waiting for waiting in taken if not waiting.gave_up]):
                waiting.wakes = following

    def _give_up(self, mine: _Waiting[Entry, Outcome]) -> None:
        """Leave the queue after waiting too long, unless the outcome or the lead came at the last moment."""
        with self._mutex:
            if mine.leads:
                return
            self._kept_until = time.monotonic() + _KEPT_FOR
            is_queued = mine in self._queue
            if is_queued:
                self._queue.remove(mine)
            mine.gave_up = is_queued or self._may_leave
        if not mine.gave_up:
            mine.asleep.acquire()
        elif mine.outcome is None and mine.error is None:
            mine.error = Unavailable("It could not be put on disk in time; try again.")
