"""Receivers to copy for your own server: a small file per language that verifies an order and prints its id."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

_FOLDER = Path(__file__).parent


class Example(NamedTuple):
    """One receiver to copy."""

    language: str
    file_name: str
    #: The line that starts it.
    command: str

    @property
    def code(self) -> str:
        """The file's text."""
        return (_FOLDER / self.file_name).read_text("utf-8")


EXAMPLES = (
    Example("Python", "receiver.py", "ORDER_SECRET='whsec_…' python3 receiver.py 8001"),
    Example("PHP", "receiver.php", "ORDER_SECRET='whsec_…' php -S 127.0.0.1:8001 receiver.php"),
    Example("Node.js", "receiver.js", "ORDER_SECRET='whsec_…' node receiver.js 8001"),
)
