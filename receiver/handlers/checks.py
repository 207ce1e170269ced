"""What's wrong with a handler that was found, and with the order that the handlers would run in."""

from __future__ import annotations

import inspect
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from types import FunctionType

from receiver.handlers.contract import Handler
from receiver.orders.states import EVENTS

_KNOWN = tuple(EVENTS.values())


def of_one(function: FunctionType, handler: Handler, found: Mapping[str, Handler]) -> str | None:
    """Return why a marked function can't be a handler; None if it can."""
    if function is not handler.function:
        return f"{handler.name}: @handler must be above its other decorators."
    if found.get(handler.name, handler) is not handler:
        return f"a handler named {handler.name} is there already; rename this one."
    parameters = inspect.signature(handler.function).parameters.values()
    needed = [one for one in parameters if one.kind not in {one.VAR_POSITIONAL, one.VAR_KEYWORD}]
    if len(needed) != 2 or any(one.kind is one.KEYWORD_ONLY for one in needed):
        return f"{handler.name} must be a plain function of two arguments, (order, context)."
    return None


def why_not_yet(handler: Handler) -> str | None:
    """Return why a handler isn't loaded if no event that it names exists, else None."""
    if set(handler.events) & set(_KNOWN):
        return None
    only = ", ".join(handler.events) or "no event at all"
    return f"{handler.name} isn't loaded: it names {only} alone. The events are {', '.join(_KNOWN)}."


def notes(handler: Handler, not_yet: Container[str]) -> Iterator[str]:
    """Yield a sentence if a handler names an event that doesn't exist, or waits for a handler that isn't loaded."""
    others = [name for name in handler.events if name not in _KNOWN]
    if others:
        known = ", ".join(name for name in handler.events if name in _KNOWN)
        yield f"{handler.name} runs on {known}; {', '.join(others)}, which it names too, is no event."
    if handler.after in not_yet:
        yield f"{handler.name} is to run after {handler.after!r}, which isn't loaded; it runs without waiting."


def of_names(found: Mapping[str, Handler], chosen: Sequence[str], not_yet: Container[str]) -> Iterator[str]:
    """Yield a sentence for each name, chosen or waited for, that doesn't run."""
    for name in chosen:
        if name not in found:
            yield f"HANDLERS names {name!r}, which is no handler; see `flask handlers list`."
    for name in sorted(set(chosen) & set(found)):
        after = found[name].after
        if after is not None and after not in not_yet and not (after in chosen and after in found):
            yield f"{name} is to run after {after!r}, which doesn't run; it runs without waiting."


def without_circles(handlers: Sequence[Handler]) -> tuple[list[Handler], list[str]]:
    """Return the handlers, changed so that none wait for each other, and a sentence for each circle of waits."""
    running = {handler.name: handler for handler in handlers}
    said: list[str] = []
    for first in handlers:
        way, awaited = [first], running.get(first.after or "")
        while awaited is not None and awaited not in way:
            way.append(awaited)
            awaited = running.get(awaited.after or "")
        if awaited is first:
            steps = ", ".join(f"{handler.name} after {handler.after}" for handler in way)
            said.append(f"Handlers wait for each other in a circle ({steps}); they run without waiting.")
            running |= {handler.name: replace(handler, after=None) for handler in way}
    return list(running.values()), said
