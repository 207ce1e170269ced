"""A deadline for each request's body: a sender that stalls holds a thread for so long and no longer.

gunicorn and Werkzeug's own server hand over the connection, which is ended. granian hands over none: it's looked for.
"""

from __future__ import annotations

import io
import math
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from receiver.app.unanswered_connections import end_unanswered
from receiver.intake.body import MAY_HAVE_STALLED

#: Seconds from the first read of a body until its end.
BODY_SECONDS = 30.0
_SOCKETS = ("gunicorn.socket", "werkzeug.socket")

#: The shortest timeout, in seconds: with 0 a read would not wait at all and raise another error.
_AT_ONCE = 0.001
#: Seconds for which any body of an address may be one of those that were ended: some waited for a thread until now.
_SUSPECT_SECONDS = 30.0
#: Seconds until a read that goes on past its deadline is ended again.
_AGAIN = 1.0

_Wsgi = Callable[..., Iterable[bytes]]
#: The connection itself, or all that's known of it: the address of its sender.
_Connection = socket.socket | str


def limited(app: _Wsgi) -> _Wsgi:
    """Return a WSGI app that ends a body that's too slow, as if it had broken off."""

    def serve(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        connection: _Connection | None = next((environ[name] for name in _SOCKETS if name in environ), None)
        if connection is None and environ.get("SERVER_SOFTWARE") == "Granian":
            connection = environ["REMOTE_ADDR"]
        if connection is not None:
            environ["wsgi.input"] = _LimitedBody(environ, connection, _WATCH)
        return app(environ, start_response)

    return serve


class _LimitedBody(io.RawIOBase):
    """A request body whose reads all end by one deadline."""

    def __init__(self, environ: dict[str, Any], connection: _Connection, watch: _Watch) -> None:
        self._environ = environ
        self._stream = environ["wsgi.input"]
        self._connection = connection
        self._watch = watch
        self._deadline: float | None = None
        self._is_over = False

    def readable(self) -> bool:
        """Return True: the stream is for reading only."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read from the server's stream; past the deadline, report the body's end."""
        data = b"" if self._is_over else self._read_in_time(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _read_in_time(self, size: int) -> bytes:
        self._deadline = self._deadline or time.monotonic() + BODY_SECONDS
        try:
            with self._watch.until(self._deadline, self._connection):
                data: bytes = self._stream.read(size)
        except TimeoutError:
            self._is_over = True
            if isinstance(self._connection, socket.socket):
                with suppress(OSError):  # the server shouldn't wait for the rest
                    socket.socket.shutdown(self._connection, socket.SHUT_RD)
            return b""
        # granian takes a chunked body as complete wherever it ends.
        if isinstance(self._connection, str) and self._watch.ended_lately(self._connection):
            self._environ[MAY_HAVE_STALLED] = True
        return data


class _Watch:
    """The thread that ends reads whose deadline has passed; it starts with the first read."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Forget all reads, as in a new process."""
        self._waited_for: dict[object, tuple[float, _Connection]] = {}
        self._changed = threading.Condition()
        #: The deadline that the thread waits for; a later one needs no wake-up.
        self._next = math.inf
        self._runs = False
        #: When connections were last ended, by the address of their sender.
        self._ended: dict[str, float] = {}

    def ended_lately(self, sender: str) -> bool:
        """Return whether connections of this sender were ended lately, perhaps the one that was read."""
        return sender in self._ended and time.monotonic() < self._ended[sender] + _SUSPECT_SECONDS

    @contextmanager
    def until(self, deadline: float, connection: _Connection) -> Iterator[None]:
        """Allow reads in this block until the deadline, given by the monotonic clock.

        A plain read is ended from the watch's thread. Over TLS each read has a timeout too, since a read that waits
        takes no notice of a timeout that is set meanwhile.
        """
        mark, of_tls = object(), connection if isinstance(connection, ssl.SSLSocket) else None
        timeout = of_tls.gettimeout() if of_tls else None
        if of_tls:
            of_tls.settimeout(max(deadline - time.monotonic(), _AT_ONCE))
        with self._changed:
            self._waited_for[mark] = (deadline, connection)
            if not self._runs:
                self._runs = True
                threading.Thread(target=self._run, name="bodies", daemon=True).start()
            elif deadline < self._next:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._waited_for.pop(mark, None)
            if of_tls:
                of_tls.settimeout(timeout)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._next = min((deadline for deadline, _ in self._waited_for.values()), default=math.inf)
                self._changed.wait(min(max(self._next - time.monotonic(), 0.01), threading.TIMEOUT_MAX))
                self._end_late_ones()

    def _end_late_ones(self) -> None:
        now = time.monotonic()
        for mark, (deadline, connection) in list(self._waited_for.items()):
            if deadline <= now:
                self._waited_for[mark] = (now + _AGAIN, connection)
                if isinstance(connection, str):  # noted first, for whoever reads on
                    lately = {sender: at for sender, at in self._ended.items() if now < at + _SUSPECT_SECONDS}
                    self._ended = lately | {connection: now}
                with suppress(OSError):  # the sender may have gone
                    _end(connection)


def _end(connection: _Connection) -> None:
    """End the current read; over TLS, let the next one time out: a closed TLS stream couldn't carry the answer."""
    if isinstance(connection, str):
        end_unanswered(connection, BODY_SECONDS)
    elif isinstance(connection, ssl.SSLSocket):
        connection.settimeout(_AT_ONCE)
    else:
        connection.shutdown(socket.SHUT_RD)


#: One for all apps of a process. A forked child forgets its parent's connections, so that it ends none of them.
_WATCH = _Watch()
os.register_at_fork(after_in_child=_WATCH.begin)
