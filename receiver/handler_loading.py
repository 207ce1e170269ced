"""Find the handlers: built-ins in order, then instance/handlers/*.py by name, then entry points.

A file whose name begins with ``_`` is none of them.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import entry_points
from itertools import takewhile
from pathlib import Path
from traceback import extract_tb
from types import FunctionType, MappingProxyType, ModuleType
from typing import Any

from receiver import faults, handlers
from receiver.handlers import MARK, Handler

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


@dataclass(frozen=True)
class Registry:
    """Holds the handlers in the order they run, and one sentence for each that could not be taken."""

    handlers: tuple[Handler, ...]
    problems: tuple[str, ...]
    #: The same without any error's own words, which may hold a secret.
    problems_for_the_log: tuple[str, ...] = ()
    #: Those that were found, but which HANDLERS leaves out, or whose setting is not given.
    left_out: tuple[Handler, ...] = ()

    def get(self, name: str) -> Handler | None:
        """Find a handler by its name."""
        return next((found for found in self.handlers if found.name == name), None)


def load(instance: Path, chosen: Sequence[str] = (), settings: Mapping[str, Any] = MappingProxyType({})) -> Registry:
    """Find all handlers, or the ``chosen`` names in their order; a broken one is named and stops no other.

    Without chosen ones, those with a setting of their own are left out while ``settings`` gives it no value.
    """
    found: dict[str, Handler] = {}
    problems: list[str] = []
    broken: dict[str, str] = {}
    for place, bring in _places(instance):
        try:
            marked = _marked(bring())
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a merchant's file may fail in any way
            problems.append(f"{place} cannot be loaded: {_where(error, faults.in_words(error))}.")
            broken[problems[-1]] = f"{place} cannot be loaded: {_where(error, type(error).__name__)}."
            continue
        if not marked:
            problems.append(f"{place} has no function marked with @handler.")
        for function in marked:
            handler: Handler = getattr(function, MARK)
            problem = _problem(function, handler, found)
            if problem:
                problems.append(f"{place}: {problem}")
            else:
                found[handler.name] = handler
    chosen = chosen or [name for name in found if name not in SWITCHED_BY or settings.get(SWITCHED_BY[name])]
    problems += _unknown_names(found, chosen)
    kept = [found[name] for name in chosen if name in found]
    circles = list(_circles(kept))
    problems += [_told(circle) for circle in circles]
    in_circles = {handler.name for circle in circles for handler in circle}
    kept = [replace(handler, after=None) if handler.name in in_circles else handler for handler in kept]
    left_out = [handler for name, handler in found.items() if name not in chosen]
    for_the_log = tuple(broken.get(problem, problem) for problem in problems)
    return Registry(tuple(kept), tuple(problems), problems_for_the_log=for_the_log, left_out=tuple(left_out))


def _places(instance: Path) -> Iterator[tuple[str, Callable[[], ModuleType]]]:
    for name in BUILT_IN:
        yield name, lambda name=name: importlib.import_module(name)  # type: ignore[misc]
    folder = instance / "handlers"
    try:
        paths = sorted(folder.glob("[!_]*.py"))
    except OSError as error:
        yield str(folder), partial(_raise, error)
        paths = []
    for path in paths:
        yield str(path), partial(_from_file, path)
    for entry in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda entry: entry.name):
        yield f"entry point {entry.name}", lambda entry=entry: importlib.import_module(entry.module)  # type: ignore[misc]


def _raise(error: Exception) -> ModuleType:
    raise error


def _from_file(path: Path) -> ModuleType:
    name = f"instance_handlers_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _marked(module: ModuleType) -> list[FunctionType]:
    functions = filter(inspect.isfunction, vars(module).values())
    return [one for one in functions if one.__module__ == module.__name__ and hasattr(one, MARK)]


def _problem(function: FunctionType, handler: Handler, found: dict[str, Handler]) -> str | None:
    if function is not handler.function:
        return f"{handler.name}: @handler must stand above its other decorators."
    if found.get(handler.name, handler) is not handler:
        return f"a handler named {handler.name} is there already; rename this one."
    parameters = inspect.signature(handler.function).parameters.values()
    needed = [one for one in parameters if one.kind not in {one.VAR_POSITIONAL, one.VAR_KEYWORD}]
    if len(needed) != 2 or any(one.kind is one.KEYWORD_ONLY for one in needed):
        return f"{handler.name} must be a plain function of two arguments, (order, context)."
    return None


def _unknown_names(found: dict[str, Handler], chosen: Sequence[str]) -> list[str]:
    problems = [
        f"HANDLERS names {name!r}, which is no handler; see `flask handlers list`."
        for name in chosen
        if name not in found
    ]
    running = set(chosen) & set(found)
    problems += [
        f"{found[name].name} is to run after {found[name].after!r}, which does not run; it runs without waiting."
        for name in sorted(running)
        if found[name].after is not None and found[name].after not in running
    ]
    return problems


def _circles(handlers: Sequence[Handler]) -> Iterator[list[Handler]]:
    """Find the handlers that wait for each other, or one for itself; each circle begins with the first that runs."""
    running = {handler.name: handler for handler in handlers}
    seen: set[str] = set()
    for handler in handlers:
        way: list[Handler] = []
        awaited: Handler | None = handler
        while awaited is not None and awaited.name not in seen:
            seen.add(awaited.name)
            way.append(awaited)
            awaited = running.get(awaited.after or "")
        if awaited in way:
            yield way[way.index(awaited) :]


def _told(circle: Sequence[Handler]) -> str:
    steps = ", ".join(f"{handler.name} after {handler.after}" for handler in circle)
    return f"Handlers wait for each other in a circle ({steps}); they run without waiting."


def _where(error: BaseException, words: str) -> str:
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {error.msg}" if error.lineno else error.msg
    *_, last = takewhile(lambda frame: frame.filename != handlers.__file__, extract_tb(error.__traceback__))
    if last.filename.startswith("<"):
        return words  # Python itself could not read the file
    return f"line {last.lineno} of {Path(last.filename).name}: {words}"
