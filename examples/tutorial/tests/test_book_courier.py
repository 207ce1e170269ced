"""book_courier: what it does of its own, and the battery that every handler passes."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from receiver.testing import HandlerCases


class Courier(BaseHTTPRequestHandler):
    """Notes each request's key, and answers with the server's status."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.keys.append(self.headers["Idempotency-Key"])
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(b'{"number": "PX-7"}')

    def log_message(self, *_):
        pass


@pytest.fixture
def courier():
    with HTTPServer(("127.0.0.1", 0), Courier) as server:
        server.keys, server.status = [], 201
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def handler_settings(courier):
    own = {"token": "t", "url": f"http://127.0.0.1:{courier.server_port}/parcels"}
    return {"HTTP_ALLOW": ["127.0.0.1"], "handlers": {"book_courier": own}}  # others are public addresses


class TestIt(HandlerCases):
    name = "book_courier"


def test_a_parcel_is_booked_under_the_idempotency_key(courier, run_handler):
    trial = run_handler("book_courier")

    assert (trial.state, trial.detail) == ("done", "parcel PX-7")
    (key,) = courier.keys
    assert key.endswith(":book_courier:1")


@pytest.mark.parametrize(("status", "why"), [(429, "the courier is busy"), (500, "the courier answered 500")])
def test_a_courier_that_cannot_now_is_asked_again(courier, run_handler, status, why):
    courier.status = status
    trial = run_handler("book_courier")

    assert trial.state == "retrying"
    assert why in trial.detail


def test_an_address_without_a_postcode_is_skipped(order, make_order, run_handler, courier):
    nowhere = order.shipping.model_copy(update={"postcode": None})

    assert run_handler("book_courier", make_order(shipping=nowhere)).state == "skipped"
    assert courier.keys == []
