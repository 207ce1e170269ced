"""Every test with its stores, and how a run is cut into pieces that take a minute or less."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from random import Random
from typing import NamedTuple

from tests.end_to_end.starting import Starter
from tests.torture import (
    backups,
    clock_jumps,
    copies,
    disk_faults,
    kills,
    mail_faults,
    moody,
    server_faults,
    syncs,
    upgrades,
)
from tests.torture.places import POSTGRESQL, SQLITE, Place
from tests.torture.results import Result

#: Does something so many times at a fresh place.
Run = Callable[[Place, Starter, Random, int], Result]


class Line(NamedTuple):
    """A line of the table for each of its stores."""

    name: str
    run: Run
    stores: Sequence[str] = (SQLITE, POSTGRESQL)
    #: What ONLY chooses it by, with others.
    group: str = "kills"
    #: How often it's done in all; None for kills, of which N says how many there are of all sorts together.
    times: int | None = None
    #: How often it's done at one place.
    piece: int = 20
    #: Whether the suite has a short form of it; not where it needs the repository's history, or a minute.
    in_suite: bool = True


class Piece(NamedTuple):
    """A part of a test that's run at a place of its own."""

    line: Line
    store: str
    number: int
    times: int


def _killing(kill: kills.Kill) -> Run:
    return partial(kills.under_load, kill)


LINES = (
    Line("kill -9 of a web process", _killing(kills.a_web_process)),
    Line("kill -9 of a web process that does the work too", kills.alone(kills.a_web_process), [SQLITE]),
    Line("kill -9 of a worker", _killing(kills.a_worker)),
    Line("kill -9 in a commit", _killing(kills.in_a_commit)),
    Line("kill -9 in a handler", _killing(kills.in_a_handler)),
    Line("kill -9 in SMTP DATA", _killing(kills.in_data)),
    Line("workers killed for good", kills.of_some_workers_for_good, [POSTGRESQL], times=2),
    Line(
        "identical deliveries at once over 4 processes",
        copies.identical_deliveries,
        group="copies",
        times=1000,
        piece=200,
    ),
    Line("disk full under load", disk_faults.full, [SQLITE], "storage", times=20),
    Line("database that can only be read", disk_faults.read_only, group="storage", times=20),
    Line("database locked under load, seconds", disk_faults.locked, group="storage", times=64, piece=64),
    Line("mail server that fails at each step", mail_faults.every_failure, group="mail", times=len(moody.MOODS)),
    Line("mail server without STARTTLS, or a trusted certificate", mail_faults.tls_failures, group="mail", times=4),
    Line("a sync before every answer, by strace", syncs.before_every_answer, [SQLITE], "storage", times=200, piece=200),
    Line("backup under load, restored and served", backups.under_load, group="upkeep", times=10, piece=5),
    Line("upgrade under load", upgrades.under_load, group="upkeep", times=2, piece=1, in_suite=False),
    Line("clock that jumps under load", clock_jumps.under_load, group="clock", times=20, piece=10, in_suite=False),
    Line("PostgreSQL restarted under load", server_faults.restart_postgresql, [POSTGRESQL], "servers", times=20),
    Line("Redis flushed, frozen, gone under load", server_faults.fail_redis, [POSTGRESQL], "servers", times=30),
)
GROUPS = sorted({line.group for line in LINES})


def pieces(kills_in_all: int, stores: Sequence[str], groups: Sequence[str]) -> Iterator[Piece]:
    """Yield the pieces of a run in the order of the table; kills are split evenly over their lines."""
    lines = [(line, store) for line in LINES for store in line.stores]
    killing = [(line, store) for line, store in lines if line.times is None]
    for line, store in lines:
        if line.times is None:
            place = killing.index((line, store))
            times = kills_in_all // len(killing) + (place < kills_in_all % len(killing))
        else:
            times = line.times
        if store in stores and line.group in groups:
            for number, begin in enumerate(range(0, times, line.piece)):
                yield Piece(line, store, number, min(line.piece, times - begin))
