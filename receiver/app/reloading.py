"""Restart what serves when a handler's file comes, goes or is changed: under `flask run --debug`, and in `make run`."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from werkzeug.serving import is_running_from_reloader

_LOOK_EVERY_SECONDS = 0.5
#: A served process that ends with this status is started again by Werkzeug's reloader.
_RESTART = 3

#: Seconds after which everybody who watches has seen a change.
SEEN_BY_ALL = 3 * _LOOK_EVERY_SECONDS
#: Tells a served process that its parent watches the files too, and replaces it.
BY_THE_PARENT = "FLASK_SERVE_RELOADS"

log = logging.getLogger(__name__)


def watch(folder: Path, give_way: Callable[[], None]) -> None:
    """Watch the Python files of a folder where this process is replaced by another one after a change of them.

    Werkzeug's reloader, which knows none of them that is new, starts it again once it ends. `flask serve --reload`
    starts the next one beside it; until that one is there this one takes orders, and leaves them to it to run.
    """
    if os.environ.get(BY_THE_PARENT):
        on_change(folder, give_way)
    elif is_running_from_reloader():
        threading.Thread(target=_watch, args=(folder, _files(folder)), name="reloading", daemon=True).start()


def on_change(folder: Path, act: Callable[[], None], *, after: float = 0.0) -> None:
    """Act, in a thread of its own, so many seconds after each change of the Python files of a folder."""
    threading.Thread(target=_act, args=(folder, _files(folder), act, after), name="reloading", daemon=True).start()


def _act(folder: Path, known: dict[Path, int], act: Callable[[], None], after: float) -> None:
    seen = known
    while True:
        time.sleep(_LOOK_EVERY_SECONDS)
        before, seen = seen, _files(folder)
        if seen not in (known, before):
            continue  # it is being written; look again when it has come to rest
        if seen != known:
            known = seen
            time.sleep(after)
            act()


def _watch(folder: Path, known: dict[Path, int]) -> None:
    while _files(folder) == known:
        time.sleep(_LOOK_EVERY_SECONDS)
    log.info("a file in %s came, went or was changed: restarting", folder)
    os._exit(_RESTART)  # from a thread; nothing is waited for


def _files(folder: Path) -> dict[Path, int]:
    """Return the moment of each file's last change."""
    return {path: _changed_at(path) for path in folder.rglob("*.py")}


def _changed_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:  # it went a moment ago
        return 0
