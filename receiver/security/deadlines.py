"""Connect by one deadline, to sockets whose reads and writes share one and read only as much as they're allowed to.

A socket's own timeout starts again with every byte; a deadline doesn't, so a byte a second doesn't last for ever.
"""

from __future__ import annotations

import math
import socket
import ssl
import time
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from urllib3.exceptions import LocationParseError

#: What getaddrinfo returns: family, type, protocol, canonical name, socket address.
Found = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[Any, ...]]


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
    """Return the time this many seconds from now, by time.monotonic; None means never."""
    return math.inf if seconds is None else time.monotonic() + seconds


def seconds_left(deadline: float, *, shares: int = 1) -> float | None:
    """Return an equal share of the seconds left, None without a deadline. Raises TimeoutError if none are left."""
    if deadline == math.inf:
        return None
    seconds = (deadline - time.monotonic()) / shares
    if seconds <= 0:
        raise TimeoutError("timed out")
    return seconds


def look_up(host: str, port: int, deadline: float) -> Sequence[Found]:
    """Look up a host in a separate thread, since getaddrinfo has no timeout."""
    answers: SimpleQueue[Sequence[Found] | Exception] = SimpleQueue()
    Thread(target=_answer_into, args=(answers, host, port), daemon=True).start()
    try:
        answer = answers.get(timeout=seconds_left(deadline))
    except Empty:
        raise TimeoutError("timed out") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def connect_to_first(found: Sequence[Found], deadline: float) -> DeadlineSocket:
    """Try the addresses in turn, each for its share of the time left: one may be silent, another not."""
    failure: OSError = TimeoutError("timed out")
    for number, entry in enumerate(found):
        try:
            sock = _connected(entry, seconds_left(deadline, shares=len(found) - number))
            sock.settimeout(seconds_left(deadline))
            return sock
        except OSError as error:
            failure = error
    raise failure


def _connected(found: Found, seconds: float | None) -> DeadlineSocket:
    family, kind, protocol, _, address = found
    sock = DeadlineSocket(family, kind, protocol)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(seconds)
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock


def _answer_into(answers: SimpleQueue[Sequence[Found] | Exception], host: str, port: int) -> None:
    try:
        answers.put(socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM))
    except UnicodeError:
        answers.put(LocationParseError(f"{host}, label empty or too long"))
    except OSError as error:
        answers.put(error)
