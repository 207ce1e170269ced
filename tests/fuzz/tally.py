"""The lines of the table of `make fuzz`."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple, Self

from tests.fuzz.judge import Judge


class Line(NamedTuple):
    """What was tried, how often, and what came of it."""

    what: str
    tried: str
    taken: str = ""
    refused: str = ""
    wrong: str = ""


HEAD = Line("what", "tried", "taken", "refused", "5xx or wrong")


class Tally:
    """The answers to one sort of requests: those that its judge looks at while it's entered."""

    def __init__(self, judge: Judge) -> None:
        self.tried = 0
        self._judge = judge
        self._statuses: Counter[int] = Counter()
        self._by_the_server = 0

    def __enter__(self) -> Self:
        self._before = self._judge.statuses.copy()
        self._servers_before = self._judge.by_the_server
        return self

    def __exit__(self, *_: object) -> None:
        self._statuses += self._judge.statuses - self._before
        self._by_the_server += self._judge.by_the_server - self._servers_before

    def line(self, what: str) -> Line:
        """Return its line. A 500 would have ended the run; a 503 counts as wrong."""
        taken = sum(times for status, times in self._statuses.items() if status < 400)
        refused = sum(times for status, times in self._statuses.items() if 400 <= status < 500) + self._by_the_server
        wrong = sum(times for status, times in self._statuses.items() if status >= 500)
        return Line(what, f"{self.tried:,}", f"{taken:,}", f"{refused:,}", f"{wrong:,}")
