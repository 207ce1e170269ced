"""Look a name up and connect to the first of its addresses that answers, all by one deadline."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from urllib3.exceptions import LocationParseError

from receiver.security.deadlines import DeadlineSocket, seconds_left

# What getaddrinfo gives: family, type, protocol, canonical name, socket address.
Found = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[Any, ...]]


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
