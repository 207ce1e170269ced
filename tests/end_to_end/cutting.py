"""POSTs in chunks that break off: reset, half closed, garbled, without their last chunk."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress

_SECONDS = 10.0

#: Says what is sent after a whole first chunk that holds a part of the body.
Ending = Callable[[socket.socket, bytes], None]


def whole(connection: socket.socket, rest: bytes) -> None:
    """Send the rest and the last chunk."""
    connection.sendall(_chunk(rest) + b"0\r\n\r\n")


def reset_in_a_chunk(connection: socket.socket, rest: bytes) -> None:
    """Announce the rest, send a part of it, and reset the connection."""
    connection.sendall(_chunk(rest)[:-8])
    _reset(connection)


def reset_between_chunks(connection: socket.socket, _rest: bytes) -> None:
    """Reset the connection after the first chunk."""
    _reset(connection)


def closed_in_a_chunk(connection: socket.socket, rest: bytes) -> None:
    """Announce the rest, send a part of it, and no more; the answer is still read."""
    connection.sendall(_chunk(rest)[:-8])
    connection.shutdown(socket.SHUT_WR)


def without_the_last_chunk(connection: socket.socket, _rest: bytes) -> None:
    """End after the first chunk."""
    connection.shutdown(socket.SHUT_WR)


def garbled(connection: socket.socket, _rest: bytes) -> None:
    """Send a line that begins no chunk."""
    connection.sendall(b"zz\r\n")
    connection.shutdown(socket.SHUT_WR)


CUTS: tuple[Ending, ...] = (
    reset_in_a_chunk,
    reset_between_chunks,
    closed_in_a_chunk,
    without_the_last_chunk,
    garbled,
)


def post_in_chunks(
    port: int, body: bytes, headers: Mapping[str, str], ending: Ending = whole, *, at: int | None = None
) -> tuple[int, dict[str, object]]:
    """POST to /orders what stands before ``at`` as the first chunk; give status and content, 0 without an answer."""
    at = len(body) // 2 if at is None else at
    lines = [f"{name}: {value}" for name, value in headers.items()]
    head = ["POST /orders HTTP/1.1", "Host: here", "Transfer-Encoding: chunked", "Expect: 100-continue", *lines]
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=_SECONDS) as connection, suppress(ConnectionError):
        connection.sendall("\r\n".join([*head, "Connection: close", "\r\n"]).encode())
        assert b"100 Continue" in connection.recv(65_536)  # the server has begun to read the body
        if at:
            connection.sendall(_chunk(body[:at]))
        ending(connection, body[at:])
        while connection.fileno() != -1 and (part := connection.recv(65_536)):
            received += part
    if not received:
        return 0, {}
    answer, _, content = received.partition(b"\r\n\r\n")
    return int(answer.split()[1]), json.loads(content[content.index(b"{") : content.rindex(b"}") + 1] or b"{}")


def _chunk(content: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(content), content)


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
