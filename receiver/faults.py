"""Say what went wrong and where; an error's own words may hold personal data and never go to the log."""

from __future__ import annotations

import re
from pathlib import Path
from traceback import walk_tb

from receiver.errors import Unavailable

#: Control characters but tab and line feed, the marks that turn the direction of all text after them, surrogates.
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
#: Steps that are named at each end of a long way.
_ENDS = 3
#: The same in the log, which is to name every frame but those of a function that calls itself for ever.
_ENDS_IN_THE_LOG = 20
#: The folder of our own files, and what a folder of installed packages is called.
_OURS = Path(__file__).parent
_PACKAGES = frozenset({"site-packages", "dist-packages"})
#: Letters of an error's own words that are kept beside the way to it.
_LONGEST_WORDS = 300


def place(error: BaseException, file: str | None = None) -> str:
    """Name the file and line that raised an error, or the way there through ``file`` and those beside it, if any.

    A way is ``mine.py, line 12 > line 30 > helper.py, line 4``, outermost first: a traceback without any value.
    """
    frames = _frames(error)
    if not frames:
        return "a place unknown"
    steps = _in_short([frame for frame in frames if _stands_beside(frame[0], file)] or frames[-1:], _ENDS)
    return _written([(Path(name).name, line) for name, line in steps])


def way(error: BaseException, file: str | None = None) -> str:
    """Name each frame of ours, and of ``file`` and those beside it, by path and line, and the one that raised.

    Outermost first, as ``receiver/processing.py, line 160 > instance/handlers/mine.py, line 12``: enough to find a
    fault, and no value of any variable.
    """
    frames = _frames(error)
    if not frames:
        return "a place unknown"
    ours = [frame for frame in frames[:-1] if _is_ours(frame[0]) or _stands_beside(frame[0], file)]
    steps = _in_short([*ours, frames[-1]], _ENDS_IN_THE_LOG)
    return _written([(_path(name), line) for name, line in steps])


def _frames(error: BaseException) -> list[tuple[str, int]]:
    return [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]


def _is_ours(name: str) -> bool:
    return Path(name).is_relative_to(_OURS)


def _path(name: str) -> str:
    """Write a file's path from the kit's folder on, or from that of the installed packages, where it lies in one."""
    path = Path(name)
    if path.is_relative_to(_OURS.parent) and not _PACKAGES.intersection(path.relative_to(_OURS.parent).parts):
        return str(path.relative_to(_OURS.parent))
    above = next((folder for folder in path.parents if folder.name in _PACKAGES), None)
    return str(path.relative_to(above)) if above else name


def _written(steps: list[tuple[str, int]]) -> str:
    names = [name for name, _ in steps]
    named = [f"{name}, " if name != before else "" for before, name in zip(["", *names], names, strict=False)]
    return " > ".join(f"{name}line {line}" if line else "…" for name, (_, line) in zip(named, steps, strict=True))


def _stands_beside(name: str, file: str | None) -> bool:
    """Tell whether a file is this one or lies in its folder or below; where packages lie, only this one does."""
    if file is None or name == file:
        return name == file
    folder = Path(file).parent
    return folder.name not in _PACKAGES and Path(name).is_relative_to(folder)


def _in_short(steps: list[tuple[str, int]], ends: int) -> list[tuple[str, int]]:
    """Put line 0 for the middle of a long way, such as that of a function that calls itself for ever."""
    return steps if len(steps) <= 2 * ends else [*steps[:ends], (steps[ends - 1][0], 0), *steps[-ends:]]


def for_the_log(error: BaseException, file: str | None = None) -> str:
    """Name an error's type and the way to it, and nothing of what it says.

    Of a disk that takes nothing, say our own words.
    """
    if isinstance(error, Unavailable):
        return str(error)
    return f"{type(error).__name__} at {way(error, file)}"


def in_full(error: BaseException, file: str) -> str:
    """Give an error's words, cut, and the way to it through a handler's ``file`` and those beside it."""
    words = in_words(error)
    words = words if len(words) <= _LONGEST_WORDS else f"{words[: _LONGEST_WORDS - 1]}…"
    return f"{words} ({place(error, file)})"


def in_words(error: BaseException) -> str:
    """Give an error's type and its own words, for the merchant's eyes; an error may fail to give any."""
    try:
        words = str(error)
    except BaseException:  # noqa: BLE001 - a merchant's own error may do anything when it is asked
        words = "(its words cannot be read)"
    return f"{type(error).__name__}: {printable(words)}"


def printable(text: str) -> str:
    """Give a text that can be stored and shown: half of a surrogate pair cannot, nor what steers a terminal."""
    return UNPRINTABLE.sub("?", text)
