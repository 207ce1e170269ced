"""What is refused at the start: a key that's easy to guess, and Flask's debugger where others can reach it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.processes import ROOT, Running, granian, gunicorn, server_environment
from tests.served import order_fields
from tests.smtp_servers import free_port
from tests.waiting import SOON

Command = Callable[[int], list[str]]

EASY = "change-this-to-a-long-random-string-123"
TOLD = "SECRET_KEY is easy to guess: it's one of an example; set what `openssl rand -hex 32` prints, or remove it"
DEBUGS = "which others can reach: Flask's debugger would let them run any code. Unset FLASK_DEBUG"


def flask(*words: str) -> Command:
    return lambda port: ["flask", *(word.format(port=port) for word in words)]


def once(server: Callable[..., list[str]]) -> Command:
    return lambda port: [word for word in server(port, workers=1) if word != "--respawn-failed-workers"]


def ended(command: Command, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", *command(free_port())]
    environment = server_environment() | variables
    return subprocess.run(
        words, cwd=ROOT, env=environment, check=False, capture_output=True, text=True, timeout=4 * SOON
    )


@pytest.mark.parametrize("command", [flask("serve", "--port={port}"), flask("worker")], ids=["serve", "worker"])
def test_commands_do_not_start_with_a_key_that_is_easy_to_guess(instance: Path, command: Command) -> None:
    found = ended(command, {"RECEIVER_SECRET_KEY": EASY})
    assert (found.returncode, TOLD in found.stderr, EASY in found.stderr) == (1, True, False)


@pytest.mark.parametrize("server", [granian, gunicorn], ids=["granian", "gunicorn"])
def test_servers_take_no_order_with_a_key_that_is_easy_to_guess(
    launch: Callable[..., Running], server: Callable[..., list[str]]
) -> None:
    shop = launch(server, workers=1, SECRET_KEY=EASY)
    reply = shop.post(order_fields())
    assert (reply.status, reply.headers["Retry-After"], TOLD in shop.log) == (503, "30", True)


@pytest.mark.parametrize(
    ("command", "variables"),
    [
        pytest.param(flask("--debug", "run", "--host=0.0.0.0", "--port={port}"), {}, id="run on all addresses"),
        pytest.param(flask("run", "--debug", "--port={port}"), {"RECEIVER_PUBLIC_URL": "https://a.example"}, id="run"),
        pytest.param(flask("run", "--debugger", "--host=0.0.0.0", "--port={port}"), {}, id="run with --debugger"),
        pytest.param(flask("run", "--host=::", "--port={port}"), {"FLASK_RUN_DEBUGGER": "1"}, id="FLASK_RUN_DEBUGGER"),
        pytest.param(flask("--app=receiver", "run", "--debug", "--host=0.0.0.0", "--port={port}"), {}, id="package"),
        pytest.param(flask("serve", "--host=0.0.0.0", "--port={port}"), {"FLASK_DEBUG": "1"}, id="serve"),
        *(
            pytest.param(command, {"FLASK_DEBUG": "1", "RECEIVER_PUBLIC_URL": "https://a.example"}, id=name)
            for name, command in (
                ("worker", flask("worker")),
                ("granian", once(granian)),
                ("gunicorn", once(gunicorn)),
            )
        ),
    ],
)
def test_nothing_starts_with_the_debugger_where_others_can_reach_it(
    instance: Path, command: Command, variables: dict[str, str]
) -> None:
    found = ended(command, variables)
    assert found.returncode != 0
    assert DEBUGS in found.stdout + found.stderr


def test_on_this_machine_it_may_debug(launch: Callable[..., Running]) -> None:
    shop = launch(_debugging)
    assert shop.post(order_fields()).status == 202


def _debugging(port: int, *, workers: int) -> list[str]:
    return ["flask", "--debug", "run", f"--port={port}"]
