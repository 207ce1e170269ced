"""Run one attempt of one handler in a thread of its own, within its time and its transaction's time."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Coroutine, Generator
from dataclasses import replace

from receiver import errors
from receiver.dispatch.outcome import Outcome
from receiver.handlers.context import Context
from receiver.handlers.contract import Handler, RetryLater, Skip
from receiver.handlers.unit_of_work import AttemptWork

#: Seconds that a handler may hold its session open: less than an order's sender waits for the write lock.
LONGEST_TRANSACTION = 1.5
#: Abandoned threads that still run after which a handler is switched off until one of them ends.
MOST_ABANDONED = 3
_SWITCHED_OFF = (
    f"switched off: {MOST_ABANDONED} of its abandoned attempts still hang; mend what it waits for and restart"
)
_LOOK_EVERY_SECONDS = 0.05

log = logging.getLogger(__name__)


class Attempts:
    """Runs attempts, and remembers which handlers have left threads behind."""

    def __init__(self) -> None:
        self._abandoned: dict[str, list[threading.Thread]] = defaultdict(list)
        self._mutex = threading.Lock()

    def switched_off(self, name: str) -> bool:
        """Tell whether a handler is switched off, for the attempts of it that were abandoned and still run."""
        with self._mutex:
            self._abandoned[name] = [thread for thread in self._abandoned[name] if thread.is_alive()]
            return len(self._abandoned[name]) >= MOST_ABANDONED

    def run(self, handler: Handler, context: Context, work: AttemptWork) -> Outcome:
        """Make one attempt and give how it ended; never raises. The caller commits its work, or closes it."""
        if self.switched_off(handler.name):
            return Outcome("retrying", _SWITCHED_OFF)
        started = time.monotonic()
        call = _Call(handler, context)
        call.thread.start()
        overrun = self._wait(call, handler, work)
        outcome = Outcome("retrying", overrun) if overrun else call.outcome
        return replace(outcome, milliseconds=int((time.monotonic() - started) * 1000))

    def _wait(self, call: _Call, handler: Handler, work: AttemptWork) -> str | None:
        """Wait for the call's end; gives what it overran, having cut off its session, or None."""
        deadline = time.monotonic() + handler.timeout
        overrun = None
        while not call.finished.wait(_LOOK_EVERY_SECONDS):
            if overrun is None and _holds_too_long(work):
                work.cut_off()
                overrun = (
                    f"held its session open for more than {LONGEST_TRANSACTION:g} s; "
                    "do slow work before the first use of context.session"
                )
            if time.monotonic() >= deadline:
                work.cut_off()
                with self._mutex:
                    self._abandoned[handler.name].append(call.thread)
                log.warning("handler %s ran into its timeout and was abandoned", handler.name)
                return overrun or f"took longer than its timeout of {handler.timeout:g} s"
        return overrun


class _Call:
    """Is the call of a handler's function in its own thread."""

    def __init__(self, handler: Handler, context: Context) -> None:
        self.context = context
        self.finished = threading.Event()
        self.outcome = Outcome("retrying", "did not finish")
        self.thread = threading.Thread(target=self._call, args=(handler,), name=f"handler-{handler.name}", daemon=True)

    def _call(self, handler: Handler) -> None:
        try:
            self.outcome = _outcome_of(handler, self.context)
        except BaseException as error:  # noqa: BLE001 - a handler may fail in any way
            self.outcome = Outcome("retrying", errors.describe_with_location(error, handler.file))
            log.warning("handler %s failed: %s", handler.name, errors.describe_for_log(error, handler.file))
        finally:
            self.finished.set()


def _outcome_of(handler: Handler, context: Context) -> Outcome:
    """Call the function and give what it said; raises what it raised, and what reading its words raises."""
    try:
        returned = handler.function(context.order, context)
        if isinstance(returned, Coroutine | Generator):
            returned.close()
            raise TypeError(f"it returned a {type(returned).__name__}, whose work nobody does")
        return Outcome("done", None if returned is None else str(returned))
    except Skip as skip:
        return Outcome("skipped", skip.reason)
    except RetryLater as later:
        return Outcome("retrying", later.reason, later.after)


def _holds_too_long(work: AttemptWork) -> bool:
    return work.opened_at is not None and time.monotonic() - work.opened_at > LONGEST_TRANSACTION
