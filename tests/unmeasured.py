"""What runs at full speed because coverage is not measured in it: other tests reach the same lines."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def unmeasured_threads() -> Iterator[None]:
    """Let threads that are started in the block run at full speed."""
    measure = threading.gettrace()
    threading.settrace(None)
    try:
        yield
    finally:
        threading.settrace(measure)


@contextmanager
def unmeasured() -> Iterator[None]:
    """Let the block and the threads that it starts run at full speed."""
    measure = sys.gettrace()
    sys.settrace(None)
    try:
        with unmeasured_threads():
            yield
    finally:
        sys.settrace(measure)


def environment() -> dict[str, str]:
    """Give this environment to a process that is to run at full speed."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
