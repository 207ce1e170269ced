"""flask worker and flask serve: processes that go on until they are stopped."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import urllib3
from flask import Flask
from urllib3.exceptions import HTTPError

from receiver.app.commands import serve as module
from receiver.app.components import Kit
from receiver.storage.models import OrderRow
from receiver.storage.processes import living
from tests.commanding import Run, runner
from tests.served import Served, order_fields
from tests.smtp_servers import free_port
from tests.waiting import SOON, wait_for


@pytest.fixture
def run(make_app: Callable[..., Flask]) -> Run:
    """Run a flask command on an app with these settings."""
    return runner(make_app)


@pytest.fixture(autouse=True)
def _signals_are_put_back() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, action in before.items():
        signal.signal(number, action)


def copies_of_the_first(kit: Kit) -> int:
    with kit.database.read() as session:
        row = session.get(OrderRow, 1)
        return row.copies if row else 0


def answers(port: int) -> bool:
    """Tell whether a server answers there, and give the command the time to see that too."""
    try:
        urllib3.request("GET", f"http://127.0.0.1:{port}/healthz", retries=False)
    except HTTPError:
        return False
    time.sleep(0.5)
    return True


@contextmanager
def terminated_when(condition: Callable[[], bool]) -> Iterator[None]:
    """Send this process SIGTERM, as a service manager would, once a condition holds."""
    signal.signal(signal.SIGTERM, lambda *_: None)

    def terminate() -> None:
        deadline = time.monotonic() + SOON
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=terminate)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def test_worker_runs_jobs_until_it_is_stopped(run: Run, serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    shop.post(order_fields())
    kinds: set[str] = set()

    def is_done() -> bool:
        with shop.kit.database.read() as session:
            kinds.update(one.kind for one in living(session, datetime.now(UTC)))
        return bool(shop.rows()[0].state == "done")

    with terminated_when(is_done):
        result = run("worker")
    assert (result.exit_code, shop.rows()[0].state, kinds) == (0, "done", {"worker"})
    with shop.kit.database.read() as session:
        assert living(session, datetime.now(UTC)) == [], "it has said that it ends"
    assert result.stdout == "Working with 4 threads. Ctrl-C stops after the running jobs.\n"


def test_worker_does_not_start_on_wrong_settings(run: Run) -> None:
    result = run("worker", MAX_FIELDS=0)
    assert result.exit_code == 1
    assert "the worker can't start; the log above says why." in result.stderr


def test_serve_walks_the_self_test_at_its_first_start_only(
    run: Run, kit: Kit, capfd: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    with terminated_when(lambda: copies_of_the_first(kit) == 1):
        first = run("serve", "--port", str(port))
    table = capfd.readouterr().out
    with terminated_when(lambda: answers(port)):
        second = run("serve", "--port", str(port), SHARED_SECRETS=[])
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "First start: the self test sends a test order" in first.stdout
    assert "second copy" in table
    assert "Next: " not in first.stdout
    assert f"Console:                  http://127.0.0.1:{port}/admin/\n" in first.stdout
    assert "First password:           printed by `flask init` above" in first.stdout
    assert second.stdout == (
        f"\nOrders go to:             http://127.0.0.1:{port}/orders\n"
        f"Console:                  http://127.0.0.1:{port}/admin/\n"
        "Next, add the service's shared secret with: .venv/bin/flask secret add SECRET\n"
        "Each POST is shown below. Press Ctrl-C to stop.\n"
    )


def test_serve_says_at_once_that_the_port_is_taken(run: Run, shop: Served) -> None:
    port = shop.base.rpartition(":")[2]
    result = run("serve", "--port", port)
    assert result.exit_code == 1
    said = f"can't listen on 127.0.0.1:{port}: Address already in use; use another port: make run PORT=8001."
    assert result.stderr.endswith(f"{said}\n")


def test_a_host_may_be_a_name() -> None:
    assert module._free_address("localhost", 0) == "127.0.0.1"


def test_serve_says_that_there_is_no_such_host_or_port(run: Run) -> None:
    assert "can't listen on nope.invalid:8000: " in run("serve", "--host", "nope.invalid").stderr
    assert "is not in the range 1<=x<=65535" in run("serve", "--port", "99999").stderr


@pytest.mark.parametrize(
    ("host", "proxies", "is_reported"),
    [("0.0.0.0", 0, True), ("::", 0, True), ("0.0.0.0", 1, False), ("127.0.0.1", 0, False), ("localhost", 0, False)],
)
def test_serve_says_what_it_means_to_be_reached_by_anybody(
    run: Run, monkeypatch: pytest.MonkeyPatch, host: str, proxies: int, is_reported: bool
) -> None:
    monkeypatch.setattr(module, "_granian", lambda _host, _port: ["false"])
    monkeypatch.setattr(module, "_free_address", lambda host, _port: host)
    said = run("serve", "--host", host, TRUSTED_PROXIES=proxies).stderr
    assert ("8 clients that stall keep orders out for up to 30 s. Put a proxy in front" in said) is is_reported


def test_serve_says_what_others_can_read(run: Run, instance: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = instance.with_name("given")
    given.write_bytes((instance / "secret_key").read_bytes())
    given.chmod(0o644)
    (instance / "secret_key").unlink()
    (instance / "secret_key").symlink_to(given)
    monkeypatch.setattr(module, "_granian", lambda _host, _port: ["true"])
    monkeypatch.setattr(module, "_answers", lambda _server, _url: True)
    monkeypatch.setattr(module, "_is_first_start", lambda _kit: False)
    said = run("serve", "--port", str(free_port())).stderr
    assert f"Warning: other users can read {instance}/secret_key. Run: chmod go= {instance}/secret_key" in said


def test_serve_says_when_its_server_ends(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_granian", lambda _host, _port: ["false"])
    result = run("serve", "--port", str(free_port()))
    assert result.exit_code == 1
    assert "the lines above say why" in result.stderr


def test_serve_kills_a_server_that_has_not_stopped_when_it_is_told_again(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ready, asked, serving = tmp_path / "ready", tmp_path / "asked", threading.Event()
    deaf = f"trap 'touch {asked}' TERM; touch {ready}; while :; do sleep 1 & wait; done"
    monkeypatch.setattr(module, "_granian", lambda _host, _port: ["sh", "-c", deaf])

    def answers_when_ready(_server: object, _url: str) -> bool:
        wait_for(ready.exists)
        serving.set()
        return True

    monkeypatch.setattr(module, "_answers", answers_when_ready)
    monkeypatch.setattr(module, "_is_first_start", lambda _kit: False)
    with terminated_when(serving.is_set), terminated_when(asked.exists):
        result = run("serve", "--port", str(free_port()))
    assert (result.exit_code, asked.exists()) == (0, True)


def test_the_service_may_hold_many_connections() -> None:
    unit = (Path(__file__).parents[2] / "deploy" / "receiver.service").read_text()
    assert "LimitNOFILE=65536" in unit.splitlines()


def test_a_worker_that_ends_unexpectedly_is_started_again_here_and_where_it_is_deployed() -> None:
    option = "--respawn-failed-workers"
    assert option in module._granian("127.0.0.1", 8000)
    assert option in (Path(__file__).parents[2] / "deploy" / "receiver.service").read_text().split()


@pytest.mark.parametrize(
    ("host", "settings", "variables"),
    [
        ("127.0.0.1", {}, {"RECEIVER_PUBLIC_URL": "http://there", "RECEIVER_RELAY_ALLOW_PRIVATE": "true"}),
        ("localhost", {}, {"RECEIVER_PUBLIC_URL": "http://there", "RECEIVER_RELAY_ALLOW_PRIVATE": "true"}),
        ("0.0.0.0", {}, {"RECEIVER_PUBLIC_URL": "http://there"}),
        ("shop.internal", {}, {"RECEIVER_PUBLIC_URL": "http://there"}),
        ("127.0.0.1", {"PUBLIC_URL": "https://shop.example"}, {}),
        ("127.0.0.1", {"PUBLIC_URL": "http://shop.example"}, {"RECEIVER_RELAY_ALLOW_PRIVATE": "true"}),
    ],
)
def test_only_on_a_trial_machine_the_relay_may_reach_local_addresses(
    make_app: Callable[..., Flask], host: str, settings: dict[str, str], variables: dict[str, str]
) -> None:
    kit: Kit = make_app(**settings).extensions["receiver"]
    names = ("RECEIVER_PUBLIC_URL", "RECEIVER_RELAY_ALLOW_PRIVATE")
    found = module._environment(kit, host, "http://there")
    assert {name: found[name] for name in names if name in found} == variables
