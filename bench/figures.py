"""The figures of a run: what's measured, who was measured, and one figure of each for every round."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

EMPTY, BY_HAND, SMTPLIB, URLLIB3 = "empty Flask route", "hand-written receiver", "bare smtplib", "bare urllib3"


class Measure(NamedTuple):
    """Something that's measured, and what its figures are compared with."""

    name: str
    unit: str
    #: The measure whose figures the ratio is to; None without one.
    floor: str | None = None
    #: Whose figures of it; None means the same one's.
    of: str | None = None


ACCEPT = Measure("accept", "requests/s", "accept", EMPTY)
ACCEPT_P99 = Measure("accept, p99", "ms")
BUSY = Measure("accept with workers on", "requests/s", "accept")
BUSY_P99 = Measure("accept with workers on, p99", "ms")
FINISH = Measure("finish", "emails/s", "finish", SMTPLIB)
RELAY = Measure("relay", "POSTs/s", "relay", URLLIB3)
START = Measure("start", "s")
IDLE = Measure("at rest", "% of a core")
REST_MEMORY = Measure("memory of a process at rest", "MB")
LOADED_MEMORY = Measure("memory of a process after load", "MB")
MEASURES = (ACCEPT, ACCEPT_P99, BUSY, BUSY_P99, FINISH, RELAY, START, IDLE, REST_MEMORY, LOADED_MEMORY)


class Figure(NamedTuple):
    """One figure of one round."""

    measure: Measure
    who: str
    value: float


class Spread(NamedTuple):
    """The median, the lowest and the highest of some figures."""

    median: float
    low: float
    high: float


class Line(NamedTuple):
    """What all rounds found of one measure and one of those measured, and the ratios round by round."""

    measure: Measure
    who: str
    figures: Spread
    ratios: Spread | None


def spread(values: Iterable[float]) -> Spread:
    """Return the median, the lowest and the highest."""
    found = [*values]
    return Spread(statistics.median(found), min(found), max(found))


def lines(rounds: Iterable[Iterable[Figure]]) -> list[Line]:
    """Return a line for each that was measured, in the order of MEASURES."""
    found: dict[tuple[Measure, str], list[float]] = defaultdict(list)
    ratios: dict[tuple[Measure, str], list[float]] = defaultdict(list)
    for one in rounds:
        figures = [*one]
        by_name = {(figure.measure.name, figure.who): figure.value for figure in figures}
        for measure, who, value in figures:
            found[measure, who].append(value)
            floor = by_name.get((measure.floor or "", measure.of or who))
            if floor and who != measure.of:
                ratios[measure, who].append(value / floor)
    return [
        Line(measure, who, spread(values), spread(ratios[measure, who]) if ratios[measure, who] else None)
        for (measure, who), values in sorted(found.items(), key=lambda one: MEASURES.index(one[0][0]))
    ]


def pairs(rounds: Iterable[Iterable[Figure]], before: str, now: str) -> dict[Measure, Spread]:
    """Return, of each measure that both have, the ratios of one who's measured to another, round by round."""
    found: dict[Measure, list[float]] = defaultdict(list)
    for one in rounds:
        values = {(figure.measure, figure.who): figure.value for figure in one}
        for (measure, who), value in values.items():
            if who == now and (earlier := values.get((measure, before))):
                found[measure].append(value / earlier)
    return {measure: spread(ratios) for measure, ratios in found.items()}


def short(value: float) -> str:
    """Return a figure as people read it: three digits of it at most, or all before the point."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
