"""Redis servers of a test's own, which it may kill, freeze and start again; and the machine's, for everything else."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from redis import Redis
from redis.exceptions import RedisError

from tests.certificates import issue
from tests.smtp_servers import free_port
from tests.waiting import wait_for

#: The machine's own, which every test may use at the same time.
SHARED = "redis://127.0.0.1:6379/0"


class RedisServer:
    """Is a server that keeps nothing on disk; with ``tls`` it has a certificate of ``root.pem`` in its folder."""

    def __init__(self, folder: Path, password: str = "", *, tls: bool = False) -> None:
        self.port = free_port()
        address = f"{f':{password}@' if password else ''}{'localhost' if tls else '127.0.0.1'}:{self.port}/0"
        self.url = f"{'rediss' if tls else 'redis'}://{address}"
        self._options = ["--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        self._options += ["--requirepass", password] if password else []
        self._options += _with_tls(folder, self.port) if tls else ["--port", str(self.port)]
        self.start()

    def start(self) -> None:
        """Start it, after it was killed too, and wait until it answers."""
        self._process = subprocess.Popen(["redis-server", *self._options], stdout=subprocess.DEVNULL)
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
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.close()
            return True
        return False


def _with_tls(folder: Path, port: int) -> list[str]:
    """Return the options of a server that speaks TLS alone, and write its certificate."""
    root = issue("root", is_ca=True)
    own = issue("localhost", root)
    key = own.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for name, content in (("root.pem", root.pem), ("own.pem", own.pem), ("own.key", key)):
        (folder / name).write_bytes(content)
    files = ("--tls-cert-file", "own.pem", "--tls-key-file", "own.key", "--tls-ca-cert-file", "root.pem")
    paths = [str(folder / word) if word.startswith(("own", "root")) else word for word in files]
    return ["--port", "0", "--tls-port", str(port), "--tls-auth-clients", "no", *paths]


@contextmanager
def redis_server(folder: Path, password: str = "", *, tls: bool = False) -> Iterator[RedisServer]:
    """Run a server until the block ends; skips the test where there's no Redis."""
    try:
        server = RedisServer(folder, password, tls=tls)
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
