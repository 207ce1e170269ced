"""Say what went wrong and where; an error's own words may hold personal data and never go to the log."""

from __future__ import annotations

from pathlib import Path
from traceback import walk_tb

from receiver.errors import Unavailable


def place(error: BaseException, file: str | None = None) -> str:
    """Name the file and line that raised an error, or the last line of ``file`` on the way there, if there is one."""
    frames = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
    if not frames:
        return "a place unknown"
    name, line = next((frame for frame in reversed(frames) if frame[0] == file), frames[-1])
    return f"{Path(name).name}, line {line}"


def for_the_log(error: BaseException) -> str:
    """Name an error's type and place, and nothing of what it says; of a disk that takes nothing, say our own words."""
    if isinstance(error, Unavailable):
        return str(error)
    return f"{type(error).__name__} at {place(error)}"


def in_words(error: BaseException) -> str:
    """Give an error's type and its own words, for the merchant's eyes; an error may fail to give any."""
    try:
        words = str(error)
    except BaseException:  # noqa: BLE001 - a merchant's own error may do anything when it is asked
        words = "(its words cannot be read)"
    return f"{type(error).__name__}: {printable(words)}"


def printable(text: str) -> str:
    """Give a text that can be stored and shown: half of a surrogate pair cannot."""
    return text.encode("utf-8", "replace").decode()
