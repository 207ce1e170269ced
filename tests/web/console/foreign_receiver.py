"""Another maker's receiver: a plain http.server that compares the field shared_secret by hand."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs


class ForeignReceiver(ThreadingHTTPServer):
    """A server that takes orders on any path; it has no secret until a test sets one."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.secret = ""
        self.taken: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}/shop/orders.cgi"


class _Handler(BaseHTTPRequestHandler):
    server: ForeignReceiver

    def do_POST(self) -> None:
        fields = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        is_proven = bool(self.server.secret) and fields.get("shared_secret") == [self.server.secret]
        if is_proven:
            self.server.taken += fields["order_id"]
        self.send_response(200 if is_proven else 401)
        self.end_headers()
        self.wfile.write(b"thank you" if is_proven else b"who are you?")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def foreign_receiver() -> Iterator[ForeignReceiver]:
    """Serve one on a free port."""
    with ForeignReceiver() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()
