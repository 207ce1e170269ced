"""A receiver of somebody else, written with the public standardwebhooks package, takes what is sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import parse_qs

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.relay.relaying import Relay


class Foreign(ThreadingHTTPServer):
    """The receiver; one byte may be changed on the way to it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.secret = ""
        self.changes_a_byte = False
        self.bodies: list[bytes] = []


class _Handler(BaseHTTPRequestHandler):
    server: Foreign

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.changes_a_byte:
            body = body.replace(b"18.50", b"18.51", 1)
        try:
            Webhook(self.server.secret).verify(body, dict(self.headers.items()), json_parse=False)
        except WebhookVerificationError:
            self.send_error(401)
        else:
            self.server.bodies.append(body)
            self.send_response(204)
            self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def foreign() -> Iterator[Foreign]:
    with Foreign() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize("encoding", ["form", "json"])
def test_it_accepts_both_encodings_and_refuses_them_when_a_byte_changes(
    relay: Relay, foreign: Foreign, encoding: Literal["form", "json"]
) -> None:
    relay.now = datetime.now(UTC)
    relay.controls.save(enabled=True, url=f"http://127.0.0.1:{foreign.server_port}/hook", encoding=encoding)
    foreign.secret = relay.controls.reveal()
    relay.receive(order_id="A-7")
    relay.work()
    body = foreign.bodies[0].decode()
    order_id = json.loads(body)["order_id"] if encoding == "json" else parse_qs(body)["order_id"][0]

    assert (relay.states(), order_id) == (["delivered"], "A-7")
    foreign.changes_a_byte = True
    relay.receive()
    relay.work()
    assert (relay.row().state, relay.attempts()[-1].status, len(foreign.bodies)) == ("open", 401, 1)


def test_during_a_rotation_it_accepts_with_the_old_secret_and_with_the_new(relay: Relay, foreign: Foreign) -> None:
    relay.now = datetime.now(UTC)
    relay.controls.save(enabled=True, url=f"http://127.0.0.1:{foreign.server_port}/hook")
    old = relay.controls.reveal()
    new = relay.controls.rotate()
    for foreign.secret in (old, new):
        relay.receive()
        relay.work()

    assert relay.states() == ["delivered"] * 2
