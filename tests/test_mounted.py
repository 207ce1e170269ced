"""The receiver in a Flask site that is there already: all of it below its prefix, nothing of it elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, jsonify, session
from sqlalchemy import func, select

from receiver import Receiver, create_app
from receiver.app import serving
from receiver.app.components import Kit
from receiver.app.instance import set_up
from receiver.orders.sample import order_of_the_guide
from receiver.relay import order_received
from receiver.storage.models import OrderRow
from receiver.storage.relay_models import TransmissionRow
from tests.served import SECRET, order_fields

PASSWORD = "correct-horse-battery"


def make_site() -> Flask:
    """Make a merchant's site with its own pages at our usual places, error pages, settings and session."""
    site = Flask("site", static_folder=None)
    site.config.update(SECRET_KEY="the site's own", SESSION_COOKIE_NAME="of_the_site", MAX_BODY_BYTES="theirs")

    @site.get("/admin/")
    def their_admin() -> str:
        session["who"] = "them"
        return "their admin"

    @site.get("/breaks")
    def breaks() -> str:
        raise ZeroDivisionError

    @site.get("/sorted")
    def in_order() -> Any:
        return jsonify(b=1, a=2)

    @site.before_request
    def only_their_guests() -> None:
        session.setdefault("seen", True)

    site.register_error_handler(404, lambda _: ("their 404", 404))
    site.register_error_handler(Exception, lambda _: ("their 500", 500))
    return site


@pytest.fixture
def receiver(instance: Path) -> Receiver:
    return Receiver(make_site(), instance_path=instance, overrides={"SHARED_SECRETS": [SECRET]})


@pytest.fixture
def site(instance: Path) -> Iterator[Flask]:
    site = make_site()
    Receiver(site, instance_path=instance, overrides={"SHARED_SECRETS": [SECRET]})
    yield site
    kit_of(site).database.engine.dispose()


def kit_of(site: Flask) -> Kit:
    kit: Kit = site.extensions["receiver"]
    return kit


def count(kit: Kit, table: Any) -> int:
    with kit.database.read() as reading:
        return reading.scalar(select(func.count()).select_from(table)) or 0


def test_an_order_is_received_below_the_prefix(site: Flask) -> None:
    answer = site.test_client().post("/receiver/orders", data=order_fields(shared_secret=SECRET))

    assert answer.status_code == 202
    assert count(kit_of(site), OrderRow) == 1


def test_errors_below_the_prefix_are_the_receivers(site: Flask) -> None:
    visit = site.test_client()
    answers = [
        visit.post("/receiver/orders", data=order_fields(shared_secret="x" * 40)),
        visit.delete("/receiver/orders"),
        visit.get("/receiver/nothing"),
    ]

    assert [answer.status_code for answer in answers] == [401, 405, 404]
    assert {answer.mimetype for answer in answers} == {"application/problem+json"}


def test_the_sites_pages_errors_sessions_and_json_are_as_they_were(site: Flask) -> None:
    mounted, alone = site.test_client(), make_site().test_client()
    for path in ("/admin/", "/breaks", "/sorted", "/nothing", "/orders", "/account/", "/healthz", "/receivers"):
        with_it, without = mounted.get(path), alone.get(path)
        assert (with_it.status_code, with_it.data) == (without.status_code, without.data)
        assert [name for name, _ in with_it.headers] == [name for name, _ in without.headers]
    assert mounted.get("/breaks").text == "their 500"
    assert "of_the_site=" in mounted.get("/admin/").headers["Set-Cookie"]


def test_the_sites_settings_and_commands_are_as_they_were(site: Flask) -> None:
    alone = make_site()
    assert site.config == alone.config
    assert site.json.sort_keys is True  # type: ignore[attr-defined]
    assert (site.request_class, type(site.session_interface)) == (alone.request_class, type(alone.session_interface))
    assert site.cli.commands.keys() == alone.cli.commands.keys() | {"receiver"}
    assert str(site.url_map) == str(alone.url_map)


def test_the_console_is_signed_in_to_below_the_prefix(site: Flask, instance: Path) -> None:
    assert site.test_cli_runner().invoke(args=["receiver", "password"], input=PASSWORD).exit_code == 0
    visit = site.test_client()
    sent_to_sign_in = visit.get("/receiver/admin/orders")
    page = visit.get(sent_to_sign_in.location)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert token
    signed_in = visit.post(sent_to_sign_in.location, data={"csrf_token": token[1], "password": PASSWORD})

    assert signed_in.location == "/receiver/admin/orders"
    shown = visit.get(signed_in.location)
    assert shown.status_code == 200
    addresses = re.findall(r'(?:href|src|action)="(/[^"]*)"', shown.text)
    assert addresses
    assert [one for one in addresses if not one.startswith("/receiver/")] == []


def test_the_pages_example_receives_orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[1] / "docs" / "your-flask-site.md").read_text("utf-8")
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert code
    (tmp_path / "shop.py").write_text(code[1])
    monkeypatch.delenv("RECEIVER_INSTANCE_PATH", raising=False)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    for command in re.findall(r"^flask (--app shop receiver .*?)(?: *#.*)?$", page, re.MULTILINE):
        line = [sys.executable, "-m", "flask", *command.replace("SECRET", SECRET).split()]
        subprocess.run(line, cwd=tmp_path, env=environment, check=True)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(serving, "begin", lambda _kit, **_options: None)

    shop: Any = import_module("shop")

    assert (tmp_path / "instance" / "receiver" / "config.toml").is_file()
    visit = shop.app.test_client()
    assert visit.get("/").text == "Welcome to the shop"
    assert visit.post("/receiver/orders", data=order_fields(shared_secret=SECRET)).status_code == 202
    kit_of(shop.app).database.engine.dispose()


def test_its_commands_are_those_of_the_receiver_but_serve(site: Flask) -> None:
    runner = site.test_cli_runner()
    shown = runner.invoke(args=["receiver", "--help"]).output
    assert re.search(r"^  doctor ", shown, re.MULTILINE)
    assert not re.search(r"^  (serve|run|shell) ", shown, re.MULTILINE)
    assert "register_customer" in runner.invoke(args=["receiver", "handlers", "list"]).output


def test_the_site_can_send_orders_on_itself(site: Flask) -> None:
    with site.app_context():
        order_received(order_of_the_guide())

    assert count(kit_of(site), TransmissionRow) == 1


def test_a_second_receiver_in_the_same_site_is_refused(site: Flask, instance: Path) -> None:
    with pytest.raises(RuntimeError, match="Remove one of the calls"):
        Receiver().init_app(site, instance_path=instance)
    with pytest.raises(RuntimeError, match="has a receiver already"):
        Receiver(create_app())


@pytest.mark.parametrize("prefix", ["", "/", "receiver", "/receiver/"])
def test_a_prefix_that_is_no_path_is_refused(prefix: str, instance: Path) -> None:
    with pytest.raises(ValueError, match="url_prefix must be a path"):
        Receiver(make_site(), url_prefix=prefix, instance_path=instance)


def test_its_instance_lies_in_the_sites_own_unless_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RECEIVER_INSTANCE_PATH", raising=False)
    site = Flask("site", instance_path=str(tmp_path))
    Receiver(site, url_prefix="/shop/receiver")
    assert kit_of(site).instance == tmp_path / "receiver"
    list(set_up(kit_of(site), PASSWORD))
    assert site.test_client().get("/shop/receiver/readyz").status_code == 200


@pytest.fixture
def of_others() -> set[threading.Thread]:
    """Give the threads that other tests of this process have left."""
    return set(threading.enumerate())


def test_it_works_only_once_started(
    of_others: set[threading.Thread], receiver: Receiver, instance: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Any] = []
    monkeypatch.setattr(serving, "start", lambda kit, **options: started.append((kit.instance, options)))
    assert "upkeep" not in {thread.name for thread in set(threading.enumerate()) - of_others}

    receiver.start()

    assert started == [(instance, {"work": True, "owns_process": False})]
    with pytest.raises(RuntimeError, match="init_app"):
        Receiver().start()
