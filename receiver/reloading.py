"""Restart what `flask run --debug` serves when a handler's file comes or goes; those it loaded Werkzeug watches."""

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
    """Watch which Python files are in a folder, under Werkzeug's reloader; anywhere else do nothing."""
    if is_running_from_reloader():
        threading.Thread(target=_watch, args=(folder, _files(folder)), name="reloading", daemon=True).start()


def _watch(folder: Path, known: set[Path]) -> None:
    while _files(folder) == known:
        time.sleep(_LOOK_EVERY_SECONDS)
    log.info("a file came to %s or went from it: restarting", folder)
    os._exit(_RESTART)  # from a thread; and as after a change of a loaded file, nothing is waited for


def _files(folder: Path) -> set[Path]:
    return set(folder.glob("*.py"))
