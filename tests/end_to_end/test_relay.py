"""The relay as processes: one transmission is sent by one of them at a time, and again when it was killed."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from receiver.app.components import Kit
from tests.end_to_end.processes import Process, server_environment
from tests.hostile_servers import serving
from tests.relay.relaying import ACCEPTED, Relay
from tests.waiting import SOON, wait_for

Launch = Callable[..., Process]


@pytest.fixture
def worker(instance: Path, tmp_path: Path) -> Iterator[Launch]:
    """Start `flask worker` on the test's instance; ``hasty``: after 3 s of silence it takes another's job over."""
    with ExitStack() as stack:

        def start(*, hasty: bool = False) -> Process:
            environment = server_environment(RELAY_ALLOW_PRIVATE="true")
            command = ["flask", "--app", "tests.end_to_end.hasty_app" if hasty else "wsgi", "worker"]
            process = Process(command, environment, tmp_path / "worker.log")
            stack.callback(process.kill)
            return process

        yield start


@pytest.fixture
def relay(make_app: Callable[..., Flask]) -> Relay:
    """Give the relay that the workers share, at the time that it really is."""
    kit: Kit = make_app(RELAY_ALLOW_PRIVATE=True).extensions["receiver"]
    made = Relay(kit)
    made.now = datetime.now(UTC)
    return made


def wait_until_delivered(relay: Relay) -> None:
    wait_for(lambda: set(relay.states()) == {"delivered"})


def test_two_processes_never_send_one_transmission_twice(relay: Relay, worker: Launch) -> None:
    with serving(ACCEPTED) as server:
        relay.controls.save(enabled=True, url=server.url())
        expected = {relay.receive() for _ in range(60)}
        for _ in range(2):
            worker()
        wait_until_delivered(relay)

    assert Counter(request.headers["webhook-id"] for request in server.requests) == Counter(expected)


def test_one_killed_while_it_sends_is_followed_by_another_under_the_same_webhook_id(
    relay: Relay, worker: Launch
) -> None:
    came = threading.Event()

    def answer(connection: Any) -> None:
        if came.is_set():
            ACCEPTED(connection)
        else:
            came.set()
            connection.recv(1)

    with serving(answer) as server:
        relay.controls.save(enabled=True, url=server.url())
        event_id = relay.receive()
        first = worker()
        assert came.wait(SOON)
        first.kill()
        assert relay.row().lease_token is not None
        worker(hasty=True)
        wait_until_delivered(relay)

    assert [request.headers["webhook-id"] for request in server.requests] == [event_id] * 2
    assert [attempt.number for attempt in relay.attempts()] == [1]
