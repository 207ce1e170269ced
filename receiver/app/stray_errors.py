"""Log uncaught errors and warnings without their messages, which may hold personal data."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from pathlib import Path
from traceback import walk_tb

from receiver import errors

log = logging.getLogger(__name__)


def log_without_words() -> None:
    """Log only the type and place of uncaught errors and warnings in this process.

    Such errors come from a thread that a handler started, or from an object's finalizer.
    """
    threading.excepthook = _in_a_thread
    sys.unraisablehook = _at_an_end
    warnings.showwarning = _of_a_warning  # type: ignore[assignment]  # called by position


def _in_a_thread(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is None or isinstance(ended.exc_value, SystemExit):
        return
    log.error("a thread ended: %s", _said(ended.exc_value))


def _at_an_end(stray: sys.UnraisableHookArgs) -> None:
    if stray.exc_value is not None:
        log.error("an error at an object's end: %s", _said(stray.exc_value))


def _of_a_warning(
    _words: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object, **__: object
) -> None:
    log.warning("a warning: %s at %s, line %s", category.__name__, Path(filename).name, lineno)


def _said(error: BaseException) -> str:
    """Describe the error and the calls that led to it, from the first file that isn't Python's own."""
    files = (frame.f_code.co_filename for frame, _ in walk_tb(error.__traceback__))
    return errors.describe_for_log(error, next((file for file in files if file != threading.__file__), None))
