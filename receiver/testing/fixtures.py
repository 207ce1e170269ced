"""The fixtures of a handler's tests: orders, an instance to run them in, and the outbox."""

# ruff: noqa: S101 - these are tests

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask

from receiver import create_app
from receiver.app.components import Kit
from receiver.app.instance import set_up
from receiver.orders import Order
from receiver.orders.encoding import form_fields
from receiver.orders.sample import dummy_order
from receiver.orders.states import COMPLETED_EVENT, EVENTS
from receiver.settings.installation import instance_folder
from receiver.storage.models import MailRow
from receiver.testing.trial import Trial, count_rows

_SECRET = "the-secret-of-the-handlers-tests"  # noqa: S105 - of instances that live as long as one test
_HEADERS = {"X-Shared-Secret": _SECRET, "Content-Type": "application/x-www-form-urlencoded"}
_PASSWORD = "a password for the tests"  # noqa: S105
_TAKEN = frozenset({"accepted", "tested"})

RunHandler = Callable[..., Trial]
MakeOrder = Callable[..., Order]


@pytest.fixture
def make_order() -> MakeOrder:
    """Return a function that makes the test order as a real one, with its own id and with changes by name.

    ``make_order(shipping=None)`` has no address, ``make_order(test=True)`` is a test transmission.
    """
    numbers = count(1)

    def make(**changes: Any) -> Order:
        known = dummy_order(now=datetime.now(UTC), nonce=str(next(numbers))).model_dump(exclude_defaults=True)
        return Order.model_validate({**known, "test": False, **changes})

    return make


@pytest.fixture
def order(make_order: MakeOrder) -> Order:
    """Return the test order as a real one; override it when the handler has nothing to do on that."""
    return make_order()


@pytest.fixture
def handler_settings() -> dict[str, Any]:
    """Return the handler's settings: none, unless you override this.

    Its own are in its table: ``{"handlers": {"mine": {"token": "t"}}}``.
    """
    return {}


@pytest.fixture
def outbox() -> list[MailRow]:
    """Return the emails of the orders that ``run_handler`` ran, oldest first; the list fills as handlers run.

    Each has ``recipient``, ``subject``, ``text``, ``html``, ``reply_to`` and ``state``: *sent*, into a file.
    """
    return []


@pytest.fixture(scope="session")
def fresh_instance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an instance as ``flask init`` leaves it; tests work on copies."""
    path = tmp_path_factory.mktemp("fresh") / "instance"
    with pytest.MonkeyPatch.context() as patch:
        _use_nothing_but(patch, path)
        kit: Kit = create_app().extensions["receiver"]
        list(set_up(kit, _PASSWORD))
        kit.database.engine.dispose()
    return path


@pytest.fixture
def instance(fresh_instance: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an instance of the test's own, with copies of the merchant's ``handlers`` and ``templates``."""
    merchants = instance_folder()
    path = tmp_path / "instance"
    shutil.copytree(fresh_instance, path)
    for folder in ("handlers", "templates"):
        if (merchants / folder).is_dir():
            shutil.copytree(merchants / folder, path / folder, dirs_exist_ok=True)
    _use_nothing_but(monkeypatch, path)
    return path


@pytest.fixture
def run_handler(
    request: pytest.FixtureRequest,
    instance: Path,  # noqa: ARG001 - the app is made in it
    order: Order,
    handler_settings: dict[str, Any],
    outbox: list[MailRow],
) -> RunHandler:
    """Run one handler, by its name, on the ``order`` fixture's or another order, and give the trial.

    ``run_handler("mine", make_order(shipping=None), SHOP_NAME="Mine")``: an order, or the fields of a form as a sender
    posts them, and settings beside those of ``handler_settings``. An order of an event that the handler doesn't run on
    is sent as the first one that it does run on. A test's orders all go to the same instance.
    """
    apps: dict[str, Flask] = {}

    def app_with(settings: Mapping[str, Any]) -> Flask:
        if repr(settings) not in apps:
            apps[repr(settings)] = app = create_app(settings)
            request.addfinalizer(app.extensions["receiver"].database.engine.dispose)
        return apps[repr(settings)]

    def run(name: str, on: Order | Mapping[str, str] | None = None, **settings: Any) -> Trial:
        app = app_with({"SHARED_SECRETS": [_SECRET], **handler_settings, **settings, "HANDLERS": [name]})
        kit: Kit = app.extensions["receiver"]
        handler = kit.registry.get(name)
        assert handler, (*kit.registry.problems, *kit.registry.notes)
        before = count_rows(kit)
        fields = list(on.items() if isinstance(on, Mapping) else form_fields(on or order))
        if dict(fields).get("event", COMPLETED_EVENT) not in handler.events:
            event = next(event for event in EVENTS.values() if event in handler.events)
            fields = [*(field for field in fields if field[0] != "event"), ("event", event)]
        body = urlencode(fields)
        answer = app.test_client().post("/orders", data=body, headers=_HEADERS)
        said = answer.get_json(silent=True) or {}
        assert said.get("status") in _TAKEN, answer.text
        trial = Trial(kit, name, said["receipt"], before, outbox)
        if said["status"] == "accepted":
            trial.again()
        else:
            trial.run()
        return trial

    return run


def _use_nothing_but(patch: pytest.MonkeyPatch, instance: Path) -> None:
    """Set the environment to this instance and no other setting."""
    for name in [name for name in os.environ if name.startswith("RECEIVER_")]:
        patch.delenv(name)
    patch.setenv("RECEIVER_INSTANCE_PATH", str(instance))
