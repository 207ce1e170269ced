"""How much work something is, told without a clock, or by one that a busy machine doesn't put forward."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

#: What takes no longer, in seconds, is usually not judged; four times the work may take so many times as long.
_MOMENT, _MOST_GROWTH = 2.0, 9


def steps(do: Callable[[], object]) -> int:
    """Return how many lines of Python this thread runs for it, each round of a loop counted; not for work in C."""
    count = 0

    def trace(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    measuring = sys.gettrace()
    sys.settrace(trace)
    try:
        do()
    finally:
        sys.settrace(measuring)
    return count


def seconds(do: Callable[[], object]) -> float:
    """Return the seconds that this thread computes for it, whatever else the machine does."""
    began = time.thread_time()
    do()
    return time.thread_time() - began


def assert_linear(do: Callable[[int], object], size: int, moment: float = _MOMENT) -> None:
    """Fail if it takes far more than four times as long with four times the size, as the square of it would.

    What takes no longer than a ``moment``, in seconds, is not judged.
    """
    most = float("inf")
    for part in (size // 16, size // 4, size):
        tries = (seconds(partial(do, part)) for _ in range(3))
        took = next((one for one in tries if one < most), None)
        assert took is not None, f"{part} took more than {most:.2g} s"
        most = max(moment, _MOST_GROWTH * took)
