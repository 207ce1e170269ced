"""End a merchant's template that runs for too long, in whichever thread it is rendered."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class TookTooLong(Exception):
    """Raised when a template ran for too long."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise TookTooLong in the block once it has computed for so long; time that it waits does not count.

    A thread cannot be ended from outside, so the block asks at each of its lines: by a trace function, for which it
    is slower. What it calls that is not written in Python is not asked.
    """
    deadline = time.thread_time() + seconds

    def ask(_frame: FrameType, _event: str, _argument: Any) -> Any:
        if time.thread_time() > deadline:
            raise TookTooLong(f"it was ended because it had run for {seconds:g} s; look for a loop that does not end")
        return ask

    before = sys.gettrace()
    sys.settrace(ask)
    try:
        yield
    finally:
        sys.settrace(before)
