"""Forms of the pages, sent too large over a real socket: a plain 413, at once, and no memory for it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.end_to_end.processes import Running, at_once, granian, gunicorn
from tests.served import FORM
from tests.waiting import SOON

Launch = Callable[..., Running]
Server = Callable[..., list[str]]

SERVERS = pytest.mark.parametrize("server", [granian, gunicorn], ids=["granian", "gunicorn"])
PAGES = ("/admin/sign-in", "/account/sign-in", "/account/forgotten")
MULTIPART = "multipart/form-data; boundary=cut"
#: What a form of 64 KiB may cost a server, with room for what the machine does besides.
MOST_GROWTH_MB = 60


def parts(count: int) -> bytes:
    """Give a form of parts with one letter each."""
    return b'--cut\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n' * count + b"--cut--"


def chunked(body: bytes) -> bytes:
    """Give a body in chunks."""
    cuts = range(0, len(body), 50_000)
    return b"".join(b"%x\r\n%s\r\n" % (len(one), one) for at in cuts if (one := body[at : at + 50_000])) + b"0\r\n\r\n"


def send(shop: Running, path: str, body: bytes, content_type: str, *, in_chunks: bool = False) -> tuple[int, str]:
    """POST over a socket of its own, as far as the server takes it, and give the status and the answer."""
    framing = "Transfer-Encoding: chunked" if in_chunks else f"Content-Length: {len(body)}"
    at = urlsplit(shop.base)
    head = f"POST {path} HTTP/1.1\r\nHost: {at.netloc}\r\nConnection: close\r\n"
    head += f"Content-Type: {content_type}\r\n{framing}\r\n\r\n"
    with socket.create_connection((at.hostname, at.port), SOON) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(head.encode() + (chunked(body) if in_chunks else body))
        return read_answer(connection)


def read_answer(connection: socket.socket) -> tuple[int, str]:
    """Read until the end; a server that hangs up on the rest of a body has answered before."""
    answer = b""
    with suppress(ConnectionResetError):
        while part := connection.recv(65_536):
            answer += part
    return int(answer[9:12] or 0), answer.decode("utf-8", "replace")


def memory_mb(shop: Running) -> float:
    """Give the largest memory that any process of the server has held."""
    return max(_high_water(pid) for pid in _family(shop.process.pid)) / 1024


def _family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from _family(int(child))


def _high_water(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


@SERVERS
def test_a_form_of_15_megabytes_is_refused_and_costs_no_memory(launch: Launch, server: Server) -> None:
    shop = launch(server, EMBEDDED_WORKER="false")
    assert [shop.request("GET", page).status for page in PAGES] == [200] * 3
    before = memory_mb(shop)

    answers = at_once(6, lambda number: send(shop, PAGES[number % 3], b"a=&" * 5_000_000, FORM))

    assert [status for status, _ in answers] == [413] * 6
    assert all("The form is too large" in page for _, page in answers)
    assert memory_mb(shop) - before < MOST_GROWTH_MB


@SERVERS
def test_a_form_in_chunks_is_limited_too(launch: Launch, server: Server) -> None:
    shop = launch(server, EMBEDDED_WORKER="false")
    assert [shop.request("GET", page).status for page in PAGES] == [200] * 3
    before = memory_mb(shop)

    answers = [send(shop, page, b"a=&" * 1_000_000, FORM, in_chunks=True) for page in PAGES]

    assert [(status, "The form is too large" in page) for status, page in answers] == [(413, True)] * 3
    assert memory_mb(shop) - before < MOST_GROWTH_MB


def test_a_form_of_too_many_fields_or_letters_is_refused(launch: Launch) -> None:
    shop = launch(granian, EMBEDDED_WORKER="false")

    for body, content_type in (
        (b"a=&" * 300, FORM),
        (b"&" * 300, FORM),
        (b"a=" + b"b" * 70_000, FORM),
        (parts(300), MULTIPART),
        (parts(1)[:-7].replace(b"\r\nb\r\n", b"\r\n" + b"b" * 70_000 + b"\r\n") + b"--cut--", MULTIPART),
    ):
        status, page = send(shop, "/admin/sign-in", body, content_type)
        assert (status, "The form is too large" in page, "64 KiB" in page) == (413, True, True)
    assert send(shop, "/admin/sign-in", b"password=a", FORM)[0] == 400  # its token is missing
