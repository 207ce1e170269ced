"""Starts granian whenever a line is read and kills it at the next: its parts are imported once, for all its starts."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

from granian import cli

from receiver import create_app


def start_and_kill_by_turns(arguments: list[str]) -> None:
    """Answer each line when it is done; the end of the input ends the server for good."""
    create_app()
    server: int | None = None
    for _ in sys.stdin:
        if server is None:
            server = _start(arguments)
        else:
            _kill(server)
            server = None
        sys.stdout.write("done\n")
        sys.stdout.flush()
    if server is not None:
        _kill(server)


def _kill(server: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(server, signal.SIGKILL)
    os.waitpid(server, 0)


def _start(arguments: list[str]) -> int:
    """Give the id of the server and of its process group; what it prints goes where this process's errors go."""
    server = os.fork()
    os.setpgid(server, server)
    if server == 0:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        cli.cli(arguments, auto_envvar_prefix="GRANIAN")
    return server


if __name__ == "__main__":
    start_and_kill_by_turns(sys.argv[1:])
