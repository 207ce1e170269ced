"""A sender that begins a body and stalls holds a thread for so long and no longer, where the server allows it."""

from __future__ import annotations

import io
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask

from receiver.app import body_deadlines
from tests.served import FORM, SECRET, Served, order_fields, served
from tests.smtp_servers import certificate
from tests.waiting import SOON

SECONDS = 0.5
HEAD = (
    "POST {path} HTTP/1.1\r\nHost: shop.example\r\n"
    f"X-Shared-Secret: {SECRET}\r\nContent-Type: {FORM}\r\n"
    "{framing}\r\n\r\n"
)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_deadlines, "BODY_SECONDS", SECONDS)


def begun(shop: Served, path: str = "/orders", framing: str = "Content-Length: 1000") -> socket.socket:
    """Send the head of a request and the first bytes of its body."""
    at = urlsplit(shop.base)
    connection = socket.create_connection((at.hostname, at.port), SOON)
    connection.sendall(HEAD.format(path=path, framing=framing).encode() + b"order_id=")
    return connection


def answer(connection: socket.socket) -> tuple[bytes, float]:
    """Give the status that comes, and after how many seconds."""
    began = time.monotonic()
    with connection:
        return connection.recv(65_536)[9:12], time.monotonic() - began


def test_a_body_that_stalls_is_answered_as_one_that_broke_off(shop: Served) -> None:
    status, seconds = answer(begun(shop))
    assert (status, seconds > SECONDS / 2) == (b"400", True)
    assert shop.rows() == []


@pytest.fixture
def begun_over_tls(make_app: Callable[..., Flask], tmp_path: Path) -> Iterator[socket.socket]:
    """Begin a body over TLS, as under gunicorn --certfile: an answer has to find its way through the encryption."""
    server, trusted = certificate(tmp_path, host="127.0.0.1")
    client = ssl.create_default_context(cafile=str(trusted))
    with served(make_app(), work=False, tls=server) as shop:
        plain = socket.create_connection(("127.0.0.1", urlsplit(shop.base).port or 0), SOON)
        with client.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
            connection.sendall(HEAD.format(path="/orders", framing="Content-Length: 1000").encode() + b"order_id=")
            yield connection


def test_a_body_that_stalls_over_tls_is_answered_too(begun_over_tls: socket.socket) -> None:
    status, seconds = answer(begun_over_tls)
    assert (status, seconds > SECONDS / 2) == (b"400", True)


def test_nor_does_a_byte_now_and_then_over_tls(begun_over_tls: socket.socket) -> None:
    assert_drips_end(begun_over_tls)


def test_a_byte_now_and_then_does_not_put_the_deadline_off(shop: Served) -> None:
    assert_drips_end(begun(shop))


def assert_drips_end(connection: socket.socket) -> None:
    is_over = threading.Event()

    def drip() -> None:
        with suppress(OSError):
            while not is_over.wait(0.05):
                connection.sendall(b"1")

    dripping = threading.Thread(target=drip)
    dripping.start()
    status = connection.recv(65_536)[9:12]
    is_over.set()
    dripping.join()
    connection.close()
    assert status == b"400"


def test_a_forked_process_watches_none_of_its_parents_bodies() -> None:
    """Its parent still reads them; to end one would end the parent's."""
    watch = body_deadlines._WATCH
    ours, theirs = socket.socketpair()
    with ours, theirs, watch.until(time.monotonic() + SOON, ours):
        child = os.fork()
        if not child:
            with watch.until(time.monotonic() + SOON, theirs):
                os._exit(len(watch._waited_for))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1


def test_the_form_of_a_page_has_a_deadline_too(shop: Served) -> None:
    status, seconds = answer(begun(shop, "/admin/sign-in"))
    assert (status, seconds > SECONDS / 2) == (b"400", True)


def test_many_stalled_bodies_all_end(shop: Served) -> None:
    connections = [begun(shop) for _ in range(20)]
    assert [answer(one)[0] for one in connections] == [b"400"] * 20
    assert shop.post(order_fields()).status == 202


def test_a_body_that_comes_in_time_is_taken_and_the_deadline_ends_with_it(shop: Served) -> None:
    for _ in range(3):
        assert shop.post(order_fields()).status == 202
    connection = begun(shop, framing="Content-Length: 12")
    connection.sendall(b"A-1")
    assert answer(connection)[0] == b"202"


def test_a_body_is_read_in_every_way_that_a_servers_stream_is() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:

        def body() -> Any:
            return body_deadlines._LimitedBody({"wsgi.input": io.BytesIO(b"a\nbc")}, ours, body_deadlines._Watch())

        assert (body().read(), body().read(3), body().readline()) == (b"a\nbc", b"a\nb", b"a\n")
        assert list(body()) == body().readlines() == [b"a\n", b"bc"]
