"""Which connections of a process are ended: those of one sender that nothing was sent to, and no others."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from receiver.app.unanswered_connections import end_unanswered
from tests.waiting import wait_for

LONG = 0.3
OPEN_FILES = Path("/proc/self/fd")


@pytest.fixture
def accepted() -> Iterator[socket.socket]:
    """Give a connection that a sender has opened to this process and sent a byte over."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        sender = stack.enter_context(socket.create_connection(listening.getsockname()))
        sender.sendall(b"1")
        connection = stack.enter_context(listening.accept()[0])
        connection.setblocking(False)
        assert connection.recv(1) == b"1"
        yield connection


def is_ended(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False


def end_until(connection: socket.socket, sender: str = "127.0.0.1") -> None:
    def ended() -> bool:
        end_unanswered(sender, LONG)
        return is_ended(connection)

    wait_for(ended)


def test_what_waits_for_an_answer_too_long_is_ended_and_can_still_be_answered(accepted: socket.socket) -> None:
    end_until(accepted)
    assert accepted.send(b"400") == 3


def test_what_waits_for_less_goes_on(accepted: socket.socket) -> None:
    end_unanswered("127.0.0.1", 3600)
    assert not is_ended(accepted)


def test_another_senders_goes_on(accepted: socket.socket) -> None:
    with socket.create_server(("127.0.0.2", 0)) as listening:
        own = ("127.0.0.3", 0)
        with socket.create_connection(listening.getsockname(), source_address=own), listening.accept()[0] as other:
            other.setblocking(False)
            end_until(accepted)
            assert not is_ended(other)
            end_until(other, "127.0.0.3")


def test_what_this_process_has_opened_itself_goes_on(accepted: socket.socket) -> None:
    """A mail server or a database that takes its time is no sender, even at the same address."""
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        address = elsewhere.getsockname()
        with socket.create_connection(address) as ours, elsewhere.accept()[0]:
            elsewhere.close()
            ours.setblocking(False)
            end_until(accepted)
            assert not is_ended(ours)


def test_no_file_is_left_open(accepted: socket.socket) -> None:
    before = len([*OPEN_FILES.iterdir()])
    for _ in range(3):
        end_unanswered("127.0.0.1", 3600)
    assert len([*OPEN_FILES.iterdir()]) == before
