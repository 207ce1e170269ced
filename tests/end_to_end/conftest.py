"""Fixtures: an instance as `flask init` makes it, and servers and commands on it as processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.end_to_end.processes import ROOT, Process, Running, granian, running, server_environment
from tests.served import SECRET
from tests.smtp_servers import free_port


@pytest.fixture(scope="session")
def fresh_instance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an instance that the command itself has made; tests work on copies."""
    path = tmp_path_factory.mktemp("initialised") / "instance"
    subprocess.run(
        [sys.executable, "-m", "flask", "init"],
        cwd=ROOT,
        env=os.environ | {"RECEIVER_INSTANCE_PATH": str(path)},
        check=True,
        capture_output=True,
    )
    return path


@pytest.fixture
def launch(make_app: Callable[..., Flask], tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Serve the test's instance by a command that is made for a port; settings go into its environment."""
    with ExitStack() as stack:

        def start(
            command: Callable[..., list[str]] = granian,
            *,
            workers: int = 1,
            process: type[Process] = Process,
            **settings: Any,
        ) -> Running:
            port, log = free_port(), tmp_path / "server.log"
            kit = make_app().extensions["receiver"]
            variables = server_environment(SHARED_SECRETS=SECRET, **settings)
            words = command(port, workers=workers)
            return stack.enter_context(running(port, kit, lambda: process(words, variables, log), log))

        yield start


@pytest.fixture
def add_handler(instance: Path) -> Callable[[str, str], None]:
    """Put a handler's file into the instance."""

    def add(name: str, source: str) -> None:
        (instance / "handlers" / f"{name}.py").write_text(source, "utf-8")

    return add
