"""Load handlers again when their files change, under `flask run --debug` and in `make run`."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from werkzeug.serving import is_running_from_reloader

_LOOK_EVERY_SECONDS = 0.5
#: Werkzeug's reloader restarts a process that ends with this status.
_RESTART = 3

#: Seconds after which every watching process has seen a change.
SEEN_BY_ALL = 3 * _LOOK_EVERY_SECONDS
#: Set for a served process whose parent watches the files too, and replaces it.
BY_THE_PARENT = "FLASK_SERVE_RELOADS"

log = logging.getLogger(__name__)


def watch(folder: Path, give_way: Callable[[], None]) -> None:
    """Watch a folder's Python files, if this process is one that gets replaced when they change.

    Werkzeug's reloader starts it again once it ends, but doesn't see new files itself. `flask serve --reload` starts
    the next process beside this one, which until then takes orders and leaves them to the next one to run.
    """
    if os.environ.get(BY_THE_PARENT):
        on_change(folder, give_way)
    elif is_running_from_reloader():
        on_change(folder, _restart)


def on_change(folder: Path, act: Callable[[], None]) -> None:
    """Start a thread that calls ``act`` whenever a Python file of the folder changes."""
    threading.Thread(target=_act, args=(folder, _files(folder), act), name="reloading", daemon=True).start()


def _act(folder: Path, known: dict[Path, int], act: Callable[[], None]) -> None:
    seen = known
    while True:
        time.sleep(_LOOK_EVERY_SECONDS)
        before, seen = seen, _files(folder)
        if seen not in (known, before):
            continue  # it's being written; look again when it's at rest
        if seen != known:
            known = seen
            act()


def _restart() -> None:
    log.info("a handler's file came, went or was changed: restarting")
    os._exit(_RESTART)  # from a thread; nothing is waited for


def _files(folder: Path) -> dict[Path, int]:
    """Return when each file was last changed, in nanoseconds."""
    found = {}
    for path in folder.rglob("*.py"):
        with suppress(FileNotFoundError):  # it went a moment ago
            found[path] = path.stat().st_mtime_ns
    return found
