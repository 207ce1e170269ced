"""Hostile receivers: each costs an attempt little time and memory, and no connection inside."""

from __future__ import annotations

import socket
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from receiver.app.components import Kit
from receiver.security.deadlines import DeadlineSocket
from receiver.security.http_client import new_pool
from tests.hostile_servers import Answerer, drip, flood, raw, reply, self_signed, server_context, serving
from tests.relay.relaying import ACCEPTED, Relay

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n"
PUBLIC = "93.184.216.34"


@pytest.fixture
def hasty(kit: Kit) -> Iterator[Relay]:
    """Return a relay that waits a fifteenth of the real time."""
    with new_pool(allow_private=True, https_only=False, connect_seconds=0.5, total_seconds=1) as pool:
        yield Relay(kit, pool)


@pytest.fixture
def guarded(kit: Kit) -> Iterator[Relay]:
    """Return a relay that connects to public addresses only, as in production."""
    with new_pool(allow_private=False, https_only=False) as pool:
        yield Relay(kit, pool)


def outcome(relay: Relay, url: str) -> tuple[str, str]:
    """Send one order there; gives the transmission's state and the kind of failure."""
    relay.controls.save(enabled=True, url=url)
    relay.receive()
    assert relay.work() == 1
    return relay.row().state, relay.attempts()[-1].kind


def test_a_redirect_to_a_metadata_address_is_not_followed(hasty: Relay) -> None:
    away = reply("302 Found", Location="http://169.254.169.254/latest/meta-data/")
    with serving(away) as server:
        assert outcome(hasty, server.url()) == ("open", "redirect")
        assert server.connections == 1


def peak_of_work(relay: Relay, answerer: Answerer) -> int:
    """Send one order to a server that answers so; gives the most bytes of memory that it took."""
    with serving(answerer) as server:
        relay.controls.save(enabled=True, url=server.url())
        relay.receive()
        tracemalloc.start()
        try:
            relay.work()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


def test_an_answer_of_100_mb_costs_less_than_5_mb_and_is_cut(hasty: Relay) -> None:
    assert peak_of_work(hasty, flood(HEAD, size=104_857_600, sent=[])) < 5_000_000
    assert len(hasty.attempts()[0].body) == 20_000
    assert hasty.states() == ["delivered"]


def test_headers_of_6_mb_cost_less_than_5_mb_and_end_the_attempt(hasty: Relay) -> None:
    headers = b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"x" * 65_000) for n in range(98)) + b"\r\n"

    assert peak_of_work(hasty, raw(headers)) < 5_000_000
    assert (hasty.states(), hasty.attempts()[0].kind) == (["open"], "broken")


def test_a_content_type_of_60_000_characters_is_cut(hasty: Relay) -> None:
    with serving(reply("202 Accepted", Content_Type="x" * 60_000)) as server:
        assert outcome(hasty, server.url()) == ("delivered", "")

    assert hasty.attempts()[0].content_type == "x" * 200


@pytest.mark.parametrize(
    ("answerer", "expected"),
    [
        (drip(b"", b"H", seconds=0.1), ("open", "timeout")),
        (drip(b"HTTP/1.1 500 Oops\r\nX: ", b"x", seconds=0.1), ("open", "timeout")),
        (drip(HEAD, b"x", seconds=0.1), ("delivered", "")),
    ],
)
def test_a_server_that_sends_a_byte_at_a_time_lasts_no_longer(
    hasty: Relay, answerer: Answerer, expected: tuple[str, str]
) -> None:
    with serving(answerer) as server:
        assert outcome(hasty, server.url()) == expected


def test_a_certificate_that_nobody_vouches_for_gets_no_order(hasty: Relay, tmp_path: Path) -> None:
    context = server_context(self_signed(tmp_path, name="localhost"))
    with serving(ACCEPTED, tls=context) as server:
        assert outcome(hasty, server.url()) == ("open", "certificate")
        assert server.requests == []


def test_a_name_that_is_public_first_and_private_later_leads_nowhere_inside(
    guarded: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [PUBLIC, "127.0.0.1"]
    connects: list[str] = []

    def getaddrinfo(_host: str, port: int, **_: Any) -> list[Any]:
        address = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))]

    def connect(_self: DeadlineSocket, address: tuple[str, int]) -> None:
        connects.append(address[0])
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(DeadlineSocket, "connect", connect)
    with serving(ACCEPTED) as server:
        assert outcome(guarded, server.url(host="shop.example")) == ("open", "refused")
        assert outcome(guarded, server.url(host="shop.example")) == ("open", "address")
        assert server.connections == 0
    assert connects == [PUBLIC]


def test_a_url_that_was_saved_in_a_trial_is_not_connected_to_outside_one(guarded: Relay) -> None:
    with serving(ACCEPTED) as server:
        assert outcome(guarded, server.url()) == ("open", "address")
        assert server.connections == 0
