"""Commands under a process that holds all their parts ready, so that each is up again a moment after it was killed."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests import unmeasured
from tests.end_to_end.processes import ROOT, Process


class Starter:
    """A process that starts commands and kills them when asked."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "tests.end_to_end.restarting"],
            cwd=ROOT,
            env=unmeasured.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, what: str, of: Any) -> Any:
        """Have one thing done, and return the answer when it is."""
        assert self._popen.stdin
        assert self._popen.stdout
        with self._mutex:
            self._popen.stdin.write(f"{json.dumps({what: of})}\n")
            self._popen.stdin.flush()
            answer = self._popen.stdout.readline()
        assert answer, "what starts the commands has ended"
        return json.loads(answer)

    def close(self) -> None:
        """Kill all that it has started, and end it."""
        self._popen.communicate()


class Restarting(Process):
    """A command that's killed and started again; without a starter it has one of its own."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], log: Path, starter: Starter | None = None
    ) -> None:
        self._start = {"command": list(command), "environment": dict(environment), "log": str(log)}
        self._starter = starter or Starter()
        self._owns_starter = starter is None
        self.start()

    @property
    def is_running(self) -> bool:
        return bool(self._starter.ask("is_running", self._pid))

    @property
    def pid(self) -> int:
        return self._pid

    def start(self) -> None:
        """Start the command, without waiting for anything that it does."""
        self._pid: int = self._starter.ask("start", self._start)

    def kill(self) -> None:
        """End its whole process group with SIGKILL; it's dead when this returns."""
        self._starter.ask("kill", self._pid)

    def end(self) -> None:
        """Leave nothing of it behind."""
        if self._owns_starter:
            self._starter.close()
        else:
            self.kill()
