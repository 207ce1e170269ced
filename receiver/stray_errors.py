"""Errors that nobody catches, in a thread that a handler started or an object's end: logged without their words."""

from __future__ import annotations

import logging
import sys
import threading
from traceback import walk_tb

from receiver import faults

log = logging.getLogger(__name__)


def log_without_words() -> None:
    """Let this process log type and place of such an error; Python itself prints all of it, personal data included."""
    threading.excepthook = _in_a_thread
    sys.unraisablehook = _at_an_end


def _in_a_thread(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is None or isinstance(ended.exc_value, SystemExit):
        return
    log.error("a thread ended: %s", _said(ended.exc_value))


def _at_an_end(stray: sys.UnraisableHookArgs) -> None:
    if stray.exc_value is not None:
        log.error("an error at an object's end: %s", _said(stray.exc_value))


def _said(error: BaseException) -> str:
    """Name the error with the way to it through the first file that is not Python's own."""
    files = (frame.f_code.co_filename for frame, _ in walk_tb(error.__traceback__))
    return faults.for_the_log(error, next((file for file in files if file != threading.__file__), None))
