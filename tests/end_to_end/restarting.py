"""Forks the kit's commands and kills them, as lines of its input ask: all parts are imported once, for all starts."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from flask.cli import cli as flask
from granian.cli import cli as granian

from receiver import create_app

#: Each takes a command's words after its name.
COMMANDS: Mapping[str, Callable[[list[str]], Any]] = {
    "granian": lambda words: granian(words, auto_envvar_prefix="GRANIAN"),
    "flask": flask,
}


def answer_lines() -> None:
    """Answer each line once it's done; the end of the input ends all that was started."""
    create_app()
    started: set[int] = set()
    for line in sys.stdin:
        asked = json.loads(line)
        if "start" in asked:
            pid = _start(**asked["start"])
            started.add(pid)
            _say(pid)
        elif "kill" in asked:
            if asked["kill"] in started:
                started.remove(asked["kill"])
                _kill(asked["kill"])
            _say(None)
        else:
            _say(asked["is_running"] in started and _is_running(asked["is_running"]))
    for pid in started:
        _kill(pid)


def _say(what: Any) -> None:
    sys.stdout.write(f"{json.dumps(what)}\n")
    sys.stdout.flush()


def _is_running(server: int) -> bool:
    return os.waitid(os.P_PID, server, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


def _kill(server: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(server, signal.SIGKILL)
    os.waitpid(server, 0)


def _start(command: Sequence[str], environment: Mapping[str, str], log: str) -> int:
    """Start a command; return its process id, which is also its group's."""
    server = os.fork()
    if server:
        with suppress(PermissionError):  # it has done so itself, and runs already
            os.setpgid(server, server)
        return server
    os.setpgid(0, 0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.clear()
    os.environ.update(environment)
    program, *words = command
    sys.argv = [program, *words]
    COMMANDS[program](words)
    raise SystemExit


if __name__ == "__main__":
    answer_lines()
