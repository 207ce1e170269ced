"""How many stalled senders keep orders out: ``python -m bench.stalled [SERVER …]`` prints a table.

Before each server as it's deployed, senders stall in the header, in the body, idle after an answer, or after 2.5 MB of
a body, ever more of them, until one of 8 orders isn't answered within `PATIENCE` seconds. Then `SENDERS` in all stall,
a tenth of them in a large body, and 8 others send orders for `SECONDS` seconds, each over a connection of its own as
shops do, and another asks /healthz. `KINDS` chooses where they stall.
"""

from __future__ import annotations

import http.client
import os
import ssl
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from bench.kits import ROOT
from bench.server import GRANIAN, SECRET, serving_at
from bench.stores import Sqlite
from tests import proxies
from tests.stalled_senders import KINDS, LARGE_BODY, StalledSenders

SENDERS = int(os.environ.get("SENDERS", "1000"))
#: Which kinds, with commas between.
_CHOSEN = os.environ.get("KINDS", ",".join((*KINDS, LARGE_BODY))).split(",")
SECONDS = float(os.environ.get("SECONDS", "10"))
PATIENCE = 3.0
_ORDERS = 8
_STEPS = (1, 2, 4, 8, 12, 16, 24, 32, 64, 128, 256, 512)
#: Longest that anything is waited for, in seconds.
_LONGEST = 120.0


class Target(NamedTuple):
    """An address to send to."""

    port: int
    tls: ssl.SSLContext | None = None


class Answers(NamedTuple):
    """How long each answer of 2xx took, and how many requests there were."""

    seconds: list[float]
    sent: int

    def __str__(self) -> str:
        """Return the columns of the table."""
        times = sorted(self.seconds)
        shown = [f"{times[int(len(times) * share)] * 1000:.0f}" if times else "–" for share in (0.5, 0.99)]
        return f"{len(times):,} of {self.sent:,} | {shown[0]} | {shown[1]}"


def main() -> None:
    """Print a line for each server and kind of sender."""
    print(f"{SENDERS:,} senders, patience {PATIENCE:.0f} s, orders for {SECONDS:.0f} s\n")
    print("| server | stalled in | keep orders out | orders answered | p50, ms | p99, ms | /healthz | let in after |")
    print("| :-- | :-- | --: | --: | --: | --: | --: | --: |")
    for name in sys.argv[1:] or _SERVERS:
        for kind in [one for one in (*KINDS, LARGE_BODY) if one in _CHOSEN]:
            with _SERVERS[name]() as target:
                print(f"| {name} | {kind} | {_line(target, kind)} |", flush=True)


def _line(target: Target, kind: str) -> str:
    senders = StalledSenders(target.port, kind, target.tls, patience=PATIENCE)
    most = SENDERS // 10 if kind == LARGE_BODY else SENDERS
    try:
        began = time.monotonic()
        enough = next((str(n) for n in _STEPS if n < most and not _lets_in(target, senders, n)), None)
        senders.stall(most)
        until = time.monotonic() + SECONDS
        with ThreadPoolExecutor(_ORDERS + 1) as pool:
            health = pool.submit(_ask, target, until)
            orders = [
                one for found in pool.map(lambda _: _ask(target, until, order=True), range(_ORDERS)) for one in found
            ]
        enough = enough or (str(most) if None in orders else "none")
        free = "–" if enough == "none" else _free(target, began)
        return f"{enough} | {_answers(orders)} | {str(_answers(health.result())).partition(' | ')[0]} | {free}"
    finally:
        senders.leave()


def _lets_in(target: Target, senders: StalledSenders, number: int) -> bool:
    senders.stall(number)
    with ThreadPoolExecutor(_ORDERS) as pool:
        return None not in pool.map(lambda _: _request(target, order=True), range(_ORDERS))


def _free(target: Target, began: float) -> str:
    """Return after how long 8 orders at once are answered again, while the senders stay."""
    while time.monotonic() < began + _LONGEST:
        with ThreadPoolExecutor(_ORDERS) as pool:
            if None not in pool.map(lambda _: _request(target, order=True), range(_ORDERS)):
                return f"{time.monotonic() - began:.0f} s"
    return f"over {_LONGEST:.0f} s"


def _ask(target: Target, until: float, *, order: bool = False) -> list[float | None]:
    found = []
    while time.monotonic() < until:
        found.append(_request(target, order=order))
    return found


def _request(target: Target, *, order: bool) -> float | None:
    """Send one request, and return after how many seconds it was answered 2xx; None if it wasn't."""
    began = time.monotonic()
    address = ("127.0.0.1", target.port)
    connection = (
        http.client.HTTPSConnection(*address, timeout=PATIENCE, context=target.tls)
        if target.tls
        else http.client.HTTPConnection(*address, timeout=PATIENCE)
    )
    try:
        if order:
            fields = {"order_id": f"{time.monotonic_ns()}-{id(connection)}", "currency": "GBP", "total": "19.99"}
            headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Shared-Secret": SECRET}
            connection.request("POST", "/orders", urlencode(fields), headers)
        else:
            connection.request("GET", "/healthz")
        is_answered = connection.getresponse().status in {200, 202}
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return time.monotonic() - began if is_answered else None


def _answers(found: list[float | None]) -> Answers:
    return Answers([seconds for seconds in found if seconds is not None], len(found))


@contextmanager
def _served(*server: str) -> Iterator[Target]:
    settings = {"EMBEDDED_WORKER": "false", "LOG_LEVEL": "critical"}
    with Sqlite().place() as place, serving_at(place, ROOT, settings, is_logged=False, server=server) as served:
        yield Target(urlsplit(served.url).port or 0)


@contextmanager
def _behind(proxy: Callable[[Path, int], AbstractContextManager[proxies.Proxy]]) -> Iterator[Target]:
    with (
        tempfile.TemporaryDirectory() as folder,
        _served(*GRANIAN) as target,
        proxy(Path(folder), target.port) as found,
    ):
        yield Target(found.port, found.trusts)


_GUNICORN = ("gunicorn", "--workers", "2", "--threads", "8", "--no-control-socket")
_SERVERS: dict[str, Callable[[], AbstractContextManager[Target]]] = {
    "granian": lambda: _served(*GRANIAN),
    "serve": lambda: _served("flask", "--app", "receiver", "serve", "--port={port}"),
    "gunicorn": lambda: _served(*_GUNICORN, "receiver:create_served_app()", "--bind=127.0.0.1:{port}"),
    "nginx": lambda: _behind(proxies.nginx),
    "caddy": lambda: _behind(proxies.caddy),
}

if __name__ == "__main__":
    main()
