"""A kit that serves a fresh place as in production: granian with 2 processes of 8 threads."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine, text

from bench.kits import MeasuredKit
from bench.stores import Place
from receiver.security import signing

PASSWORD = "the password of the bench"
SECRET = signing.new_secret()
SECRET_KEY = "the secret key of the bench, the same for places that are kept"
_PROCESSES = 2
#: What follows ``python -m``.
GRANIAN = (
    *("granian", "--interface", "wsgi", "--http", "1", "--log-level", "error"),
    *("--workers", str(_PROCESSES), "--blocking-threads", "8", "--backpressure", "8192"),
    *("--workers-kill-timeout", "5", "--factory", "receiver:create_served_app", "--port={port}"),
)


class Served(NamedTuple):
    """A kit that serves."""

    url: str
    engine: Engine
    instance: Path
    process: int
    #: How long it took until it answered 2xx.
    start_seconds: float

    def number(self, select: str) -> int:
        """Return the number that a SELECT finds."""
        with self.engine.connect() as connection:
            return int(connection.scalar(text(select)) or 0)

    def megabytes(self) -> float:
        """Return the memory in RAM of the larger process that serves, shared libraries included."""
        return max(resident_bytes(process) for process in self._serving) / 1e6

    def seconds(self) -> float:
        """Return the processor seconds that all its processes have taken since they began."""
        # Linux numbers the clock of a process so; /proc counts whole hundredths, too coarse for one at rest.
        return sum(time.clock_gettime(~process << 3 | 2) for process in (self.process, *self._serving))

    @property
    def _serving(self) -> list[int]:
        """The processes below the one that only looks after them."""
        return children_of(self.process)


@contextmanager
def serving(kit: MeasuredKit, settings: Mapping[str, str] | None = None, *, is_logged: bool = True) -> Iterator[Served]:
    """Serve a kit with these settings, at an empty place."""
    with kit.store.place() as place, serving_at(place, kit.code, settings or {}, is_logged=is_logged) as served:
        yield served


@contextmanager
def serving_at(
    place: Place,
    code: Path,
    settings: Mapping[str, str],
    *,
    handlers: Mapping[str, str] | None = None,
    is_logged: bool = True,
    server: Sequence[str] = GRANIAN,
) -> Iterator[Served]:
    """Serve a kit's code at a place, by an instance of its own with handlers by their files' names."""
    with tempfile.TemporaryDirectory() as folder:
        instance = Path(folder) / "instance"
        (instance / "handlers").mkdir(mode=0o700, parents=True)
        for name, text in (handlers or {}).items():
            (instance / "handlers" / name).write_text(text, "utf-8")
        ours = {
            "INSTANCE_PATH": str(instance),
            "ADMIN_PASSWORD": PASSWORD,
            "SECRET_KEY": SECRET_KEY,
            "SHARED_SECRETS": SECRET,
            "LOG_LEVEL": "error",
            **place.settings,
            **settings,
        }
        environment = os.environ | {f"RECEIVER_{name}": value for name, value in ours.items()}
        init = [sys.executable, "-m", "flask", "--app", "receiver", "init"]
        subprocess.run(init, env=environment, cwd=code, check=True, stdout=subprocess.DEVNULL)
        port = free_port()
        started = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", *(word.format(port=port) for word in server)],
            env=environment,
            cwd=code,
            stdout=None if is_logged else subprocess.DEVNULL,
            stderr=None if is_logged else subprocess.DEVNULL,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(f"{url}/readyz")
            yield Served(url, place.engine, instance, process.pid, time.monotonic() - started)
        finally:
            process.terminate()
            process.wait()


def children_of(process: int) -> list[int]:
    """Return the processes that a process has begun."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text("ascii")
    return [int(child) for child in children.split()]


def resident_bytes(process: int) -> int:
    """Return how much of a process is in RAM, shared libraries included."""
    found = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text("ascii"), re.MULTILINE)
    assert found is not None, "a process that has ended has no memory"
    return int(found[1]) * 1024


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def wait_for(url: str, *, method: str = "GET") -> None:
    """Wait until an address answers 200."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(urllib.request.Request(url, method=method)) as answer:
            if answer.status == 200:
                return
        time.sleep(0.01)
    raise SystemExit(f"{url} does not answer")
