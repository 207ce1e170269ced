"""Find the handlers: built-ins in order, then instance/handlers/*.py by name, then entry points.

A file whose name begins with ``_`` is none of them; handlers can import it.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import entry_points
from itertools import takewhile
from pathlib import Path
from traceback import extract_tb
from types import FunctionType, MappingProxyType, ModuleType
from typing import Any

from receiver import errors
from receiver.handlers import checks, contract
from receiver.handlers import files as handler_files
from receiver.handlers.contract import MARK, Handler
from receiver.handlers.files import HandlerFiles

BUILT_IN = (
    "receiver.handlers.register_customer",
    "receiver.handlers.email_customer",
    "receiver.handlers.notify_merchant",
    "receiver.handlers.append_csv",
    "receiver.handlers.notify_chat",
    "receiver.handlers.forward",
)
#: Handlers that run only once a setting of theirs is given, or when HANDLERS names them.
SWITCHED_BY = {"append_csv": "CSV_FILE", "notify_chat": "CHAT_URL", "forward": "FORWARD_URLS"}
ENTRY_POINT_GROUP = "receiver.handlers"
#: What loads a file, and so has a part in the way to its errors.
_LOADERS = frozenset({__file__, handler_files.__file__, importlib.__file__})


@dataclass(frozen=True)
class Registry:
    """Holds the handlers in the order they run, and one sentence for each that could not be taken."""

    handlers: tuple[Handler, ...]
    problems: tuple[str, ...]
    #: The same without any error's own words, which may hold a secret.
    problems_for_the_log: tuple[str, ...] = ()
    #: Those that were found, but which HANDLERS leaves out, or whose setting is not given.
    left_out: tuple[Handler, ...] = ()
    #: Those whose events do not come yet, and a sentence that says so of each.
    not_loaded: tuple[tuple[Handler, str], ...] = ()
    #: A sentence for each that runs, but names events too that do not come yet.
    notes: tuple[str, ...] = ()
    #: The merchant's files, as they were loaded.
    files: HandlerFiles | None = field(default=None, repr=False)

    @property
    def not_yet(self) -> tuple[str, ...]:
        """Give a sentence for each handler whose events do not come yet."""
        return tuple(reason for _, reason in self.not_loaded)

    def found(self) -> tuple[Handler, ...]:
        """Give all that were found, also those that do not run."""
        return (*self.handlers, *self.left_out, *(handler for handler, _ in self.not_loaded))

    def get(self, name: str) -> Handler | None:
        """Find a handler by its name."""
        return next((found for found in self.handlers if found.name == name), None)


def load(instance: Path, chosen: Sequence[str] = (), settings: Mapping[str, Any] = MappingProxyType({})) -> Registry:
    """Find all handlers, or the ``chosen`` names in their order; a broken one is named and stops no other.

    Without chosen ones, those with a setting of their own are left out while ``settings`` gives it no value.
    """
    files = HandlerFiles(instance / "handlers")
    found: dict[str, Handler] = {}
    not_yet: dict[str, str] = {}
    problems: list[str] = []
    broken: dict[str, str] = {}
    for place, bring in _places(files):
        try:
            marked = _marked(bring())
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a merchant's file may fail in any way
            problems.append(f"{place} cannot be loaded: {_where(error, errors.describe(error), place)}.")
            broken[problems[-1]] = f"{place} cannot be loaded: {_where(error, type(error).__name__, place)}."
            continue
        if not marked:
            problems.append(f"{place} has no function marked with @handler.")
        for function in marked:
            handler: Handler = getattr(function, MARK)
            problem = checks.of_one(function, handler, found)
            if problem:
                problems.append(f"{place}: {problem}")
                continue
            found[handler.name] = handler
            if reason := checks.why_not_yet(handler):
                not_yet[handler.name] = f"{place}: {reason}"
    not_loaded = tuple((found.pop(name), reason) for name, reason in not_yet.items())
    chosen = chosen or [name for name in found if name not in SWITCHED_BY or settings.get(SWITCHED_BY[name])]
    chosen = [name for name in chosen if name not in not_yet]
    problems += checks.of_names(found, chosen)
    kept = [found[name] for name in chosen if name in found]
    circles = list(checks.circles(kept))
    problems += [checks.of_circle(circle) for circle in circles]
    in_circles = {handler.name for circle in circles for handler in circle}
    kept = [replace(handler, after=None) if handler.name in in_circles else handler for handler in kept]
    left_out = [handler for name, handler in found.items() if name not in chosen]
    for_the_log = tuple(broken.get(problem, problem) for problem in problems)
    return Registry(
        tuple(kept),
        tuple(problems),
        problems_for_the_log=for_the_log,
        left_out=tuple(left_out),
        not_loaded=not_loaded,
        notes=tuple(note for handler in kept if (note := checks.note(handler))),
        files=files,
    )


def _places(files: HandlerFiles) -> Iterator[tuple[str, Callable[[], ModuleType]]]:
    for name in BUILT_IN:
        yield name, lambda name=name: importlib.import_module(name)  # type: ignore[misc]
    try:
        paths = files.handlers()
    except OSError as error:
        yield str(files.folder), partial(_raise, error)
        paths = []
    for path in paths:
        yield str(path), partial(files.load, path)
    for entry in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda entry: entry.name):
        yield f"entry point {entry.name}", lambda entry=entry: importlib.import_module(entry.module)  # type: ignore[misc]


def _raise(error: Exception) -> ModuleType:
    raise error


def _marked(module: ModuleType) -> list[FunctionType]:
    functions = filter(inspect.isfunction, vars(module).values())
    return [one for one in functions if one.__module__ == module.__name__ and hasattr(one, MARK)]


def _where(error: BaseException, words: str, place: str) -> str:
    """Name the line that an error comes from, and its file unless that is the one at ``place``, which is named."""
    if isinstance(error, SyntaxError):
        shared = error.filename if error.filename and error.filename != place else ""
        of_which = f" of {Path(shared).name}" if shared else ""
        return f"line {error.lineno}{of_which}: {error.msg}" if error.lineno else error.msg
    steps = takewhile(lambda frame: frame.filename != contract.__file__, extract_tb(error.__traceback__))
    files = [step for step in steps if not step.filename.startswith("<") and step.filename not in _LOADERS]
    if not files:
        return words  # Python itself could not read the file
    return f"line {files[-1].lineno} of {Path(files[-1].filename).name}: {words}"
