"""A shop that the kit asks: an API over TLS under the shop's own host name, which leads here."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from receiver.security.http_client import new_pool
from tests.hostile_servers import self_signed, server_context


class Asked(NamedTuple):
    """Is one question."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Said(NamedTuple):
    """Is an answer to one."""

    status: int = 200
    body: bytes | dict[str, Any] | list[Any] = b""
    headers: tuple[tuple[str, str], ...] = ()


#: Answers a question.
Answers = Callable[[Asked], Said]


class AskedShop:
    """Is such a shop; ``questions`` are those that came, and ``answers`` may be replaced at any time."""

    def __init__(self, answers: Answers, context: ssl.SSLContext) -> None:
        self.answers = answers
        self.questions: list[Asked] = []
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # the library's own name
                size = int(self.headers.get("Content-Length", "0"))
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, self.path, headers, self.rfile.read(size))
                shop.questions.append(asked)
                said = shop.answers(asked)
                body = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
                self.send_response(said.status)
                length = {"Content-Length": str(len(body))}
                for name, value in (length | dict(said.headers or (("Content-Type", "application/json"),))).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815 - likewise

            def log_message(self, *_args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def pool(self) -> Any:
        """Give a client that reaches it: it may connect to this machine, and checks certificates all the same."""
        return new_pool(allow_private=True, https_only=True)


@pytest.fixture
def ask_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, Answers], AskedShop]]:
    """Have a host's name lead to a shop that answers like this, for the kit's own client."""
    with ExitStack() as stack:

        def start(host: str, answers: Answers) -> AskedShop:
            certificate = self_signed(tmp_path, name=host)
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
            shop = AskedShop(answers, server_context(certificate))
            stack.callback(shop.close)
            real = socket.getaddrinfo

            def getaddrinfo(name: Any, *args: Any, **kwargs: Any) -> Any:
                if name == host:
                    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", shop.port))]
                return real(name, *args, **kwargs)

            monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
            return shop

        yield start
