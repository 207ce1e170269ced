"""The other ways to deploy: gunicorn, a worker process of its own, senders that chunk their bodies."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from urllib3.exceptions import HTTPError

from tests.end_to_end.processes import Process, Running, command_environment, granian, gunicorn
from tests.served import FORM, SECRET, Reply, order_fields, signed
from tests.waiting import wait_for

Launch = Callable[..., Running]

LIMIT = 2_097_152
ALL_DONE = {"register_customer": "done", "email_customer": "done", "notify_merchant": "done"}
SERVERS = pytest.mark.parametrize("server", [granian, gunicorn], ids=["granian", "gunicorn"])


def test_gunicorn_serves_the_same_app(launch: Launch) -> None:
    shop = launch(gunicorn, workers=2)

    reply = shop.post(order_fields())

    assert (reply.status, reply.content["status"]) == (202, "accepted")
    assert [order.state for order in shop.settled()] == ["done"]
    assert shop.handler_states() == ALL_DONE


@SERVERS
def test_a_server_stops_when_asked_to(launch: Launch, server: Callable[..., list[str]]) -> None:
    shop = launch(server, workers=2)
    assert shop.post(order_fields()).status == 202
    shop.settled()

    assert shop.process.stop() == 0


@SERVERS
def test_a_running_job_ends_before_the_server_does(
    launch: Launch, instance: Path, server: Callable[..., list[str]]
) -> None:
    """Broken off, it would be done again at the next start: a mail would be sent twice."""
    code = "import time\nfrom receiver.handlers import handler\n\n@handler\ndef slow(order, context):\n"
    code += f"    open({str(instance / 'calls')!r}, 'a').write('begun ')\n    time.sleep(1.5)\n"
    (instance / "handlers" / "slow.py").write_text(code)
    shop = launch(server, HANDLERS="slow")
    assert shop.post(order_fields()).status == 202
    shop.wait_for((instance / "calls").exists)

    assert shop.process.stop() == 0
    assert ([row.state for row in shop.rows()], shop.handler_states()) == (["done"], {"slow": "done"})
    assert (instance / "calls").read_text() == "begun "


@SERVERS
def test_a_request_that_nobody_reads_ends_no_connection(launch: Launch, server: Callable[..., list[str]]) -> None:
    """A proxy would answer 502 to the order that it sends over that connection next."""
    shop = launch(server, EMBEDDED_WORKER="false")
    kept = http.client.HTTPConnection(urlsplit(shop.url).netloc)
    for path, status in [("/nothing", 404), ("/admin/orders", 401), ("/nothing", 404)] * 4:
        kept.request("POST", path, b"x" * 100_000, {"Content-Type": FORM})
        reply = kept.getresponse()
        reply.read()
        assert reply.status == status
    kept.close()


@SERVERS
def test_a_chunked_body_is_taken_whole_or_refused_and_never_cut(
    launch: Launch, server: Callable[..., list[str]]
) -> None:
    shop = launch(server, EMBEDDED_WORKER="false")
    flood = urlencode([*order_fields().items(), *((f"f{number}", "v") for number in range(300_000))]).encode()
    many = urlencode([*order_fields().items(), *((f"f{number}", "v") for number in range(20_000))]).encode()
    assert len(many) < LIMIT < len(flood)

    replies = [_chunked(shop, body) for body in (_body_of(LIMIT), _body_of(LIMIT + 1), flood, many)]

    assert [reply.status for reply in replies] == [202, 413, 413, 413]
    (order,) = shop.rows()
    fields = dict(json.loads(order.fields))
    assert fields["last"] == "here"
    assert len(fields["custom_padding"]) == len(_padding(LIMIT))


def test_a_worker_process_runs_the_jobs_of_servers_without_workers(launch: Launch, tmp_path: Path) -> None:
    shop = launch(workers=2, EMBEDDED_WORKER="false")
    assert shop.post(order_fields()).status == 202
    time.sleep(1.5)
    assert [order.state for order in shop.rows()] == ["open"]

    worker = Process(["flask", "worker"], command_environment(SHARED_SECRETS=SECRET), tmp_path / "worker.log")
    try:
        assert [order.state for order in shop.settled()] == ["done"]
        assert shop.post(order_fields()).status == 202
        assert [order.state for order in shop.settled()] == ["done", "done"]
        assert shop.handler_states() == ALL_DONE
        assert worker.stop() == 0
    finally:
        worker.kill()


def _chunked(shop: Running, body: bytes, *, is_signed: bool = False) -> Reply:
    """POST in chunks of 8 KiB, without a Content-Length."""

    def parts() -> Iterator[bytes]:
        for start in range(0, len(body), 8192):
            yield body[start : start + 8192]

    proof = signed(body) if is_signed else {"X-Shared-Secret": SECRET}
    headers = {**proof, "Content-Type": FORM, "Connection": "close"}
    return shop.request("POST", "/orders", body=parts(), chunked=True, headers=headers)


def _body_of(size: int) -> bytes:
    body = urlencode(_fields(_padding(size))).encode()
    assert len(body) == size
    return body


def _padding(size: int) -> str:
    return "x" * (size - len(urlencode(_fields(""))))


def _fields(padding: str) -> dict[str, str]:
    return order_fields(order_id="CHUNKED-1", custom_padding=padding) | {"last": "here"}


@SERVERS
def test_of_two_headers_with_a_secret_each_is_tried(launch: Launch, server: Callable[..., list[str]]) -> None:
    shop = launch(server, EMBEDDED_WORKER="false")
    for first, second in (("another secret altogether", SECRET), (SECRET, "another secret altogether")):
        sender = http.client.HTTPConnection(urlsplit(shop.url).netloc)
        body = urlencode(order_fields()).encode()
        sender.putrequest("POST", "/orders")
        for name, value in (("X-Shared-Secret", first), ("X-Shared-Secret", second), ("Content-Type", FORM)):
            sender.putheader(name, value)
        sender.putheader("Content-Length", str(len(body)))
        sender.endheaders(body)
        assert sender.getresponse().status == 202
        sender.close()


@SERVERS
def test_stalled_bodies_hold_the_servers_threads_for_so_long_only(
    launch: Launch, server: Callable[..., list[str]]
) -> None:
    """It has 8; before, 16 senders that began a body and went quiet kept every order out until they left."""
    shop = launch(partial(_in_haste, server), workers=1, EMBEDDED_WORKER="false")
    at = urlsplit(shop.url)
    order = order_fields()
    with ExitStack() as stack:
        stalled = [stack.enter_context(socket.create_connection((at.hostname, at.port), 60)) for _ in range(16)]
        _begin_and_stall(stalled)

        # granian tells connections of one address apart by how long they've waited, and this one waits as long here.
        shop.wait_for(lambda: _is_accepted(shop, order), 60)
        for with_length, in_chunks in zip(stalled[::2], stalled[1::2], strict=True):
            assert with_length.recv(65_536)[9:12] == b"400"
            assert in_chunks.recv(65_536)[9:12] == (b"503" if server is granian else b"400")
    assert len(shop.rows()) == 1


def _begin_and_stall(stalled: Sequence[socket.socket]) -> None:
    """Send the beginning of an order over each connection, by turns with its length and in chunks."""
    head = f"POST /orders HTTP/1.1\r\nHost: a\r\nX-Shared-Secret: {SECRET}\r\nContent-Type: {FORM}\r\n"
    begun = urlencode(order_fields())
    for one in stalled[::2]:
        one.sendall(f"{head}Content-Length: 1000\r\n\r\n{begun}".encode())
    for one in stalled[1::2]:
        one.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n{len(begun):x}\r\n{begun}\r\n".encode())


def _is_accepted(shop: Running, order: dict[str, str]) -> bool:
    with suppress(HTTPError):
        return shop.post(order).status in {200, 202}
    return False


def test_under_granian_a_byte_now_and_then_does_not_put_the_deadline_off(launch: Launch) -> None:
    shop = launch(partial(_in_haste, granian), workers=1, EMBEDDED_WORKER="false")
    at = urlsplit(shop.url)
    with socket.create_connection((at.hostname, at.port), 60) as dripping:
        dripping.sendall(
            f"POST /orders HTTP/1.1\r\nHost: a\r\nX-Shared-Secret: {SECRET}\r\nContent-Length: 9999\r\n\r\n".encode()
        )
        dripping.settimeout(0.1)

        def is_hung_up_on() -> bool:
            try:
                dripping.sendall(b"o")
                return dripping.recv(65_536)[9:12] in {b"400", b""}
            except TimeoutError:
                return False
            except OSError:  # closed, with a byte on its way
                return True

        wait_for(is_hung_up_on)


def test_who_stalls_has_no_whole_body_of_its_address_refused_for_good(launch: Launch) -> None:
    """granian doesn't tell which connection stalled: a body that carries its end is taken, another one comes again."""
    shop = launch(partial(_in_haste, granian), workers=1, EMBEDDED_WORKER="false")
    at = urlsplit(shop.url)
    with socket.create_connection((at.hostname, at.port), 60) as stalled:
        begun = urlencode(order_fields()).encode()
        head = f"POST /orders HTTP/1.1\r\nHost: a\r\nX-Shared-Secret: {SECRET}\r\nTransfer-Encoding: chunked\r\n\r\n"
        stalled.sendall(head.encode() + b"%x\r\n%b\r\n" % (len(begun), begun))
        assert stalled.recv(65_536)[9:12] == b"503"

    form = _chunked(shop, urlencode(order_fields()).encode())
    as_json = _chunked(shop, json.dumps(order_fields()).encode())
    with_signature = _chunked(shop, urlencode(order_fields()).encode(), is_signed=True)

    assert (form.status, form.headers["Retry-After"]) == (503, "30")
    for whole in (as_json, with_signature):
        assert (whole.status, whole.content["status"]) == (202, "accepted")
    assert len(shop.rows()) == 2


def _in_haste(server: Callable[..., list[str]], port: int, *, workers: int) -> list[str]:
    return [word.replace("wsgi:app", "tests.end_to_end.hasty_app:app") for word in server(port, workers=workers)]
