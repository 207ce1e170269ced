"""A sender that begins a body and stalls holds a thread for so long and no longer, where the server allows it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from receiver.app import body_deadlines
from tests.served import FORM, SECRET, Served, order_fields

SECONDS = 0.5


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_deadlines, "BODY_SECONDS", SECONDS)


def begun(shop: Served, path: str = "/orders", framing: str = "Content-Length: 1000") -> socket.socket:
    """Send the head of a request and the first bytes of its body."""
    at = urlsplit(shop.base)
    connection = socket.create_connection((at.hostname, at.port), 10)
    head = f"POST {path} HTTP/1.1\r\nHost: {at.netloc}\r\nX-Shared-Secret: {SECRET}\r\n"
    head += f"Content-Type: {FORM}\r\n{framing}\r\n\r\n"
    connection.sendall(head.encode() + b"order_id=")
    return connection


def answer(connection: socket.socket) -> tuple[bytes, float]:
    """Give the status that comes, and after how many seconds."""
    began = time.monotonic()
    with connection:
        return connection.recv(65_536)[9:12], time.monotonic() - began


def test_a_body_that_stalls_is_answered_as_one_that_broke_off(shop: Served) -> None:
    status, seconds = answer(begun(shop))
    assert (status, SECONDS / 2 < seconds < 5) == (b"400", True)
    assert shop.rows() == []


def test_a_byte_now_and_then_does_not_put_the_deadline_off(shop: Served) -> None:
    connection = begun(shop)
    is_over = threading.Event()

    def drip() -> None:
        with suppress(OSError):
            while not is_over.wait(0.05):
                connection.sendall(b"1")

    dripping = threading.Thread(target=drip)
    dripping.start()
    began = time.monotonic()
    status = connection.recv(65_536)[9:12]
    is_over.set()
    dripping.join()
    connection.close()
    assert (status, time.monotonic() - began < 5) == (b"400", True)


def test_the_form_of_a_page_has_a_deadline_too(shop: Served) -> None:
    _status, seconds = answer(begun(shop, "/admin/sign-in"))
    assert seconds < 5


def test_many_stalled_bodies_all_end(shop: Served) -> None:
    connections = [begun(shop) for _ in range(20)]
    began = time.monotonic()
    assert [answer(one)[0] for one in connections] == [b"400"] * 20
    assert time.monotonic() - began < 10
    assert shop.post(order_fields()).status == 202


def test_a_body_that_comes_in_time_is_taken_and_the_deadline_ends_with_it(shop: Served) -> None:
    for _ in range(3):
        assert shop.post(order_fields()).status == 202
    connection = begun(shop, framing="Content-Length: 12")
    connection.sendall(b"A-1")
    assert answer(connection)[0] == b"202"


def test_a_servers_lines_are_read_in_time() -> None:
    class Stream:
        lines: Iterator[bytes] = iter([b"a\n", b"b"])

        def readline(self) -> bytes:
            return next(self.lines, b"")

        def readlines(self) -> list[bytes]:
            return [b"a\n"]

    ours, theirs = socket.socketpair()
    with ours, theirs:
        body = body_deadlines._LimitedBody(Stream(), ours, body_deadlines._Watch())
        assert list(body) == [b"a\n", b"b"]
        assert body.readlines() == [b"a\n"]
