"""Durable accepts per second of POST /orders, as a ratio to an empty Flask route on the same server.

32 connections, granian with 2 processes of 8 threads, rounds interleaved. Needs wrk (Debian: apt install wrk).
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
from pathlib import Path

from sqlalchemy import func, select

from bench.server import serving
from receiver.app.components import Kit
from receiver.security import signing
from receiver.storage.models import OrderRow

ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS = int(os.environ.get("SECONDS", "4"))
SECRET = signing.new_secret()


def main() -> None:
    """Run all rounds and print the table."""
    if not shutil.which("wrk"):
        raise SystemExit("make bench needs wrk (Debian: apt install wrk)")
    ratios: dict[str, list[float]] = {"off": [], "on": []}
    print(f"{ROUNDS} rounds of {SECONDS} s, 32 connections, granian 2 processes x 8 threads")
    print("EMBEDDED_WORKER  empty req/s  accepts/s  ratio  p99 ms  rows")
    for number in range(ROUNDS):
        for worker in ratios:
            with serving(SHARED_SECRETS=SECRET, EMBEDDED_WORKER=str(worker == "on").lower()) as (url, kit):
                _load(f"{url}/empty", "warm")
                empty, _, _ = _load(f"{url}/empty", "empty")
                _load(f"{url}/orders", "warm")
                accepts, p99, failed = _load(f"{url}/orders", f"r{number}")
                stored = _count(kit)
            if failed:
                raise SystemExit(f"{failed} requests were not accepted; the figures mean nothing")
            ratios[worker].append(accepts / empty)
            print(f"{worker:15}  {empty:11.0f}  {accepts:9.0f}  {accepts / empty:5.2f}  {p99:6.1f}  {stored}")
    for worker, found in ratios.items():
        print(f"EMBEDDED_WORKER {worker}: ratio {statistics.median(found):.2f} ({min(found):.2f}-{max(found):.2f})")


def _load(url: str, run: str) -> tuple[float, float, int]:
    """Load one address; gives requests a second, p99 in ms and the number of answers that were not 2xx."""
    printed = subprocess.run(
        ["wrk", "-t1", "-c32", f"-d{SECONDS}s", "-s", str(Path(__file__).with_name("orders.lua")), url],
        env=os.environ | {"BENCH_SECRET": SECRET, "BENCH_RUN": run},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    rate, p99, failed = printed.rpartition("RESULT ")[2].split()
    return float(rate), float(p99), int(failed)


def _count(kit: Kit) -> int:
    with kit.database.read() as session:
        return session.scalar(select(func.count(OrderRow.id))) or 0
