"""What runs at full speed because coverage is not measured in it: other tests reach the same lines."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def unmeasured() -> Iterator[None]:
    """Let the block and the threads that it starts run at full speed."""
    here, in_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        yield
    finally:
        threading.settrace(in_threads)
        sys.settrace(here)


def environment() -> dict[str, str]:
    """Give this environment to a process that is to run at full speed."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
