"""Fixtures: an instance of its own for every test, and the app served over a real socket."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from xdist.workermanage import NodeManager

from receiver import create_app
from receiver import instance as instances
from receiver.kit import Kit
from tests.browsers import browse, chromium
from tests.served import SECRET, Served, served

__all__ = ["browse", "chromium"]


def pytest_configure() -> None:
    """Give a worker of a busy machine the time to write its coverage down before it is ended."""
    NodeManager.EXIT_TIMEOUT = 120


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test is a failed one: everything that a test needs is there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("RECEIVER_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _stray_errors_are_pytests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pytest fail a test for an error that nobody catches, also after one that serves in this process."""
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)


@pytest.fixture(scope="session")
def fresh_instance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an instance as `flask init` leaves it; tests work on copies."""
    path = tmp_path_factory.mktemp("fresh") / "instance"
    os.environ["RECEIVER_INSTANCE_PATH"] = str(path)
    try:
        list(instances.set_up(create_app().extensions["receiver"], "the admin's password"))
    finally:
        del os.environ["RECEIVER_INSTANCE_PATH"]
    return path


@pytest.fixture
def instance(fresh_instance: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an instance of the test's own, and let everything find it."""
    path = tmp_path / "instance"
    shutil.copytree(fresh_instance, path)
    monkeypatch.setenv("RECEIVER_INSTANCE_PATH", str(path))
    return path


@pytest.fixture
def make_app(instance: Path) -> Iterator[Callable[..., Flask]]:
    """Make apps on the test's instance; settings are given by name."""
    with ExitStack() as stack:

        def make(**settings: Any) -> Flask:
            app = create_app({"SHARED_SECRETS": [SECRET], **settings})
            stack.callback(app.extensions["receiver"].database.engine.dispose)
            return app

        yield make


@pytest.fixture
def kit(make_app: Callable[..., Flask]) -> Kit:
    """Give the parts of an app with default settings and one secret."""
    found: Kit = make_app().extensions["receiver"]
    return found


@pytest.fixture
def serve(make_app: Callable[..., Flask]) -> Iterator[Callable[..., Served]]:
    """Serve an app with these settings on a free port; ``work=False`` leaves its jobs undone."""
    with ExitStack() as stack:

        def start(*, work: bool = True, **settings: Any) -> Served:
            return stack.enter_context(served(make_app(**settings), work=work))

        yield start


@pytest.fixture
def shop(serve: Callable[..., Served]) -> Served:
    """Give a served receiver whose jobs run."""
    return serve()
