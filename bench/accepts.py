"""How fast orders are accepted while no worker runs: on disk before they're answered."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench.figures import ACCEPT, ACCEPT_P99, BY_HAND, EMPTY, Figure
from bench.kits import MeasuredKit
from bench.server import SECRET, serving


class Load(NamedTuple):
    """What came of a load: answers a second, and how long all but the slowest hundredth took."""

    rate: float
    p99_milliseconds: float


def of_floors(url: str, *, seconds: int) -> Iterator[Figure]:
    """Measure the empty route, and the hand-written receiver, which does all in the request."""
    load(f"{url}/empty", "warm", seconds=1)
    yield Figure(ACCEPT, EMPTY, load(f"{url}/empty", "empty", seconds=seconds).rate)
    found = load(f"{url}/orders", "by-hand", seconds=seconds)
    yield from (Figure(ACCEPT, BY_HAND, found.rate), Figure(ACCEPT_P99, BY_HAND, found.p99_milliseconds))


def of_kit(kit: MeasuredKit, *, seconds: int) -> Iterator[Figure]:
    """Measure a kit, and count that each order which was answered is there."""
    with serving(kit, {"EMBEDDED_WORKER": "false"}) as served:
        load(f"{served.url}/orders", "warm", seconds=1)
        before = served.number("SELECT count(*) FROM orders")
        found = load(f"{served.url}/orders", "run", seconds=seconds)
        stored = served.number("SELECT count(*) FROM orders") - before
        if stored < found.rate * seconds * 0.95:
            raise SystemExit(f"{kit.name} has stored only {stored} orders; the figures mean nothing")
    yield from (Figure(ACCEPT, kit.name, found.rate), Figure(ACCEPT_P99, kit.name, found.p99_milliseconds))


def check() -> None:
    """Raise SystemExit where wrk isn't installed."""
    if not shutil.which("wrk"):
        raise SystemExit("make bench needs wrk (Debian: apt install wrk)")


def load(url: str, run: str, *, seconds: int) -> Load:
    """POST orders by wrk over 32 connections, their ids beginning with the run's name.

    Raises SystemExit if one isn't answered 2xx.
    """
    printed = subprocess.run(
        ["wrk", "-t1", "-c32", f"-d{seconds}s", "-s", str(Path(__file__).with_name("orders.lua")), url],
        env=os.environ | {"BENCH_SECRET": SECRET, "BENCH_RUN": run},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    rate, p99, failed = printed.rpartition("RESULT ")[2].split()
    if int(failed):
        raise SystemExit(f"{failed} requests of {url} were not accepted; the figures mean nothing")
    return Load(float(rate), float(p99))
