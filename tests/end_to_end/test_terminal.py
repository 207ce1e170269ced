"""What `make run` starts, in a terminal of its own: it ends with Ctrl-C and with the terminal, and leaves nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from urllib3 import request
from urllib3.exceptions import HTTPError

from tests.end_to_end.processes import ROOT, command_environment
from tests.served import SECRET
from tests.smtp_servers import free_port
from tests.waiting import SOON, wait_for

CTRL_C = b"\x03"
#: Gives the words that follow it a terminal; what it reads is typed there, and the terminal closes when it is killed.
#: Ctrl-C and its end count there, also when the tests run by nohup in the background of a shell, which ignore them.
TERMINAL = """
import pty, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
sys.exit(pty.spawn(sys.argv[1:]))
"""


class Typist:
    """Sits before a terminal in which `flask serve` runs and has said how it is stopped."""

    def __init__(self, terminal: subprocess.Popen[bytes], port: int) -> None:
        self.terminal = terminal
        self.port = port

    def wait_for(self, words: bytes) -> None:
        seen = b""
        while words not in seen:
            read = _pipe(self.terminal.stdout).read(1)
            assert read, seen
            seen += read

    def type(self, keys: bytes) -> None:
        _pipe(self.terminal.stdin).write(keys)
        _pipe(self.terminal.stdin).flush()

    def serves(self) -> bool:
        try:
            return request("GET", f"http://127.0.0.1:{self.port}/healthz", retries=False, timeout=SOON).status == 200
        except HTTPError:
            return False


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream


@contextmanager
def _sitting_before(instance: Path) -> Iterator[Typist]:
    port = free_port()
    command = [sys.executable, "-m", "flask", "serve", "--port", str(port)]
    terminal = subprocess.Popen(
        [sys.executable, "-c", TERMINAL, *command],
        cwd=ROOT,
        env=command_environment(INSTANCE_PATH=instance, SHARED_SECRETS=SECRET),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    with terminal:
        try:
            typist = Typist(terminal, port)
            typist.wait_for(b"Press Ctrl-C to stop.")
            assert typist.serves()
            yield typist
        finally:
            terminal.kill()
    wait_for(lambda: not typist.serves())


@pytest.fixture
def typist(instance: Path) -> Iterator[Typist]:
    with _sitting_before(instance) as sitting:
        yield sitting


def test_ctrl_c_stops_it_at_once(typist: Typist) -> None:
    typist.type(CTRL_C)
    assert typist.terminal.wait(SOON) == 0


def test_it_ends_with_its_terminal(typist: Typist) -> None:
    typist.terminal.send_signal(signal.SIGKILL)
    typist.terminal.wait()
