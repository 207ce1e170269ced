"""The deliberate faults of faults.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple


class Edit(NamedTuple):
    """A text that a file holds exactly once, and what takes its place."""

    file: str
    before: str
    after: str

    def made_in(self, text: str) -> str:
        """Return a file's text with the edit made. Raises ValueError unless what it changes is there exactly once."""
        if (times := text.count(self.before)) != 1:
            raise ValueError(f"{self.file} holds {times} times what the fault changes: {self.before}")
        return text.replace(self.before, self.after)


class Fault(NamedTuple):
    """A fault that somebody could make, and the test that must then fail."""

    name: str
    caught_by: str
    edits: list[Edit]


def _read() -> list[Fault]:
    read = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
    return [
        Fault(fault["name"], fault["caught_by"], [Edit(**edit) for edit in fault["edit"]]) for fault in read["fault"]
    ]


FAULTS = _read()
