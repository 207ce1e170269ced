"""End connections of this process that wait too long, under a server that hands over none of them (granian).

Linux only: nowhere else is it known when something was last sent on a connection.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

_TCP = (socket.AF_INET, socket.AF_INET6)
#: Where struct tcp_info of linux/tcp.h has tcpi_last_data_sent, in milliseconds; of a new connection, since its begin.
_LAST_SENT = 44


def end_unanswered(sender: str, seconds: float) -> None:
    """End what comes from an address, on each connection to which nothing has been sent for so many seconds.

    The server notices as if the sender had broken off.
    """
    with ExitStack() as copies:
        ours = [copies.enter_context(one) for one in _sockets()]
        ports = {one.getsockname()[1] for one in ours if one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)}
        for one in ours:
            with suppress(OSError):  # it listens, or the sender has just gone
                accepted_from = one.getpeername()[0] if one.getsockname()[1] in ports else None
                if accepted_from == sender and _silent_seconds(one) >= seconds:
                    one.shutdown(socket.SHUT_RD)


def _sockets() -> Iterator[socket.socket]:
    """Yield a copy of each TCP socket of this process: what's done to one isn't done to another of the same number."""
    if sys.platform != "linux":
        return
    for file in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            number = os.dup(int(file.name))
            try:
                copy = socket.socket(fileno=number)
            except OSError:  # a file
                os.close(number)
                continue
            if copy.family in _TCP and copy.type == socket.SOCK_STREAM:
                yield copy
            else:
                copy.close()


def _silent_seconds(connection: socket.socket) -> float:
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_SENT + 4)
    milliseconds: int = struct.unpack_from("I", info, _LAST_SENT)[0]
    return milliseconds / 1000
