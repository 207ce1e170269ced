"""The contract between the kit and a handler: the decorator and what a handler may raise.

What you write is one function: ``def name(order, context)``, marked with ``@handler``, in a file of
``instance/handlers/``. Copy ``register_customer.py`` or an example of the recipes to start.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar, overload

from pydantic import BaseModel

from receiver.handlers.context import Context
from receiver.orders import Order

#: The events that come; an order of any other is ignored, and no handler runs on it.
EVENTS = ("order.completed",)

HandlerFunction = Callable[[Order, Context], Any]
Function = TypeVar("Function", bound=HandlerFunction)

#: Attribute of a marked function that holds its Handler.
MARK = "__order_handler__"


class Skip(Exception):
    """Raised by a handler that has nothing to do for this order.

    Raise it: the handler is finished as *skipped*, nothing it did is kept, and the reason is shown in the console.
    Raises TypeError for a reason that is no text.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        #: Shown in console and self test.
        self.reason = _checked_reason("Skip", reason)


class RetryLater(Exception):
    """Raised by a handler to be tried again ``after`` a time, or by the retry schedule.

    Raise it: the attempt counts as failed, nothing it did is kept, and the reason is shown in the console. Neither
    makes more attempts than ``retries`` allows. Raises TypeError for a reason that is no text and for an ``after``
    that is no timedelta.
    """

    def __init__(self, reason: str = "asked to be tried again", *, after: timedelta | None = None) -> None:
        super().__init__(reason)
        if after is not None and not isinstance(after, timedelta):
            raise TypeError(f"RetryLater: after must be a timedelta, not {after!r}")
        #: Shown in console and self test.
        self.reason = _checked_reason("RetryLater", reason)
        self.after = after


def _checked_reason(whose: str, reason: object) -> str:
    if not isinstance(reason, str):
        raise TypeError(f"{whose}: its reason must be text, not {reason!r}")
    return reason


@dataclass(frozen=True, kw_only=True)
class Handler:
    """One handler: its function and how to run it."""

    name: str
    function: HandlerFunction
    #: Name of the handler that it waits for until that one is done, skipped or failed; while that one is being
    #: retried it waits 15 minutes at most. None waits for nobody; nor do those that wait for each other in a circle.
    after: str | None = None
    #: Whether it runs on a test transmission; there it has one attempt.
    on_test: bool = True
    #: How many failed attempts are tried again; None means as many as RETRY_SCHEDULE has waits, 8 unless set.
    retries: int | None = None
    #: Seconds that one attempt may take; then its session is closed and the attempt has failed.
    timeout: float = 30
    #: Names of the events that it runs on. So far order.completed is the only one that comes: a handler that names
    #: others alone is not loaded.
    events: tuple[str, ...] = ("order.completed",)
    #: A pydantic model of its own settings, which the table [handlers.NAME] gives and context.own holds. If a field is
    #: required, the handler is off until that is given.
    settings: type[BaseModel] | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for an option of a wrong kind, naming handler and option."""
        for option, is_right, wanted in _OPTIONS:
            value = getattr(self, option)
            if not is_right(value):
                raise ValueError(f"@handler of {self.name}: {option} must be {wanted}, not {value!r}")

    @property
    def file(self) -> str:
        """The path of the file it stands in."""
        return self.function.__code__.co_filename

    @property
    def description(self) -> str:
        """The first line of what the function says of itself; empty when it says nothing."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _are_names(value: Any) -> bool:
    return isinstance(value, tuple | list) and all(isinstance(name, str) for name in value)


def _is_model(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, BaseModel)


#: Each option with its check, and what to say that it must be.
_OPTIONS: tuple[tuple[str, Callable[[Any], bool], str], ...] = (
    ("after", lambda value: value is None or (isinstance(value, str) and value != ""), "one handler's name"),
    ("on_test", lambda value: isinstance(value, bool), "True or False"),
    ("retries", lambda value: value is None or _is_count(value), "a whole number from 0 on"),
    ("timeout", _is_time, "a number of seconds above 0"),
    ("events", _are_names, "a tuple of names"),
    ("settings", lambda value: value is None or _is_model(value), "a class derived from pydantic.BaseModel"),
)


def _no_plain_function(marked: Any) -> str | None:
    """Return what was decorated instead of a plain function; None for a plain function."""
    if not inspect.isfunction(marked):
        return "a class" if inspect.isclass(marked) else f"an object of the class {type(marked).__name__}"
    if inspect.iscoroutinefunction(marked) or inspect.isasyncgenfunction(marked):
        return f"{marked.__name__}, which is async and would not be awaited"
    if inspect.isgeneratorfunction(marked):
        return f"{marked.__name__}, which has a yield in it and would not run to its end"
    return "a lambda, which has no name" if not marked.__name__.isidentifier() else None


@overload
def handler(function: Function, /) -> Function: ...


@overload
def handler(
    *,
    after: str | None = None,
    on_test: bool = True,
    retries: int | None = None,
    timeout: float = 30,
    events: tuple[str, ...] = ("order.completed",),
    settings: type[BaseModel] | None = None,
) -> Callable[[Function], Function]: ...


def handler(function: Any = None, /, **options: Any) -> Any:
    """Mark a function as a handler; its name is the handler's name.

    The function is given an Order and a Context. What it returns is shown beside it as text; whatever else than
    Skip and RetryLater it raises is a failed attempt, tried again by the retry schedule. The function itself is
    returned untouched. Raises ValueError for an option of a wrong kind, and TypeError for one that there is not and
    for what is no plain function.
    """

    def mark(marked: Function) -> Function:
        if kind := _no_plain_function(marked):
            raise TypeError(f"@handler stands on {kind}; it must stand on a plain function, def name(order, context)")
        setattr(marked, MARK, Handler(name=marked.__name__, function=marked, **options))
        return marked

    return mark if function is None else mark(function)
