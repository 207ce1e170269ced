"""Log errors and warnings that nobody catches or words without their messages, which may hold personal data."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from contextlib import suppress
from copy import copy
from pathlib import Path
from traceback import walk_tb
from typing import Any

from receiver import errors

log = logging.getLogger(__name__)


def log_without_words() -> None:
    """Log only the type and place of uncaught errors, warnings and broken log lines in this process.

    Such errors come from a thread that a handler started, or from an object's finalizer.
    """
    threading.excepthook = _in_a_thread
    sys.unraisablehook = _at_an_end
    warnings.showwarning = _of_a_warning  # type: ignore[assignment]  # called by position
    logging.getLogger("asyncio").addFilter(_first_line)
    logging.Handler.handleError = _of_a_line  # type: ignore[assignment, method-assign]


class WithoutWords(logging.Formatter):
    """A formatter that names an error's type and place; its traceback would end with its message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a line; the traceback that another formatter has left in it isn't taken."""
        record = copy(record)
        record.exc_text = None
        return super().format(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the library's own name
        """Return the type and place of the error that a line is about."""
        return errors.describe_for_log(ei[1]) if ei[1] else ""


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


def _first_line(record: logging.LogRecord) -> bool:
    """Keep the first line of what asyncio logs of an abandoned task; the next ones hold its error's message."""
    record.msg, record.args = record.getMessage().partition("\n")[0], ()
    return True


def _of_a_line(_handler: logging.Handler, record: logging.LogRecord) -> None:
    """Say where a line can't be written; Python's own way prints its arguments, such as an order."""
    error = sys.exc_info()[1]
    where = f"{Path(record.pathname).name}, line {record.lineno}"
    with suppress(OSError, ValueError, AttributeError):  # stderr may be closed, or full
        sys.stderr.write(f"a log line can't be written: {type(error).__name__} at {where}\n")


def _said(error: BaseException) -> str:
    """Describe the error and the calls that led to it, from the first file that isn't Python's own."""
    files = (frame.f_code.co_filename for frame, _ in walk_tb(error.__traceback__))
    return errors.describe_for_log(error, next((file for file in files if file != threading.__file__), None))
