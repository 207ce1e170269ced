"""Raw-socket servers for tests of the client side: each answers in one way, well or badly."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Answerer = Callable[[socket.socket], None]


@dataclass
class Request:
    """What a client sent: request line, headers by small-letter name, body."""

    line: str
    headers: dict[str, str]
    body: bytes


class Server:
    """Answers each connection on a free port of ``host`` in a thread of its own, until closed."""

    def __init__(
        self,
        answerer: Answerer,
        *,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        keep_alive: bool = False,
    ) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self._answerer = answerer
        self._tls = tls
        self._keep_alive = keep_alive
        self.port: int = self._listener.getsockname()[1]
        #: Connections taken, before anything was read from them.
        self.connections = 0
        self.requests: list[Request] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def url(self, path: str = "/orders", *, host: str = "127.0.0.1") -> str:
        """Give a URL of this server."""
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{path}"

    def close(self) -> None:
        """Stop taking connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), connection:
            if self._tls is None:
                self._answer(connection)
            else:
                with self._tls.wrap_socket(connection, server_side=True) as wrapped:
                    self._answer(wrapped)

    def _answer(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            while line := stream.readline().decode("latin-1").strip():
                headers: dict[str, str] = {}
                while (header := stream.readline().strip()) != b"":
                    name, _, value = header.decode("latin-1").partition(":")
                    headers[name.lower()] = value.strip()
                body = stream.read(int(headers.get("content-length", "0")))
                self.requests.append(Request(line, headers, body))
                self._answerer(connection)
                if not self._keep_alive:
                    return


@contextlib.contextmanager
def serving(
    answerer: Answerer, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", keep_alive: bool = False
) -> Iterator[Server]:
    """Run a server for as long as the block lasts."""
    server = Server(answerer, tls=tls, host=host, keep_alive=keep_alive)
    try:
        yield server
    finally:
        server.close()


def reply(status: str, body: bytes = b"", **headers: str) -> Answerer:
    """Answer with a status such as ``202 Accepted``; an underscore in a header's name stands for a hyphen."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return raw("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def raw(answer: bytes) -> Answerer:
    """Answer with exactly these bytes and close."""
    return lambda connection: connection.sendall(answer)


def drip(start: bytes, drop: bytes, *, seconds: float) -> Answerer:
    """Answer with ``start`` and then with ``drop``, so many seconds apart, until the client leaves."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(start)
        while True:
            time.sleep(seconds)
            connection.sendall(drop)

    return answer


def flood(start: bytes, *, size: int, sent: list[int]) -> Answerer:
    """Answer with ``start`` and ``size`` bytes more; ``sent`` gets how many the client let through."""

    def answer(connection: socket.socket) -> None:
        count = 0
        try:
            connection.sendall(start)
            while count < size:
                count += connection.send(b"x" * 65536)
        finally:
            sent.append(count)

    return answer


def silence(connection: socket.socket) -> None:
    """Take the request and never answer; ends when the client goes."""
    connection.recv(1)


def self_signed(folder: Path, *, name: str, address: str = "127.0.0.1", days: int = 1) -> Path:
    """Write a certificate for a host name and an address, its key with it; negative ``days``: expired."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address(address))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=10))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


def server_context(certificate: Path) -> ssl.SSLContext:
    """Make the server's side of TLS from what self_signed wrote."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
