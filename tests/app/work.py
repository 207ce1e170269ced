"""Jobs for tests of the engine: a number of one kind, each of which takes as long as the test lets it."""

from __future__ import annotations

import threading

from receiver.app.engine import Kind
from tests.waiting import SOON


class Work:
    """Is a number of jobs of one kind; each takes as long as the test lets it."""

    def __init__(self, jobs: int = 0) -> None:
        self._mutex = threading.Lock()
        self._left = jobs
        self.running = 0
        self.most_at_once = 0
        self.done = 0
        self.looked = 0
        self.given_back: list[float] = []
        self.go_on = threading.Event()
        self.go_on.set()

    def add(self, jobs: int) -> None:
        with self._mutex:
            self._left += jobs

    def is_due(self) -> bool:
        self.looked += 1
        return self._left > 0

    def run_next(self) -> bool:
        with self._mutex:
            if not self._left:
                return False
            self._left -= 1
            self.running += 1
            self.most_at_once = max(self.most_at_once, self.running)
        self.go_on.wait(SOON)
        with self._mutex:
            self.running -= 1
            self.done += 1
        return True

    def give_back(self, *, after: float = 0) -> None:
        self.given_back.append(after)

    def kind(self, at_once: int, makes: tuple[str, ...] = ()) -> Kind:
        return Kind(self, at_once, makes)
