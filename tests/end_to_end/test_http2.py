"""HTTP/2 in clear: senders that begin streams and leave them unfinished stop no order."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from flask import Flask

from receiver.app.commands.serve import _granian
from tests.end_to_end.processes import ROOT, Process, Running, granian, running, server_environment
from tests.served import SECRET, order_fields
from tests.smtp_servers import free_port
from tests.waiting import SOON

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _SETTINGS, _PING = 0, 1, 4, 6
_END_HEADERS = 0x4
#: More than the server has threads.
_STREAMS = 16
_CONNECTIONS = 4


class Serving(Process):
    """Is `flask serve`, which ends its server itself: that one is no member of its process group."""

    def end(self) -> None:
        self.stop()


@pytest.fixture
def shop(make_app: Callable[..., Flask], tmp_path: Path) -> Iterator[Running]:
    """Serve the test's instance by the command that `make run` runs."""
    port, log = free_port(), tmp_path / "server.log"
    variables = server_environment(SHARED_SECRETS=SECRET)
    command = ["flask", "serve", "--port", str(port)]
    kit = make_app().extensions["receiver"]
    with running(port, kit, lambda: Serving(command, variables, log), log) as server:
        yield server


def test_unfinished_streams_of_http2_do_not_stop_the_server(shop: Running) -> None:
    """Each took a thread for good, so that after eight of them nothing was answered any more."""
    for _ in range(_CONNECTIONS):
        _begin_and_leave(int(shop.base.rpartition(":")[2]))

    for _ in range(3):
        assert shop.request("GET", "/healthz", timeout=SOON, retries=False).status == 200
        assert shop.request("POST", "/orders", timeout=SOON, retries=False, **_an_order()).status == 202


@pytest.mark.parametrize(
    "command",
    [_granian("127.0.0.1", 1), granian(1), (ROOT / "deploy" / "receiver.service").read_text("utf-8").split()],
    ids=["make run", "tests", "deploy"],
)
def test_granian_is_started_for_http1_alone(command: list[str]) -> None:
    assert "--http 1" in " ".join(command).replace("=", " ")


def _begin_and_leave(port: int) -> None:
    """Begin as many bodies as there may be streams, on one connection, and end none."""
    headers = b"".join(
        _literal(name, value)
        for name, value in [
            (b":method", b"POST"),
            (b":scheme", b"http"),
            (b":path", b"/orders"),
            (b":authority", b"127.0.0.1"),
            (b"content-type", b"application/x-www-form-urlencoded"),
        ]
    )
    with socket.create_connection(("127.0.0.1", port), timeout=SOON) as connection:
        begun = b"".join(
            _frame(_HEADERS, _END_HEADERS, stream, headers) + _frame(_DATA, 0, stream, b"a=1")
            for stream in range(1, 2 * _STREAMS, 2)
        )
        connection.sendall(_PREFACE + _frame(_SETTINGS, 0, 0, b"") + begun + _frame(_PING, 0, 0, b"all sent"))
        answer = b""
        with suppress(ConnectionError):
            while b"all sent" not in answer and (part := connection.recv(65_536)):
                answer += part


def _frame(kind: int, flags: int, stream: int, content: bytes) -> bytes:
    return len(content).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + content


def _literal(name: bytes, value: bytes) -> bytes:
    """Encode a header by HPACK, the longest and simplest way: a literal that is not indexed."""
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def _an_order() -> dict[str, object]:
    return {
        "body": "&".join(f"{name}={value}" for name, value in order_fields(item_1_name="Mug").items()),
        "headers": {"X-Shared-Secret": SECRET, "Content-Type": "application/x-www-form-urlencoded"},
    }
