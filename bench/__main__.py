"""Durable accepts per second of POST /orders, as a ratio to an empty Flask route on the same server.

32 connections, granian with 2 processes of 8 threads, rounds interleaved. Needs wrk (Debian: apt install wrk).
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from receiver import signing

ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS = int(os.environ.get("SECONDS", "4"))
PORT = 8765
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
            with _server(worker == "on") as (url, rows):
                empty, _, _ = _load(f"{url}/empty", "warm")
                empty, _, _ = _load(f"{url}/empty", "empty")
                accepts, p99, failed = _load(f"{url}/orders", f"r{number}")
                stored = rows()
            if failed:
                raise SystemExit(f"{failed} requests were not accepted; the figures mean nothing")
            ratios[worker].append(accepts / empty)
            print(f"{worker:15}  {empty:11.0f}  {accepts:9.0f}  {accepts / empty:5.2f}  {p99:6.1f}  {stored}")
    for worker, found in ratios.items():
        print(f"EMBEDDED_WORKER {worker}: ratio {statistics.median(found):.2f} ({min(found):.2f}-{max(found):.2f})")


@contextmanager
def _server(worker: bool) -> Iterator[tuple[str, Callable[[], int]]]:
    """Serve a fresh instance; gives its address and a function that counts its orders."""
    with tempfile.TemporaryDirectory() as folder:
        instance = Path(folder) / "instance"
        environment = os.environ | {
            "RECEIVER_INSTANCE_PATH": str(instance),
            "RECEIVER_SHARED_SECRETS": SECRET,
            "RECEIVER_EMBEDDED_WORKER": str(worker).lower(),
        }
        subprocess.run([sys.executable, "-m", "flask", "init"], env=environment, check=True, stdout=subprocess.DEVNULL)
        options = [
            "--interface",
            "wsgi",
            "--workers",
            "2",
            "--blocking-threads",
            "8",
            "--port",
            str(PORT),
            "--workers-kill-timeout",
            "5",
        ]
        server = subprocess.Popen(
            [sys.executable, "-m", "granian", *options, "--log-level", "error", "bench.app:app"], env=environment
        )
        try:
            url = f"http://127.0.0.1:{PORT}"
            _wait_for(f"{url}/readyz")
            yield url, lambda: _count(environment)
        finally:
            server.terminate()
            server.wait()


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


def _count(environment: dict[str, str]) -> int:
    listed = "import wsgi, sqlalchemy; k = wsgi.app.extensions['receiver'];"
    count = "print(k.database.engine.connect().exec_driver_sql('select count(*) from orders').scalar())"
    code = listed.replace("import wsgi", "import receiver").replace("wsgi.app", "receiver.create_app()") + count
    found = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    return int(found.stdout)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(url) as answer:
            if answer.status == 200:
                return
        time.sleep(0.1)
    raise SystemExit(f"{url} does not answer")


if __name__ == "__main__":
    main()
