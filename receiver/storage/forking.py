"""What is done in a forked child first, for as long as somebody holds the object that asked for it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any
from weakref import WeakMethod

_asked: set[WeakMethod[Callable[[], Any]]] = set()


def in_child(method: Callable[[], Any]) -> None:
    """Call a bound method in every child that this process forks, until its object is gone.

    What Python itself registers it never forgets, so each object would live as long as the process.
    """
    _asked.add(WeakMethod(method, _asked.discard))


def _call_all() -> None:
    for reference in tuple(_asked):
        if method := reference():
            method()


os.register_at_fork(after_in_child=_call_all)
