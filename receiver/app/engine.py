"""Huey's hints wake the workers, the sweep gives hints for what is due, the embedded consumer runs them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from huey.api import MemoryHuey
from huey.consumer import Consumer

from receiver import errors

#: Seconds between two rounds of upkeep, and so the longest that a lost hint delays a job.
UPKEEP_EVERY = 1.0

log = logging.getLogger(__name__)


class _Consumer(Consumer):  # type: ignore[misc]
    """Leaves the process's signals to the server that it is embedded in."""

    def _set_signal_handlers(self) -> None:
        pass


@dataclass(frozen=True)
class Kind:
    """Describes one kind of durable job."""

    #: Tells, by a read, whether one is due.
    is_due: Callable[[], bool]
    #: Claims and runs the oldest due one; False when there was none.
    run_next: Callable[[], bool]
    #: How many may run at a time in this process.
    at_once: int


class Engine:
    """Runs durable jobs in threads of this process.

    The rows are the truth and a hint only says "there is work of this kind": a lost one delays until the next
    sweep, a double one finds nothing. A job that was found leaves new hints behind, at the queue's end, so that
    kinds take turns. The upkeep's tasks follow one another in one thread; each group ``beside`` it has its own.
    """

    def __init__(
        self,
        kinds: Mapping[str, Kind],
        upkeep: Sequence[Callable[[], None]],
        *,
        threads: int,
        beside: Mapping[str, Sequence[Callable[[], None]]] = MappingProxyType({}),
    ) -> None:
        self._kinds = kinds
        self._slots = {name: threading.BoundedSemaphore(kind.at_once) for name, kind in kinds.items()}
        self._rounds = {"upkeep": (*upkeep, self._sweep), **beside}
        self._threads = threads
        self._plenty = 2 * threads
        self._huey = MemoryHuey("receiver", results=False)
        self._enqueue = self._huey.task(name="hint")(self._follow)
        self._consumer: _Consumer | None = None
        self._stopping = threading.Event()

    def start(self, *, work: bool) -> None:
        """Start the upkeep and, if this process is to ``work``, the threads that run jobs."""
        if work:
            self.start_work()
        for name, tasks in self._rounds.items():
            threading.Thread(target=self._keep_up, args=(name, tasks), name=name, daemon=True).start()

    def start_work(self) -> None:
        """Start the threads that run jobs."""
        self._consumer = _Consumer(self._huey, workers=self._threads, periodic=False, initial_delay=0.01, max_delay=0.2)
        self._consumer.start()

    def stop(self) -> None:
        """Let the running jobs end and start no more; upkeep, which renews their leases, goes on until then."""
        if self._consumer is not None:
            self._consumer.stop(graceful=True)
        self._stopping.set()

    def hint(self, name: str) -> None:
        """Say that there may be work of this kind; nothing happens while plenty of hints wait, or nobody works here."""
        if self._consumer is not None and self._huey.storage.queue_size() < self._plenty:
            self._enqueue(name)

    def _follow(self, name: str) -> None:
        kind = self._kinds[name]
        if not self._slots[name].acquire(blocking=False):
            return
        try:
            found = kind.is_due() and kind.run_next()
        except Exception as error:  # noqa: BLE001 - a job's failure must not end the worker
            log.error("a job of %s failed: %s", name, errors.describe_for_log(error))
            return
        finally:
            self._slots[name].release()
        if found and self._huey.storage.queue_size() < self._plenty * len(self._kinds):
            for other in self._kinds:
                self._enqueue(other)

    def _keep_up(self, name: str, tasks: Sequence[Callable[[], None]]) -> None:
        while not self._stopping.wait(UPKEEP_EVERY):
            for task in tasks:
                try:
                    task()
                except Exception as error:  # noqa: BLE001 - upkeep goes on whatever one task meets
                    log.error("%s failed: %s", name, errors.describe_for_log(error))

    def _sweep(self) -> None:
        for name, kind in self._kinds.items():
            if self._consumer is not None and kind.is_due():
                for _ in range(kind.at_once):
                    self.hint(name)
