from __future__ import annotations

import contextlib
import gzip
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from urllib3 import PoolManager
from urllib3.exceptions import (
    ConnectTimeoutError,
    LocationParseError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
    SSLError,
    URLSchemeUnknown,
)

from receiver.security import http_client
from receiver.security.deadlines import DeadlineSocket
from receiver.security.http_client import AddressRefused, new_pool, peer
from tests.hostile_servers import drip, flood, raw, reply, self_signed, server_context, serving, silence
from tests.waiting import SOON

OK = reply("200 OK", b"done")
PUBLIC = "93.184.215.14"
PUBLIC_IPV6 = "2606:2800:21f:cb07:6820:80da:af6b:8b2c"


@pytest.fixture
def local_pool() -> Iterator[PoolManager]:
    with new_pool(allow_private=True, https_only=False) as pool:
        yield pool


@pytest.fixture
def guarded_pool() -> Iterator[PoolManager]:
    with new_pool(allow_private=False, https_only=False) as pool:
        yield pool


@pytest.fixture
def hasty_pool() -> Iterator[PoolManager]:
    with new_pool(allow_private=True, https_only=False, connect_seconds=0.3, total_seconds=0.6) as pool:
        yield pool


@contextlib.contextmanager
def in_time() -> Iterator[None]:
    """Fail if it took as long as the other side lets it, not the 0.6 s that it may."""
    started = time.monotonic()
    yield
    assert time.monotonic() - started < SOON


def found(*addresses: str, port: int) -> list[Any]:
    """What getaddrinfo gives for a name with these addresses."""
    return [
        (
            socket.AF_INET6 if ":" in address else socket.AF_INET,
            socket.SOCK_STREAM,
            socket.IPPROTO_TCP,
            "",
            (address, port),
        )
        for address in addresses
    ]


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Makes each look-up, whatever the name, find the next of some lists of addresses, the last for ever."""

    def install(*answers: list[str]) -> list[str]:
        asked: list[str] = []

        def getaddrinfo(host: str, port: int, **kwargs: Any) -> list[Any]:
            asked.append(host)
            return found(*answers[min(len(asked), len(answers)) - 1], port=port)

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        return asked

    return install


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collects the addresses that a connection is tried to, none of which answers."""
    tried: list[str] = []

    def connect(self: DeadlineSocket, address: tuple[str, int]) -> None:
        tried.append(address[0])
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(DeadlineSocket, "connect", connect)
    return tried


# Which addresses


def test_a_local_server_is_reached_when_that_is_allowed(local_pool: PoolManager) -> None:
    with serving(OK) as server:
        response = local_pool.request("POST", server.url(host="localhost"), body=b"a=1")
        assert (response.status, response.data) == (200, b"done")
        assert server.requests[0].body == b"a=1"
        assert server.requests[0].headers["host"] == f"localhost:{server.port}"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "0", "[::ffff:127.0.0.1]"])
def test_no_spelling_of_this_machine_is_connected_to(guarded_pool: PoolManager, host: str) -> None:
    with serving(OK) as server:
        with pytest.raises(AddressRefused, match="leads to no public address"):
            guarded_pool.request("POST", server.url(host=host), body=b"a=1")
        assert server.connections == 0


@pytest.mark.parametrize("address", ["169.254.169.254", "fd00:ec2::254", "fe80::1"])
def test_metadata_is_not_connected_to_where_private_addresses_are_allowed(
    local_pool: PoolManager, resolve: Callable[..., list[str]], connects: list[str], address: str
) -> None:
    resolve([address])
    with pytest.raises(AddressRefused, match="leads to no public address"):
        local_pool.request("GET", "http://shop.example/")
    assert connects == []


def test_a_refusal_names_every_address_and_its_reason(
    guarded_pool: PoolManager, resolve: Callable[..., list[str]]
) -> None:
    resolve(["10.0.0.8", "fe80::1"])
    with pytest.raises(AddressRefused, match=r"10\.0\.0\.8 \(private\), fe80::1 \(link-local\)"):
        guarded_pool.request("GET", "https://shop.example/")


def test_a_name_that_turns_inward_after_the_check_is_not_followed(
    guarded_pool: PoolManager, resolve: Callable[..., list[str]], connects: list[str]
) -> None:
    """DNS rebinding: one look-up only, and the address judged is the address connected to."""
    asked = resolve([PUBLIC], ["127.0.0.1"])
    with serving(OK) as server:
        with pytest.raises(NewConnectionError):
            guarded_pool.request("GET", server.url(host="shop.example"))
        assert asked == ["shop.example"]
        with pytest.raises(AddressRefused):
            guarded_pool.request("GET", server.url(host="shop.example"))
        assert server.connections == 0
    assert connects == [PUBLIC]


def test_a_name_that_turns_inward_reaches_no_server_on_this_machine(
    guarded_pool: PoolManager, resolve: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same with real sockets: only what a second look-up would find is a server here."""
    monkeypatch.setattr(http_client, "blocked_reason", lambda address, **_: None if address == "127.0.0.2" else "x")
    resolve(["127.0.0.2"], ["127.0.0.1"])
    with serving(OK, host="127.0.0.1") as server:
        with pytest.raises(NewConnectionError):
            guarded_pool.request("GET", server.url(host="shop.example"))
        assert server.connections == 0


def test_of_public_and_inner_addresses_only_the_public_are_tried(
    guarded_pool: PoolManager, resolve: Callable[..., list[str]], connects: list[str]
) -> None:
    resolve(["127.0.0.1", PUBLIC_IPV6, "169.254.169.254", PUBLIC])
    with pytest.raises(NewConnectionError, match=r"shop\.example port 443: Connection refused"):
        guarded_pool.request("GET", "https://shop.example/")
    assert connects == [PUBLIC_IPV6, PUBLIC]


def test_when_one_address_refuses_the_next_is_tried(local_pool: PoolManager, resolve: Callable[..., list[str]]) -> None:
    with serving(OK) as server:
        resolve(["127.0.0.9", "127.0.0.1"])
        assert local_pool.request("GET", server.url(host="shop.example")).status == 200


def test_when_one_address_is_silent_the_next_has_its_time(
    hasty_pool: PoolManager, resolve: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = DeadlineSocket.connect

    def connect_or_wait(self: DeadlineSocket, address: tuple[str, int]) -> None:
        if address[0] == "127.0.0.9":
            time.sleep(self.gettimeout() or 0)
            raise TimeoutError("timed out")
        connect(self, address)

    monkeypatch.setattr(DeadlineSocket, "connect", connect_or_wait)
    with serving(OK) as server:
        resolve(["127.0.0.9", "127.0.0.1"])
        assert hasty_pool.request("GET", server.url(host="shop.example")).status == 200


def test_an_address_family_that_the_machine_lacks_ends_no_hope(
    local_pool: PoolManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(OK) as server:
        lacking = (socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_UDP, "", ("::1", server.port))
        both = [lacking, *found("127.0.0.1", port=server.port)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
        assert local_pool.request("GET", server.url(host="shop.example")).status == 200


def test_ipv6_is_connected_to_as_well(local_pool: PoolManager) -> None:
    with serving(OK, host="::1") as server:
        assert local_pool.request("GET", server.url(host="[::1]")).status == 200
        assert server.requests[0].headers["host"] == f"[::1]:{server.port}"


def test_a_name_that_is_not_found_says_so(local_pool: PoolManager, monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*args: Any, **kwargs: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(NameResolutionError):
        local_pool.request("GET", "http://nowhere.example/")


def test_a_name_with_too_long_a_part_says_so(local_pool: PoolManager) -> None:
    with pytest.raises(LocationParseError, match="too long"):
        local_pool.request("GET", f"http://{'x' * 64}.example/")


# What is never done


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_no_redirect_is_followed(local_pool: PoolManager, status: str) -> None:
    with serving(OK) as inner, serving(reply(status, Location=inner.url("/latest/meta-data"))) as server:
        response = local_pool.request("POST", server.url(), body=b"a=1")
        assert response.status == int(status[:3])
        assert (server.connections, inner.connections) == (1, 0)


def test_nothing_is_sent_twice(local_pool: PoolManager) -> None:
    with serving(raw(b"")) as server:
        with pytest.raises(ProtocolError):
            local_pool.request("POST", server.url(), body=b"a=1")
        assert server.connections == 1


def test_no_proxy_is_taken_from_the_environment(local_pool: PoolManager, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(reply("502 Bad Gateway")) as proxy, serving(OK) as server:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url("/"))
        assert local_pool.request("GET", server.url()).status == 200
        assert proxy.connections == 0


def test_in_production_http_is_not_spoken() -> None:
    with serving(OK) as server, new_pool(allow_private=True, https_only=True) as pool:
        with pytest.raises(URLSchemeUnknown):
            pool.request("GET", server.url())
        assert server.connections == 0


# TLS


def test_the_name_is_kept_for_host_sni_and_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resolve: Callable[..., list[str]]
) -> None:
    certificate = self_signed(tmp_path, name="shop.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = server_context(certificate)
    asked: list[str | None] = []
    context.sni_callback = lambda _sock, name, _context: asked.append(name)
    resolve(["127.0.0.1"])
    with serving(OK, tls=context) as server, new_pool(allow_private=True, https_only=True) as pool:
        response = pool.request("GET", server.url(host="shop.example"), preload_content=False)
        assert peer(response) == ("127.0.0.1", "TLSv1.3")
        assert response.read() == b"done"
        assert asked == ["shop.example"]
        assert server.requests[0].headers["host"] == f"shop.example:{server.port}"


def test_a_certificate_that_nobody_vouches_for_is_refused(local_pool: PoolManager, tmp_path: Path) -> None:
    context = server_context(self_signed(tmp_path, name="localhost"))
    with serving(OK, tls=context) as server:
        with pytest.raises(SSLError, match=r"self.signed certificate"):
            local_pool.request("GET", server.url(host="localhost"))
        assert server.requests == []


@pytest.mark.parametrize(
    ("name", "days", "words"), [("other.example", 1, "Hostname mismatch"), ("localhost", -1, "expired")]
)
def test_a_certificate_of_another_host_or_time_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, days: int, words: str
) -> None:
    certificate = self_signed(tmp_path, name=name, days=days)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with (
        serving(OK, tls=server_context(certificate)) as server,
        new_pool(allow_private=True, https_only=True) as pool,
    ):
        with pytest.raises(SSLError, match=words):
            pool.request("GET", server.url(host="localhost"))
        assert server.requests == []


def test_without_tls_only_the_address_is_told(local_pool: PoolManager) -> None:
    with serving(OK) as server:
        response = local_pool.request("GET", server.url(), preload_content=False)
        assert peer(response) == ("127.0.0.1", None)
        assert response.read() == b"done"


# In time


def test_5_seconds_to_connect_and_15_in_all(local_pool: PoolManager) -> None:
    timeout = local_pool.connection_pool_kw["timeout"]
    assert (timeout.connect_timeout, timeout.total) == (5, 15)


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFF\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;",
    ],
)
def test_a_byte_at_a_time_does_not_last_longer(hasty_pool: PoolManager, start: bytes) -> None:
    with (
        serving(drip(start, b"1", seconds=0.05)) as server,
        in_time(),
        pytest.raises((ReadTimeoutError, ProtocolError)),
    ):
        hasty_pool.request("POST", server.url(), body=b"a=1")


def test_a_byte_at_a_time_inside_tls_does_not_last_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = self_signed(tmp_path, name="localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with (
        serving(drip(b"HTTP/1.1 200 OK\r\n", b"X", seconds=0.05), tls=server_context(certificate)) as server,
        new_pool(allow_private=True, https_only=True, connect_seconds=0.3, total_seconds=0.6) as pool,
        in_time(),
        pytest.raises(ReadTimeoutError),
    ):
        pool.request("POST", server.url(host="localhost"), body=b"a=1")


def test_a_silent_server_is_given_up(hasty_pool: PoolManager) -> None:
    with serving(silence) as server, in_time(), pytest.raises(ReadTimeoutError):
        hasty_pool.request("POST", server.url(), body=b"a=1")


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """Connects, and reads nothing ever."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_silent_tls_handshake_is_given_up(hasty_pool: PoolManager, deaf_port: int) -> None:
    with in_time(), pytest.raises(ReadTimeoutError):
        hasty_pool.request("GET", f"https://127.0.0.1:{deaf_port}/")


def test_a_server_that_does_not_read_is_given_up(hasty_pool: PoolManager, deaf_port: int) -> None:
    with in_time(), pytest.raises(ProtocolError, match="timed out"):
        hasty_pool.request("POST", f"http://127.0.0.1:{deaf_port}/", body=b"x" * 50_000_000)


def test_a_server_that_does_not_read_inside_tls_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = self_signed(tmp_path, name="localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    done = threading.Event()
    context = server_context(certificate)

    def handshake_only(listener: socket.socket) -> None:
        with listener.accept()[0] as connection, context.wrap_socket(connection, server_side=True):
            done.wait(2 * SOON)

    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        new_pool(allow_private=True, https_only=True, connect_seconds=0.3, total_seconds=0.6) as pool,
    ):
        server = threading.Thread(target=handshake_only, args=(listener,))
        server.start()
        with in_time(), pytest.raises(ProtocolError, match="timed out"):
            pool.request("POST", f"https://localhost:{listener.getsockname()[1]}/", body=b"x" * 50_000_000)
        done.set()
        server.join()


def test_a_silent_resolver_is_given_up(hasty_pool: PoolManager, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def getaddrinfo(*args: Any, **kwargs: Any) -> list[Any]:
        released.wait(2 * SOON)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with in_time(), pytest.raises(ConnectTimeoutError, match=r"shop\.example took too long"):
        hasty_pool.request("GET", "http://shop.example/")
    released.set()


def test_a_resolver_without_an_answer_reaches_nothing(
    local_pool: PoolManager, resolve: Callable[..., list[str]]
) -> None:
    resolve([])
    with pytest.raises(ConnectTimeoutError):
        local_pool.request("GET", "http://shop.example/")


def test_each_request_has_a_connection_and_a_time_of_its_own(hasty_pool: PoolManager) -> None:
    """A kept connection may be closed by the server just as the next request is sent, which is then lost."""
    with serving(OK, keep_alive=True) as server:
        for _ in range(3):
            assert hasty_pool.request("GET", server.url()).data == b"done"
            time.sleep(0.3)
        assert server.connections == 3


def test_a_request_may_be_given_no_end(local_pool: PoolManager) -> None:
    with serving(OK) as server:
        assert local_pool.request("GET", server.url(), timeout=None).data == b"done"


def test_a_server_that_closes_after_each_answer_loses_no_request(local_pool: PoolManager) -> None:
    with serving(OK) as server:
        for _ in range(200):
            assert local_pool.request("POST", server.url(), body=b"a=1").status == 200


def test_no_address_stands_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """It may hold a token, as that of a chat's webhook does."""
    logging.getLogger("urllib3.connectionpool").debug('"POST /services/TOKEN HTTP/1.1" 200 2')
    logging.getLogger("urllib3.util.retry").warning("Retrying after connection broken: /subscribe?email=ada")
    assert caplog.records == []


def test_many_threads_may_share_it_without_a_warning(local_pool: PoolManager, caplog: pytest.LogCaptureFixture) -> None:
    with serving(OK, keep_alive=True) as server, ThreadPoolExecutor(16) as threads:
        answers = threads.map(lambda _: local_pool.request("GET", server.url()).data, range(160))
        assert set(answers) == {b"done"}
    assert caplog.records == []


def test_an_answer_without_end_is_cut_off(local_pool: PoolManager) -> None:
    """It is as long as the connection's 15 s let it be: gigabytes, in the memory of a process that takes orders."""
    sent: list[int] = []
    start = b"HTTP/1.1 200 OK\r\n\r\n"
    with serving(flood(start, size=200_000_000, sent=sent)) as server:
        with pytest.raises(ProtocolError, match="more than is read"):
            local_pool.request("GET", server.url())
        assert sum(sent) < 40_000_000


def test_an_answer_is_unpacked_only_where_that_is_asked_for(local_pool: PoolManager) -> None:
    packed = gzip.compress(b"0" * 1_000_000)
    with serving(reply("200 OK", packed, Content_Encoding="gzip")) as server:
        assert local_pool.request("GET", server.url()).data == packed
        answer = local_pool.request("GET", server.url(), headers={"accept-encoding": "gzip"})
        assert len(answer.data) == 1_000_000
