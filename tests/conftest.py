"""Fixtures: an instance of its own for every test, and the app served over a real socket."""

from __future__ import annotations

import gc
import logging
import os
import shutil
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from werkzeug.security import generate_password_hash
from xdist.workermanage import NodeManager

from receiver import create_app
from receiver.app.components import Kit
from receiver.customers import accounts
from receiver.security import sign_ins
from receiver.storage.models import AdministratorRow
from receiver.storage.opening import open_database
from tests import compiled_once, stores
from tests.asked_shops import ask_shop
from tests.browsers import browse, chromium, window
from tests.served import SECRET, Served, served
from tests.stores import PostgreSQLServer
from tests.unmeasured import unmeasured
from tests.web.console.visitor import PASSWORD

__all__ = ["ask_shop", "browse", "chromium", "window"]
pytest_plugins = ["receiver.testing"]

#: Hashes a password so that the hundreds of sign-ins of the tests don't each take a tenth of a second.
hash_quickly = partial(generate_password_hash, method="scrypt:1024:8:1")
#: The admin's password.
QUICKLY_CHECKED = hash_quickly(PASSWORD)
#: The files that take longest are begun with, so that none is left for one worker alone at the end.
LONGEST = (
    "end_to_end/test_readme.py",
    "web/console/test_pages.py",
    "storage/test_clock.py",
    "customers/test_accounts.py",
    "torture/test_torture.py",
    "end_to_end/test_copies.py",
    "end_to_end/test_deploy.py",
    "end_to_end/test_installed.py",
    "end_to_end/test_relay.py",
    "end_to_end/test_fuzz.py",
    "web/console/test_parked.py",
    "web/console/test_orders.py",
    "end_to_end/test_hostile_handlers.py",
    "end_to_end/test_disk.py",
    "end_to_end/test_no_leaks.py",
    "web/test_stored_scripts.py",
    "web/console/test_help.py",
)


#: Where Linux keeps files in memory, and how many free bytes it takes for the tests to work there.
IN_MEMORY, ENOUGH = Path("/dev/shm"), 2**30


def pytest_configure() -> None:
    """Give a worker of a busy machine the time to write its coverage down before it is ended."""
    NodeManager.EXIT_TIMEOUT = 120
    # A test's database waits for the disk at each commit: milliseconds, thousands of times.
    if os.access(IN_MEMORY, os.W_OK) and shutil.disk_usage(IN_MEMORY).free > ENOUGH:
        os.environ["TMPDIR"] = os.environ["PYTEST_DEBUG_TEMPROOT"] = tempfile.tempdir = str(IN_MEMORY)
    # Nor does hypothesis fail an example there for taking 0.2 seconds, or a test for making its examples slowly.
    settings.register_profile(
        "busy machine", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("busy machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; the others stay in their order."""
    items[:] = [item for item in items if stores.runs_here(item)]
    place = {Path(__file__).parent / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


def pytest_collection_finish() -> None:
    """Let the collector pass by what thousands of collected tests consist of, and come seldom: memory is plenty."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test is a failed one: everything that a test needs is there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Measure no coverage behind a browser, whose pages other tests reach already, nor where a test's mark says so."""
    behind_a_browser = "browse" in getattr(item, "fixturenames", ())
    with unmeasured() if behind_a_browser or item.get_closest_marker("unmeasured") else nullcontext():
        return (yield)


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("RECEIVER_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True, scope="session")
def _apps_are_compiled_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        compiled_once.share_compiled_templates(monkeypatch)
        compiled_once.share_compiled_routes(monkeypatch)
        compiled_once.share_compiled_statements(monkeypatch)
        compiled_once.share_installed_packages(monkeypatch)
        yield


@pytest.fixture(autouse=True, scope="session")
def _passwords_are_hashed_quickly() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        for module in (accounts, sign_ins):
            monkeypatch.setattr(module, "generate_password_hash", hash_quickly)
        yield


@pytest.fixture(autouse=True)
def _stray_errors_are_pytests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pytest fail a test for an error that nobody catches, also after one that serves in this process."""
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    monkeypatch.setattr(logging.Handler, "handleError", logging.Handler.handleError)


@pytest.fixture(scope="session")
def fresh_instance(fresh_instance: Path) -> Path:
    """Give an instance as `flask init` leaves it, with the quickly checked password; tests work on copies."""
    database = open_database(f"sqlite:///{fresh_instance / 'receiver.sqlite'}", fresh_instance / "write.lock")
    with database.write() as session:
        session.get_one(AdministratorRow, 1).password_hash = QUICKLY_CHECKED
    database.engine.dispose()
    return fresh_instance


@pytest.fixture(scope="session")
def database_server(fresh_instance: Path) -> Iterator[PostgreSQLServer | None]:
    """Run the server that the tests' databases are on; None on SQLite."""
    if not stores.ON_POSTGRESQL:
        yield None
        return
    with stores.postgresql_server() as server:
        stores.make_template(server, fresh_instance, PASSWORD)
        yield server


@pytest.fixture(scope="session")
def postgresql(database_server: PostgreSQLServer | None) -> Iterator[PostgreSQLServer]:
    """Give a PostgreSQL server to those who need one on whatever store the tests run."""
    with nullcontext(database_server) if database_server else stores.postgresql_server() as server:
        yield server


@pytest.fixture
def empty_url(postgresql: PostgreSQLServer) -> Iterator[str]:
    """Give the URL of a database on a server, with nothing in it."""
    with stores.database_of_its_own(postgresql, like="template0") as url:
        yield url


@pytest.fixture
def database_url(database_server: PostgreSQLServer | None) -> Iterator[str]:
    """Give the URL of a database of the test's own, empty for the one in its instance."""
    with stores.database_of_its_own(database_server) if database_server else nullcontext("") as url:
        yield url


@pytest.fixture
def instance(fresh_instance: Path, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an instance of the test's own, and let everything find it."""
    path = tmp_path / "instance"
    shutil.copytree(fresh_instance, path)
    monkeypatch.setenv("RECEIVER_INSTANCE_PATH", str(path))
    if database_url:
        monkeypatch.setenv("RECEIVER_DATABASE_URL", database_url)
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
