"""How soon orders are answered, at all times and while another program keeps the database locked.

64 senders, each with a connection of its own and the next order as soon as the last is answered, for `SECONDS`
seconds with the database free and as long with it locked; granian with 2 processes of 8 threads.
"""

from __future__ import annotations

import http.client
import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from bench.kits import ROOT, MeasuredKit
from bench.server import SECRET, serving
from bench.stores import Sqlite
from receiver.storage import sqlite

SENDERS = int(os.environ.get("SENDERS", "64"))
SECONDS = float(os.environ.get("SECONDS", "10"))
#: A shop hangs up at about 5 s; it is to have heard by then, whatever there is to say.
LIMIT = 3.0


def main() -> None:
    """Print a line for the free database and one for the locked one; fails when either answer comes too late."""
    print(f"answers to {SENDERS} senders, granian 2 processes x 8 threads")
    print("database  answers  statuses                  p50 s  p99.9 s  longest s")
    with serving(MeasuredKit("kit", Sqlite(), ROOT), is_logged=False) as served:
        late = [_measure(served.url, "free")]
        with closing(sqlite.driver.connect(Path(str(served.engine.url.database)))) as foreign:
            foreign.execute("BEGIN IMMEDIATE")
            late.append(_measure(served.url, "locked"))
    if any(late):
        raise SystemExit(f"answers came later than {LIMIT} s")


def _measure(url: str, named: str) -> bool:
    """Measure and print one line; gives whether p99.9 is over the limit."""
    until = time.monotonic() + SECONDS
    with ThreadPoolExecutor(SENDERS) as pool:
        answers = [one for found in pool.map(lambda number: _send(url, number, until), range(SENDERS)) for one in found]
    times = sorted(seconds for _, seconds in answers)
    p999 = times[min(int(len(times) * 0.999), len(times) - 1)]
    statuses = ", ".join(f"{status}: {count}" for status, count in sorted(Counter(s for s, _ in answers).items()))
    print(f"{named:8}  {len(times):7}  {statuses:24}  {times[len(times) // 2]:5.2f}  {p999:7.2f}  {times[-1]:9.2f}")
    return p999 > LIMIT


def _send(url: str, sender: int, until: float) -> list[tuple[int, float]]:
    """Post order after order; gives each answer's status and how many seconds it took."""
    found: list[tuple[int, float]] = []
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Shared-Secret": SECRET}
    with closing(http.client.HTTPConnection(urlsplit(url).netloc)) as connection:
        while time.monotonic() < until:
            order = {"order_id": f"{until:.0f}-{sender}-{len(found)}", "currency": "GBP", "total": "19.99"}
            started = time.monotonic()
            connection.request("POST", "/orders", urlencode(order), headers)
            answer = connection.getresponse()
            answer.read()
            found.append((answer.status, time.monotonic() - started))
    return found


if __name__ == "__main__":
    main()
