"""The contract between the kit and a handler.

What you write is one function: ``def name(order, context)``, marked with ``@handler``, in a file of
``instance/handlers/``. Copy ``register_customer.py`` or the example in README to start.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar, overload

if TYPE_CHECKING:
    from receiver.context import Context
    from receiver.orders import Order

__all__ = ["Handler", "HandlerFunction", "RetryLater", "Skip", "handler"]

HandlerFunction = Callable[["Order", "Context"], Any]
Function = TypeVar("Function", bound=HandlerFunction)

#: Attribute of a marked function that holds its Handler.
MARK = "__order_handler__"


class Skip(Exception):
    """Says that there is nothing to do for this order; the handler is finished as *skipped*."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        #: Shown in console and self test.
        self.reason = reason


class RetryLater(Exception):
    """Says that the handler is to be tried again, after ``after`` or else by the retry schedule."""

    def __init__(self, reason: str = "asked to be tried again", *, after: timedelta | None = None) -> None:
        super().__init__(reason)
        #: Shown in console and self test.
        self.reason = reason
        self.after = after


@dataclass(frozen=True, kw_only=True)
class Handler:
    """Describes one handler: its function and how it wants to be run."""

    name: str
    function: HandlerFunction
    #: Name of the handler that must have finished before, or None.
    after: str | None = None
    #: Whether it runs on a test transmission.
    on_test: bool = True
    #: Failed attempts that are tried again; None means as many as RETRY_SCHEDULE has waits.
    retries: int | None = None
    #: Seconds that one attempt may take.
    timeout: float = 30
    #: Events it runs on.
    events: tuple[str, ...] = ("order.completed",)

    @property
    def file(self) -> str:
        """Give the path of the file it stands in."""
        return self.function.__code__.co_filename

    @property
    def description(self) -> str:
        """Give the first line of what the function says of itself; empty when it says nothing."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]


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
) -> Callable[[Function], Function]: ...


def handler(function: Any = None, /, **options: Any) -> Any:
    """Mark a function as a handler; its name is the handler's name.

    ``after`` waits until the named handler is done, skipped or failed; ``on_test=False`` skips it on a test
    transmission; ``retries`` counts the failed attempts that are tried again; ``timeout`` is in seconds. The
    function is given an Order and a Context; what it returns is shown beside it. It is returned untouched.
    """

    def mark(marked: Function) -> Function:
        setattr(marked, MARK, Handler(name=marked.__name__, function=marked, **options))
        return marked

    return mark if function is None else mark(function)
