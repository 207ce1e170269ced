"""Waiting until something holds: as long as a busy machine takes, and no longer than the thing itself."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Seconds after which what hasn't come never comes, however busy the machine is.
SOON = 30.0


def wait_for(condition: Callable[[], bool], seconds: float = SOON) -> None:
    """Wait until a condition holds; what takes long is asked for less often, since asking takes time too."""
    deadline, pause = time.monotonic() + seconds, 0.002
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(pause)
        pause = min(pause * 1.2, 0.1)
