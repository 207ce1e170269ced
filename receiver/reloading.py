"""Restart what `flask run --debug` serves when a handler's file comes, goes or is changed."""

from __future__ import annotations

import logging
import os
import threading
import time
from pathlib import Path

from werkzeug.serving import is_running_from_reloader

_LOOK_EVERY_SECONDS = 0.5
#: A served process that ends with this status is started again by Werkzeug's reloader.
_RESTART = 3

log = logging.getLogger(__name__)


def watch(folder: Path) -> None:
    """Watch the Python files of a folder under Werkzeug's reloader, which knows none of them that is new."""
    if is_running_from_reloader():
        threading.Thread(target=_watch, args=(folder, _files(folder)), name="reloading", daemon=True).start()


def _watch(folder: Path, known: dict[Path, int]) -> None:
    while _files(folder) == known:
        time.sleep(_LOOK_EVERY_SECONDS)
    log.info("a file in %s came, went or was changed: restarting", folder)
    os._exit(_RESTART)  # from a thread; nothing is waited for


def _files(folder: Path) -> dict[Path, int]:
    """Give the moment of each file's last change."""
    return {path: _changed_at(path) for path in folder.glob("*.py")}


def _changed_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:  # it went a moment ago
        return 0
