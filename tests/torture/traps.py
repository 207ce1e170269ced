"""Traps for a process: a file that one of its threads takes when it comes to a certain point, where it then waits."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from tests.waiting import wait_for


class Trap:
    """A point of one process. Its file says what's to happen there; it's renamed by the thread that takes it."""

    def __init__(self, folder: Path, point: str, process: str) -> None:
        self._set = folder / f"{point}-{process}"
        self._taken = folder / f"{point}-{process}.taken"

    def set(self, order: str) -> None:
        """Have the next thread that comes by do something."""
        self._taken.unlink(missing_ok=True)
        new = self._set.with_suffix(".new")
        new.write_text(order, "ascii")
        new.rename(self._set)

    def take(self) -> str | None:
        """Return what's to be done if this thread is the one to do it."""
        with suppress(FileNotFoundError):
            self._set.rename(self._taken)
            return self._taken.read_text("ascii")
        return None

    def wait(self) -> None:
        """Wait until a thread is in it."""
        wait_for(self._taken.exists)

    @property
    def done(self) -> Path:
        """The file that's there once the thread has passed the point."""
        return self._taken.with_suffix(".done")
