"""What is wrong with a handler that was found, and with the order in which those that were found would run."""

from __future__ import annotations

import inspect
from collections.abc import Container, Iterator, Mapping, Sequence
from types import FunctionType

from receiver.handlers.contract import EVENTS, Handler


def of_one(function: FunctionType, handler: Handler, found: Mapping[str, Handler]) -> str | None:
    """Return why a marked function can't be a handler; None when it can."""
    if function is not handler.function:
        return f"{handler.name}: @handler must stand above its other decorators."
    if found.get(handler.name, handler) is not handler:
        return f"a handler named {handler.name} is there already; rename this one."
    parameters = inspect.signature(handler.function).parameters.values()
    needed = [one for one in parameters if one.kind not in {one.VAR_POSITIONAL, one.VAR_KEYWORD}]
    if len(needed) != 2 or any(one.kind is one.KEYWORD_ONLY for one in needed):
        return f"{handler.name} must be a plain function of two arguments, (order, context)."
    return None


def why_not_yet(handler: Handler) -> str | None:
    """Return why no order is for this handler yet, because of its events; None when some are."""
    if set(handler.events) & set(EVENTS):
        return None
    only = ", ".join(handler.events) or "no event at all"
    return f"{handler.name} is not loaded: it names {only} alone, and the only event that comes so far is {EVENTS[0]}."


def notes(handler: Handler, not_yet: Container[str]) -> Iterator[str]:
    """Name what of a handler does not come yet: events beside one that does, or the handler that it waits for."""
    others = [name for name in handler.events if name not in EVENTS]
    if others:
        yield f"{handler.name} runs on {EVENTS[0]}; {', '.join(others)}, which it names too, does not come so far."
    if handler.after in not_yet:
        yield f"{handler.name} is to run after {handler.after!r}, which is not loaded; it runs without waiting."


def of_names(found: Mapping[str, Handler], chosen: Sequence[str], not_yet: Container[str]) -> list[str]:
    """Yield a sentence for each name, chosen or waited for, that doesn't run."""
    problems = [
        f"HANDLERS names {name!r}, which is no handler; see `flask handlers list`."
        for name in chosen
        if name not in found
    ]
    running = set(chosen) & set(found)
    problems += [
        f"{found[name].name} is to run after {found[name].after!r}, which does not run; it runs without waiting."
        for name in sorted(running)
        if found[name].after is not None and found[name].after not in running and found[name].after not in not_yet
    ]
    return problems


def circles(handlers: Sequence[Handler]) -> Iterator[list[Handler]]:
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


def of_circle(circle: Sequence[Handler]) -> str:
    """Yield a sentence for each circle of handlers that wait for each other."""
    steps = ", ".join(f"{handler.name} after {handler.after}" for handler in circle)
    return f"Handlers wait for each other in a circle ({steps}); they run without waiting."
