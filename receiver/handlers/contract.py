"""The contract between the kit and a handler: the decorator, and what a handler may raise.

You write one function, ``def name(order, context)``, marked with ``@handler``, in a file in ``instance/handlers/``.
To start, copy ``register_customer.py`` or one of the recipes.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar, overload

from pydantic import BaseModel
from urllib3 import BaseHTTPResponse

from receiver.handlers.context import Context
from receiver.orders import Order
from receiver.security.answers import retry_after_seconds

HandlerFunction = Callable[[Order, Context], Any]
Function = TypeVar("Function", bound=HandlerFunction)

#: Attribute of a marked function that holds its Handler.
MARK = "__order_handler__"


class Skip(Exception):
    """Raised by a handler that has nothing to do for this order.

    The handler is then *skipped*. Nothing it did is kept, and the console shows the reason. Raises TypeError if the
    reason isn't text.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        #: What the console and the self test show.
        self.reason = _checked_reason("Skip", reason)


class RetryLater(Exception):
    """Raised by a handler to be tried again ``after`` a time, or else by the retry schedule.

    The attempt counts as failed: there are no more of them than ``retries`` allows. Nothing it did is kept, and the
    console shows the reason. Raises TypeError if the reason isn't text, or ``after`` isn't a timedelta.
    """

    def __init__(self, reason: str = "asked to be tried again", *, after: timedelta | None = None) -> None:
        super().__init__(reason)
        if after is not None and not isinstance(after, timedelta):
            raise TypeError(f"RetryLater: after must be a timedelta, not {after!r}")
        #: What the console and the self test show.
        self.reason = _checked_reason("RetryLater", reason)
        self.after = after


def retry_after(answer: BaseHTTPResponse) -> timedelta | None:
    """Return how long an answer's Retry-After (RFC 9110, section 10.2.3) asks to wait; None without one.

    That's a day at most. Give it to ``RetryLater`` as ``after``.
    """
    seconds = retry_after_seconds(answer)
    return None if seconds is None else timedelta(seconds=seconds)


def _checked_reason(whose: str, reason: object) -> str:
    if not isinstance(reason, str):
        raise TypeError(f"{whose}: its reason must be text, not {reason!r}")
    return reason


@dataclass(frozen=True, kw_only=True)
class Handler:
    """One handler: its function and how to run it."""

    name: str
    function: HandlerFunction
    #: Name of the handler that it waits for until that one is done, skipped or failed. While that one is being
    #: retried, it waits for 15 minutes at most. Handlers that wait for each other in a circle don't wait.
    after: str | None = None
    #: Whether it runs on test orders; there it has one attempt.
    on_test: bool = True
    #: How many failed attempts are tried again. None means as many as RETRY_SCHEDULE has waits: 8 unless you set it.
    retries: int | None = None
    #: Seconds that one attempt may take. After that its session is closed, and the attempt has failed.
    timeout: float = 30
    #: Names of the events that it runs on: order.completed, order.refunded, order.cancelled, order.updated. A handler
    #: that names only others isn't loaded.
    events: tuple[str, ...] = ("order.completed",)
    #: A pydantic model of its own settings, which are set in the table [handlers.NAME] and read from context.own. If a
    #: field is required, the handler is off until that's set.
    settings: type[BaseModel] | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for an option with a wrong value, naming handler and option."""
        for option, is_right, wanted in _OPTIONS:
            value = getattr(self, option)
            if not is_right(value):
                raise ValueError(f"@handler of {self.name}: {option} must be {wanted}, not {value!r}")

    @property
    def file(self) -> str:
        """The path of the file that it's in."""
        return self.function.__code__.co_filename

    @property
    def description(self) -> str:
        """The first line of the function's docstring; empty without one."""
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
    """Return what was decorated if that isn't a plain function, else None."""
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

    The function gets an Order and a Context. The console shows what it returns, as text. If it raises anything except
    Skip and RetryLater, the attempt has failed, and is tried again by the retry schedule. The decorator returns the
    function unchanged. Raises ValueError for an option with a wrong value, and TypeError for an unknown option, or for
    anything that isn't a plain function.
    """

    def mark(marked: Function) -> Function:
        if kind := _no_plain_function(marked):
            raise TypeError(f"@handler is on {kind}; it must be on a plain function, def name(order, context)")
        setattr(marked, MARK, Handler(name=marked.__name__, function=marked, **options))
        return marked

    return mark if function is None else mark(function)
