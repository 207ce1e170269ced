"""Sockets whose reads and writes share one deadline, and which read only as much as they are allowed to.

A socket's own timeout starts anew with every byte; a deadline does not, so a byte a second does not last for ever.
"""

from __future__ import annotations

import math
import socket
import ssl
import time
from typing import Any


class TooMuchSent(OSError):
    """Raised when the other side sent more than allowed."""


class DeadlineSocket(socket.socket):
    """A socket whose reads and writes raise TimeoutError after ``deadline``, or past ``patience`` each."""

    #: On the clock of time.monotonic.
    deadline = math.inf
    #: Seconds for a single read or write.
    patience = math.inf
    #: Bytes that may still be read; whoever sends more gets TooMuchSent raised.
    allowance = math.inf

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """Read as any socket does, until the deadline and as much as is allowed."""
        self._shrink_timeout()
        if self.allowance <= 0:
            raise TooMuchSent("The other side sends more than is read.")
        count = super().recv_into(*args, **kwargs)
        self.allowance -= count
        return count

    def send(self, *args: Any, **kwargs: Any) -> int:
        """Write some as any socket does, until the deadline."""
        self._shrink_timeout()
        return super().send(*args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        """Write all as any socket does, until the deadline."""
        self._shrink_timeout()
        super().sendall(*args, **kwargs)

    def _shrink_timeout(self) -> None:
        left = seconds_left(self.deadline)
        self.settimeout(left if self.patience == math.inf else min(left or math.inf, self.patience))


class _DeadlineTLSSocket(DeadlineSocket, ssl.SSLSocket):
    """The same inside TLS."""


def tls_context() -> ssl.SSLContext:
    """Make a context that checks certificates and wraps a socket into one with a deadline."""
    context = ssl.create_default_context()
    context.sslsocket_class = _DeadlineTLSSocket
    return context


def deadline_after(seconds: float | None) -> float:
    """Return the moment after so many seconds on the clock of time.monotonic; None never comes."""
    return math.inf if seconds is None else time.monotonic() + seconds


def seconds_left(deadline: float, *, shares: int = 1) -> float | None:
    """Return one of equal shares of the seconds left, None without end; raises TimeoutError when none are."""
    if deadline == math.inf:
        return None
    seconds = (deadline - time.monotonic()) / shares
    if seconds <= 0:
        raise TimeoutError("timed out")
    return seconds
