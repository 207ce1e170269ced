"""Send hints to other processes and receive theirs, in threads of their own: nobody ever waits for either."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection
from typing import Protocol

from receiver import errors

#: Seconds that a read waits; a server that vanishes without a word is noticed a few seconds later.
READ_SECONDS = 5.0
#: Seconds between two messages. What's hinted at meanwhile goes into the next one.
_TOGETHER = 0.01
#: Seconds before the first try after a failure, and the most that they grow to.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
#: Seconds after which the listener looks whether it should end while all workers are busy.
_LOOK_AGAIN = 0.5
#: How often a blocking read is interrupted until it has ended, and the seconds between: it may only just begin.
_INTERRUPTS, _INTERRUPT_PAUSE = 40, 0.05
#: Seconds that closing waits for the last message.
_LONGEST_CLOSE = 1.0

log = logging.getLogger(__name__)


class Transport(Protocol):
    """A server that carries hints. Each call may raise any error of its library; the next one connects again."""

    #: The server and the setting that names it, without a password.
    name: str
    #: Whether every process gets each hint, or just one of those that wait.
    to_all: bool

    def send(self, names: Collection[str]) -> None:
        """Send hints at these kinds of jobs."""

    def receive(self, seconds: float) -> list[str]:
        """Wait so many seconds, READ_SECONDS at most, for hints and return what has come."""

    def interrupt(self) -> None:
        """End the read that another thread waits in; it may raise there."""

    def close(self) -> None:
        """Close all connections."""


class Hints:
    """What this process says to the others about due jobs, and hears from them.

    A hint may be lost: while the server can't be reached, jobs of other processes are found by the sweep.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._unsent: set[str] = set()
        #: Guards what's unsent, and what fails.
        self._changed = threading.Condition()
        #: What can't be done now: *send*, *receive*.
        self._failing: set[str] = set()
        self._sender: threading.Thread | None = None
        self._listener: threading.Thread | None = None
        self._listening_ends = threading.Event()
        self._ends = threading.Event()

    def start(self) -> None:
        """Begin to send."""
        self._sender = threading.Thread(target=self._keep_sending, name="hints-out", daemon=True)
        self._sender.start()

    def listen(self, wake: Callable[[Collection[str]], bool], free: threading.Event) -> None:
        """Begin to receive: ``wake`` takes hints and returns whether a worker is ``free`` for them."""
        self._listener = threading.Thread(target=self._keep_listening, args=(wake, free), name="hints-in", daemon=True)
        self._listener.start()

    def send(self, names: Collection[str]) -> None:
        """Have a worker of another process look for jobs of these kinds. Never waits, and never raises."""
        if self._sender and not self._unsent.issuperset(names):
            with self._changed:
                self._unsent.update(names)
                self._changed.notify()

    def stop_listening(self) -> None:
        """Take no more hints, so that they go to other processes; a blocking read ends at once."""
        self._listening_ends.set()
        for _ in range(_INTERRUPTS):
            if self._listener is None or not self._listener.is_alive():
                return
            self._transport.interrupt()
            self._listener.join(_INTERRUPT_PAUSE)

    def close(self) -> None:
        """Send nothing more, and close the connections."""
        self.stop_listening()
        with self._changed:
            self._ends.set()
            self._changed.notify()
        if self._sender:
            self._sender.join(_LONGEST_CLOSE)
        self._transport.close()

    def _keep_sending(self) -> None:
        pause = _FIRST_PAUSE
        while names := self._next_unsent():
            try:
                self._transport.send(names)
            except Exception as error:  # noqa: BLE001 - whatever the server or the network does, orders are taken
                self._failed("send", error)
                self.send(names)
                self._ends.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                self._worked("send")
                self._ends.wait(_TOGETHER)
                pause = _FIRST_PAUSE

    def _next_unsent(self) -> set[str]:
        """Wait for hints to send and return them; none once it ends."""
        with self._changed:
            self._changed.wait_for(lambda: self._unsent or self._ends.is_set())
            names, self._unsent = self._unsent, set()
            return set() if self._ends.is_set() else names

    def _keep_listening(self, wake: Callable[[Collection[str]], bool], free: threading.Event) -> None:
        pause = _FIRST_PAUSE
        while not self._listening_ends.is_set():
            # A hint that one process gets goes to one whose worker is free.
            if not self._transport.to_all and not free.wait(_LOOK_AGAIN):
                continue
            try:
                names = self._transport.receive(READ_SECONDS)
            except Exception as error:  # noqa: BLE001 - as above
                if not self._listening_ends.is_set():
                    self._failed("receive", error)
                    self._listening_ends.wait(pause)
                    pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                self._worked("receive")
                pause = _FIRST_PAUSE
                if names and not wake(names) and not self._transport.to_all:
                    self.send(names)  # the workers became busy during the read

    def _failed(self, what: str, error: Exception) -> None:
        with self._changed:
            is_new = not self._failing
            self._failing.add(what)
        if is_new and not self._ends.is_set():
            log.warning(
                "can't %s hints by %s: %s. Until it works, jobs from other processes start up to a second later",
                *(what, self._transport.name, errors.describe_for_log(error)),
            )

    def _worked(self, what: str) -> None:
        with self._changed:
            was_failing = bool(self._failing)
            self._failing.discard(what)
            is_over = was_failing and not self._failing
        if is_over:
            log.info("hints by %s work again", self._transport.name)
