"""Real SMTP servers for tests: one that answers as told, and sockets that fail in the ways servers do."""

from __future__ import annotations

# ruff: noqa: ARG002 - aiosmtpd calls its handlers with more than they need here
import contextlib
import datetime as dt
import ipaddress
import itertools
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
#: Below those that connections begin from. Each process starts elsewhere: another run of the tests may go on.
_FIRST, _OF_WORKER = 10_000 + 5_000 * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 4), 5_000
_PORTS = (_FIRST + number % _OF_WORKER for number in itertools.count(os.getpid()))


@dataclass
class Mailbox:
    """Takes mails and keeps them; each answer can be set to an error line."""

    recipient_answer: str = "250 OK"
    sender_answer: str = "250 OK"
    data_answer: str = "250 OK"
    #: How many mails were begun, taken or not.
    begun: int = 0
    mails: list[Envelope] = field(default_factory=list)
    #: One for each connection that a mail came over.
    peers: list[Any] = field(default_factory=list)
    tls: list[bool] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.begun += 1
        envelope.mail_from = address
        return self.sender_answer

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.recipient_answer

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.data_answer.startswith("250"):
            self.mails.append(envelope)
            self.peers.append(session.peer)
            self.tls.append(session.ssl is not None)
        return self.data_answer

    def authenticate(
        self, server: Any, session: Session, envelope: Envelope, mechanism: str, auth_data: Any
    ) -> AuthResult:
        self.logins.append(auth_data.login.decode())
        return AuthResult(success=auth_data.password == b"right", handled=False)


@contextlib.contextmanager
def smtp_server(
    mailbox: Mailbox,
    *,
    starttls: ssl.SSLContext | None = None,
    login: bool = False,
    tls: ssl.SSLContext | None = None,
    port: int = 0,
) -> Iterator[int]:
    """Serve the mailbox and give the port."""
    options: dict[str, Any] = {"auth_require_tls": False, "require_starttls": starttls is not None}
    if login:
        options["authenticator"] = mailbox.authenticate
    port = port or free_port()
    controller = Controller(mailbox, hostname=HOST, port=port, tls_context=starttls, ssl_context=tls, **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@contextlib.contextmanager
def socket_server(talk: Callable[[socket.socket], None], port: int = 0) -> Iterator[int]:
    """Run ``talk`` on each connection that comes and give the port; a talk ends when its peer leaves."""
    with socket.create_server((HOST, port)) as listener:
        threads: list[threading.Thread] = []

        def accept() -> None:
            while True:
                try:
                    connection, _address = listener.accept()
                except OSError:
                    return
                thread = threading.Thread(target=_talk_and_close, args=(talk, connection))
                thread.start()
                threads.append(thread)

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for thread in threads:
                thread.join()


def _talk_and_close(talk: Callable[[socket.socket], None], connection: socket.socket) -> None:
    with connection, contextlib.suppress(OSError):
        talk(connection)


def silent(connection: socket.socket) -> None:
    """Say nothing until the peer has gone."""
    connection.recv(1)


def hanging_up(connection: socket.socket) -> None:
    """Close at once."""


def saying(line: bytes) -> Callable[[socket.socket], None]:
    """Greet with one line, then wait until the peer has gone."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(line)
        connection.recv(1)

    return talk


def dripping(connection: socket.socket) -> None:
    """Say a line of a greeting that never ends, again and again."""
    while True:
        connection.sendall(b"220-one moment\r\n")
        time.sleep(0.05)


def dripping_after_the_greeting(connection: socket.socket) -> None:
    """Take everything up to the mail's sender, and never end the answer to it."""
    connection.sendall(b"220 here\r\n")
    reader = connection.makefile("rb")
    while not reader.readline().upper().startswith(b"MAIL"):
        connection.sendall(b"250 OK\r\n")
    reader.close()
    while True:
        connection.sendall(b"250-one moment\r\n")
        time.sleep(0.05)


def flooding(command: bytes, flood: bytes) -> Callable[[socket.socket], None]:
    """Take everything up to a command, then answer without end; no command floods at once."""

    def talk(connection: socket.socket) -> None:
        if command:
            connection.sendall(b"220 here\r\n")
            reader = connection.makefile("rb")
            while (line := reader.readline()) and not line.upper().startswith(command):
                connection.sendall(b"250 OK\r\n")
            reader.close()
        while True:
            connection.sendall(flood * 1_000)

    return talk


def one_mail_only(connection: socket.socket) -> None:
    """Take one mail without looking at it, then hang up."""
    connection.sendall(b"220 here\r\n")
    reader = connection.makefile("rb")
    while (command := reader.readline().strip().upper()) and command != b"DATA":
        connection.sendall(b"250 OK\r\n")
    connection.sendall(b"354 go on\r\n")
    while reader.readline() not in {b".\r\n", b""}:
        pass
    connection.sendall(b"250 OK\r\n")
    # The reader holds the socket too; both must go for the peer to see the end.
    reader.close()


def free_port() -> int:
    """Find a port that nobody listens on, in a range of this worker's own.

    A server that was killed leaves its port free for a moment: no other test may take it then.
    """
    while True:
        port = next(_PORTS)
        with contextlib.suppress(OSError), socket.create_server((HOST, port)):
            return port


def certificate(folder: Path, *, host: str = HOST) -> tuple[ssl.SSLContext, Path]:
    """Make a self-signed certificate: a server's context, and the file that a client has to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
    now = dt.datetime.now(dt.UTC)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    alternative = x509.IPAddress(ipaddress.ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain, trusted = folder / "server.pem", folder / "trusted.pem"
    chain.write_bytes(private + pem)
    trusted.write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context, trusted
