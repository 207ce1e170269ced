"""The receiver as processes of its own: started, killed and stopped from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import update
from urllib3.exceptions import HTTPError

from receiver.app.components import Kit
from receiver.storage.models import MailRow, OrderRow
from tests import unmeasured
from tests.served import Served

ROOT = Path(__file__).parents[2]
_START_SECONDS = 60.0
_STOP_SECONDS = 30.0

Result = TypeVar("Result")


def granian(port: int, *, workers: int = 1, app: str = "wsgi:app", log_level: str = "warning") -> list[str]:
    """Make the command of the server that the receiver is deployed with."""
    # A worker that is told to stop while it still loads the app does not hear it; the kill timeout ends it.
    options = ["--interface", "wsgi", "--http", "1", "--blocking-threads", "8", "--workers-kill-timeout", "5"]
    options += ["--access-log", "--respawn-failed-workers"]
    address = ["--host", "127.0.0.1", "--port", str(port), "--workers", str(workers), "--log-level", log_level]
    return ["granian", *options, *address, app]


def gunicorn(port: int, *, workers: int = 2) -> list[str]:
    """Make the command of the other documented server."""
    options = ["--worker-class", "gthread", "--threads", "8", "--workers", str(workers), "--no-control-socket"]
    return ["gunicorn", *options, "--bind", f"127.0.0.1:{port}", "wsgi:app"]


class Process:
    """Is one command in a process group of its own, everything that it prints kept in a file."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def is_running(self) -> bool:
        return self._popen.poll() is None

    @property
    def pid(self) -> int:
        return self._popen.pid

    def kill(self) -> None:
        """End the whole process group with SIGKILL: nothing in it gets to do anything more."""
        with suppress(ProcessLookupError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait()

    def end(self) -> None:
        """Leave nothing of it behind."""
        self.kill()

    def stop(self) -> int:
        """Ask it to end with SIGTERM and give its exit status; raises TimeoutExpired after 30 s."""
        self._popen.terminate()
        return self._popen.wait(_STOP_SECONDS)


class Running(Served):
    """Is an instance served by processes; the test's own kit only reads its database."""

    def __init__(self, port: int, kit: Kit, start: Callable[[], Process], log: Path) -> None:
        super().__init__(f"http://127.0.0.1:{port}", kit)
        self._start = start
        self._log = log
        self.process = start()

    @property
    def log(self) -> str:
        """Give everything that the processes have printed."""
        return self._log.read_text("utf-8", "backslashreplace")

    def restart(self) -> None:
        """Start the same command again, without waiting until it answers."""
        self.process = self._start()

    def let_leases_run_out(self) -> None:
        """Take from all runs of before now their orders and mails, as half a minute of silence would."""
        with self.kit.database.write() as session:
            for model in (OrderRow, MailRow):
                session.execute(update(model).values(lease_token=None, lease_until=None))

    def wait_until_it_answers(self) -> None:
        """Wait until the address is served."""
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            assert self.process.is_running, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.02)

    def _answers(self) -> bool:
        with suppress(HTTPError):
            return self.request("GET", "/healthz").status == 200
        return False


@contextmanager
def running(port: int, kit: Kit, start: Callable[[], Process], log: Path) -> Iterator[Running]:
    """Run a server until the block ends."""
    server = Running(port, kit, start, log)
    try:
        server.wait_until_it_answers()
        yield server
    finally:
        server.process.end()


def at_once(times: int, call: Callable[[int], Result]) -> list[Result]:
    """Make so many calls at the same moment, each in a thread of its own, and give what they returned."""
    barrier = threading.Barrier(times)

    def wait_and_call(number: int) -> Result:
        barrier.wait()
        return call(number)

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(wait_and_call, range(times)))


def command_environment(**settings: Any) -> dict[str, str]:
    """Make the environment of a command: this one's, with these settings."""
    return os.environ | _variables(settings)


def server_environment(**settings: Any) -> dict[str, str]:
    """Make the environment of a server, in which coverage is not measured."""
    return unmeasured.environment() | _variables(settings)


def _variables(settings: Mapping[str, Any]) -> dict[str, str]:
    return {f"RECEIVER_{name}": str(value) for name, value in settings.items()}
