"""Find what extends the kit: built-in modules in order, then a folder's files by name, then entry points.

The one door of handlers, registrars and kinds of source. A file whose name begins with ``_`` is loaded only when one
of them imports it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import entry_points
from itertools import takewhile
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Any

from receiver import errors
from receiver.settings import instance_files
from receiver.settings.instance_files import InstanceFiles

#: What loads a file, and so is on the way to its errors.
_LOADERS = frozenset({__file__, instance_files.__file__, importlib.__file__})


@dataclass(frozen=True)
class Door:
    """One kind of extension: where its built-in ones are, and how one is recognised."""

    #: Name of the folder in the instance; the entry points' group is ``receiver.NAME``.
    name: str
    #: Modules, in order.
    built_in: tuple[str, ...]
    #: What marks one, such as ``@handler``, the attribute that it leaves, and the file that it's defined in.
    decorator: str
    mark: str
    file: str


@dataclass(frozen=True)
class Loaded:
    """One place that was looked at: a module, a file or an entry point."""

    place: str
    #: The functions or classes of it that are marked.
    marked: tuple[Any, ...] = ()
    #: Why it couldn't be taken.
    problem: str | None = None
    #: The same without any error's own words, which may hold a secret.
    problem_for_the_log: str | None = None


def load(door: Door, files: InstanceFiles) -> Iterator[Loaded]:
    """Load each place of one kind of extension; a broken one is named and stops no other."""
    for place, bring in _places(door, files):
        try:
            marked = tuple(_marked(bring(), door.mark))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a merchant's file may fail in any way
            words = errors.describe(error), type(error).__name__
            yield Loaded(place, (), *(f"{place} cannot be loaded: {_where(error, one, place, door)}." for one in words))
        else:
            yield Loaded(place, marked, None if marked else f"{place} has nothing marked with {door.decorator}.")


def by_name(door: Door, files: InstanceFiles) -> tuple[dict[str, Any], list[str]]:
    """Return what the marks hold by their name, and a sentence for each that couldn't be taken; the first one wins."""
    found: dict[str, Any] = {}
    problems: list[str] = []
    for loaded in load(door, files):
        problems += [loaded.problem] if loaded.problem else []
        for held in (getattr(marked, door.mark) for marked in loaded.marked):
            if held.name in found:
                problems.append(f"{loaded.place}: {door.decorator} {held.name!r} is there already; rename this one.")
            found.setdefault(held.name, held)
    return found, problems


def _places(door: Door, files: InstanceFiles) -> Iterator[tuple[str, Callable[[], ModuleType]]]:
    for name in door.built_in:
        yield name, partial(importlib.import_module, name)
    try:
        paths = files.listed()
    except OSError as error:
        yield str(files.folder), partial(_raise, error)
        paths = []
    for path in paths:
        yield str(path), partial(files.load, path)
    for entry in sorted(entry_points(group=f"receiver.{door.name}"), key=lambda entry: entry.name):
        yield f"entry point {entry.name}", partial(importlib.import_module, entry.module)


def _raise(error: Exception) -> ModuleType:
    raise error


def _marked(module: ModuleType, mark: str) -> list[Any]:
    """Return what's marked in the module itself, and not what it imports or what only inherits a mark."""
    own = (one for one in vars(module).values() if getattr(one, "__module__", None) == module.__name__)
    return [one for one in own if mark in getattr(one, "__dict__", ())]


def _where(error: BaseException, words: str, place: str, door: Door) -> str:
    """Name the line that an error comes from, and its file unless that is the one at ``place``, which is named."""
    if isinstance(error, SyntaxError):
        shared = error.filename if error.filename and error.filename != place else ""
        of_which = f" of {Path(shared).name}" if shared else ""
        return f"line {error.lineno}{of_which}: {error.msg}" if error.lineno else error.msg
    steps = takewhile(lambda frame: frame.filename != door.file, extract_tb(error.__traceback__))
    files = [step for step in steps if not step.filename.startswith("<") and step.filename not in _LOADERS]
    if not files:
        return words  # Python itself could not read the file
    return f"line {files[-1].lineno} of {Path(files[-1].filename).name}: {words}"
