"""Run durable jobs in threads of this process: hints wake the workers, a sweep hints at whatever is due."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from receiver import errors
from receiver.app.hints.messenger import Hints

#: Seconds between two rounds of upkeep, and so the longest that a lost hint delays a job.
UPKEEP_EVERY = 1.0

#: How long a claimed job waits for a thread here before another process may have it.
_LONGEST_CLAIMED_SECONDS = 1.0

log = logging.getLogger(__name__)


class Jobs(Protocol):
    """The durable jobs of one kind."""

    def is_due(self) -> bool:
        """Return whether a job is due; only reads."""

    def run_next(self) -> bool:
        """Run the job that has been due for longest; return False when none is due."""

    def give_back(self, *, after: float = 0) -> None:
        """Give back the claimed jobs that have waited for a thread for so many seconds."""


@dataclass(frozen=True)
class Kind:
    """The jobs of one kind, and how many of them this process may run at once."""

    jobs: Jobs
    #: 0 runs none.
    at_once: int
    #: The kinds that such a job may make due, besides its own.
    makes: tuple[str, ...] = ()


#: One task of the upkeep.
Task = Callable[[], None]


class Engine:
    """The worker threads of this process, and the hints that wake them.

    The rows are the truth, and a hint only says "there is work of this kind": a lost one delays a job until the next
    sweep, and a double one finds nothing. Each job that runs leaves new hints at the queue's end, so that kinds take
    turns. While no worker here is free for a hint, it goes to the processes ``elsewhere`` too. The upkeep's tasks run
    one after the other in one thread; each group ``beside`` it has a thread of its own.
    """

    def __init__(
        self,
        kinds: Mapping[str, Kind],
        upkeep: Sequence[Task],
        *,
        threads: int,
        beside: Mapping[str, Sequence[Task]] = MappingProxyType({}),
        elsewhere: Hints | None = None,
        held: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self._kinds = kinds
        self._slots = {name: threading.BoundedSemaphore(kind.at_once) for name, kind in kinds.items()}
        self._rounds = {"upkeep": (*upkeep, self._sweep), **beside}
        self._threads = threads
        self._elsewhere = elsewhere
        #: Gives the kinds of jobs that don't run now.
        self._held = held
        self._hints: deque[str] = deque()
        #: Guards the hints, the workers, how many of them wait and whether they should end.
        self._changed = threading.Condition()
        self._idle = 0
        #: Set while a worker waits.
        self._free = threading.Event()
        self._workers: list[threading.Thread] = []
        self._workers_end = False
        self._upkeep_ends = threading.Event()

    @property
    def works(self) -> bool:
        """Return whether threads of this process run jobs."""
        return bool(self._workers) and not self._workers_end

    def start(self, *, work: bool) -> None:
        """Start the upkeep and, if this process is to ``work``, the threads that run jobs."""
        if self._elsewhere:
            self._elsewhere.start()
        if work:
            self.start_work()
        for name, tasks in self._rounds.items():
            threading.Thread(target=self._keep_up, args=(name, tasks), name=name, daemon=True).start()

    def start_work(self) -> None:
        """Start the threads that run jobs."""
        with self._changed:
            names = (f"worker-{number}" for number in range(1, self._threads + 1))
            self._workers = [threading.Thread(target=self._work, name=name, daemon=True) for name in names]
            for worker in self._workers:
                worker.start()
        if self._elsewhere:
            self._elsewhere.listen(self._hear, self._free)

    def stop(self) -> None:
        """Start no more jobs and wait for the running ones; upkeep renews their leases until then."""
        if self._elsewhere:
            self._elsewhere.stop_listening()
        with self._changed:
            self._workers_end = True
            self._changed.notify_all()
        for worker in self._workers:
            worker.join()
        for kind in self._kinds.values():
            kind.jobs.give_back()
        if self._elsewhere:
            self._elsewhere.close()
        self._upkeep_ends.set()

    def hint(self, name: str) -> None:
        """Wake a worker for this kind of job, here or elsewhere; while many hints wait, one more isn't kept."""
        self._add([name], most=2 * self._threads)

    def _hear(self, names: Collection[str]) -> bool:
        """Take hints of another process, whose release may have other kinds; return whether a worker is free."""
        return self._wake([name for name in names if name in self._kinds], most=2 * self._threads)

    def _add(self, names: Collection[str], *, most: int) -> None:
        if not self._wake(names, most=most) and self._elsewhere:
            self._elsewhere.send(names)

    def _wake(self, names: Collection[str], *, most: int) -> bool:
        """Leave hints for the workers of this process and return whether one of them is free."""
        with self._changed:
            is_free = len(self._hints) < self._idle
            if self.works and len(self._hints) < most:
                self._hints.extend(names)
                self._changed.notify(len(names))
        return is_free

    def _work(self) -> None:
        while (name := self._next_hint()) is not None:
            self._follow(name)

    def _next_hint(self) -> str | None:
        """Wait for a hint and return it, or None once the workers should end."""
        with self._changed:
            self._idle += 1
            self._free.set()
            self._changed.wait_for(lambda: self._hints or self._workers_end)
            self._idle -= 1
            if not self._idle:
                self._free.clear()
            return None if self._workers_end else self._hints.popleft()

    def _follow(self, name: str) -> None:
        """Run one job of this kind if one is due, then hint at its kind and at those that it may have made due."""
        kind = self._kinds[name]
        if not self._slots[name].acquire(blocking=False):
            return
        try:
            found = name not in self._held() and kind.jobs.is_due() and kind.jobs.run_next()
        except Exception as error:  # noqa: BLE001 - a job's failure must not end the worker
            log.error("a job of %s failed: %s", name, errors.describe_for_log(error))
            return
        finally:
            self._slots[name].release()
        if found:
            self._add([name, *kind.makes], most=2 * self._threads * len(self._kinds))

    def _keep_up(self, name: str, tasks: Sequence[Task]) -> None:
        """Run the tasks each second; log a failure that repeats only once."""
        failing: dict[int, str] = {}
        while not self._upkeep_ends.wait(UPKEEP_EVERY):
            for number, task in enumerate(tasks):
                try:
                    task()
                except Exception as error:  # noqa: BLE001 - upkeep goes on whatever one task meets
                    said = errors.describe_for_log(error)
                    if said not in failing.values():
                        log.error("%s failed: %s", name, said)
                    failing[number] = said
                else:
                    failing.pop(number, None)

    def _sweep(self) -> None:
        for name, kind in self._kinds.items():
            kind.jobs.give_back(after=_LONGEST_CLAIMED_SECONDS)
            if self.works and name not in self._held() and kind.jobs.is_due():
                for _ in range(kind.at_once):
                    self.hint(name)
