"""Redis servers of a test's own, which it may kill, freeze and start again; and the machine's, for everything else."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

from tests.smtp_servers import free_port
from tests.waiting import wait_for

#: The machine's own, which every test may use at the same time.
SHARED = "redis://127.0.0.1:6379/0"


class RedisServer:
    """Is a server that keeps nothing on disk."""

    def __init__(self, folder: Path, password: str = "") -> None:
        self.port = free_port()
        self.url = f"redis://{f':{password}@' if password else ''}127.0.0.1:{self.port}/0"
        self._folder = folder
        self._password = password
        self.start()

    def start(self) -> None:
        """Start it, after it was killed too, and wait until it answers."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)]
        options += ["--requirepass", self._password] if self._password else []
        self._process = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
        wait_for(self._answers)

    def kill(self) -> None:
        """End it at once; everything in it is gone."""
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """Have it take connections and answer nothing."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def flush(self) -> None:
        with Redis.from_url(self.url) as client:
            client.flushall()

    def _answers(self) -> bool:
        with suppress(RedisError), Redis.from_url(self.url) as client:
            return bool(client.ping())
        return False


@contextmanager
def redis_server(folder: Path, password: str = "") -> Iterator[RedisServer]:
    """Run a server until the block ends; skips the test where there's no Redis."""
    try:
        server = RedisServer(folder, password)
    except FileNotFoundError:
        pytest.skip("redis-server isn't installed")
    try:
        yield server
    finally:
        server.kill()


def shared_server() -> str:
    """Return the address of the machine's server; skips the test where none answers."""
    try:
        with Redis.from_url(SHARED) as client:
            client.ping()
    except RedisError as error:
        pytest.skip(f"no Redis server answers at {SHARED}: {error}")
    return SHARED
