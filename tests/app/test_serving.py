"""What happens when an app begins to serve."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from flask import Flask
from flask.cli import FlaskGroup
from sqlalchemy import text

from receiver.app import serving
from receiver.app.components import Kit
from receiver.errors import Unavailable
from receiver.storage.clock import UpkeepRow
from tests.waiting import wait_for

NO_KEY = "SECRET_KEY is missing: put secret_key back from a backup, or run `flask init` if there never was one."
#: The end of a link that opens an account, in its form.
LINK = ".eJyLNtRRKiYAlGIBKjMPug.aw4f1A.Gp0pXpfo6Beeu1C4zoEKWzh4t6wSGjM8XhDdcaF0x6A"


@pytest.fixture
def start(make_app: Callable[..., Flask]) -> Iterator[Callable[..., tuple[bool, Kit]]]:
    """Start serving an app with these settings; gives whether it could, and its parts."""
    started: list[Kit] = []

    def begin(*, work: bool = False, **settings: Any) -> tuple[bool, Kit]:
        kit: Kit = make_app(**settings).extensions["receiver"]
        started.append(kit)
        return serving.start(kit, work=work), kit

    yield begin
    for kit in started:
        kit.engine.stop()


def told(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == level]


@pytest.fixture(autouse=True)
def _heard(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def test_an_instance_that_is_right_serves_and_works(
    start: Callable[..., tuple[bool, Kit]], caplog: pytest.LogCaptureFixture
) -> None:
    could, kit = start(work=True)
    assert (could, kit.problems, kit.engine.works) == (True, [], True)
    assert told(caplog, logging.INFO)[0] == "handlers: register_customer, email_customer, notify_merchant"
    assert told(caplog, logging.ERROR) == told(caplog, logging.WARNING) == []


def test_a_process_that_is_only_to_serve_runs_no_job(start: Callable[..., tuple[bool, Kit]]) -> None:
    assert not start(work=False)[1].engine.works


def test_a_process_beats_before_it_takes_orders(
    start: Callable[..., tuple[bool, Kit]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a clock that jumps in its first second would be taken for right, and date all orders of before as old."""
    monkeypatch.setattr("receiver.app.engine.UPKEEP_EVERY", 3600)
    _, kit = start()
    with kit.database.read() as session:
        assert session.get(UpkeepRow, 1)


def test_a_heartbeat_that_cannot_be_read_keeps_no_process_from_serving(
    start: Callable[..., tuple[bool, Kit]], kit: Kit
) -> None:
    with kit.database.write() as session:
        values = "(id, beat_at, orders, mails, transmissions) VALUES (1, 1000000000000000000, 0, 0, 0)"
        session.execute(text(f"INSERT INTO upkeep {values}"))

    assert start()[0]


def test_a_wrong_setting_is_logged_and_no_job_runs(
    start: Callable[..., tuple[bool, Kit]], caplog: pytest.LogCaptureFixture
) -> None:
    could, kit = start(work=True, MAX_FIELDS=0)
    assert (could, kit.engine.works) == (False, False)
    said = "/orders answers 503 until this is fixed: MAX_FIELDS must be 10 to 20000."
    assert told(caplog, logging.ERROR) == [said]


NO_SETTINGS = """
WAREHOUSE = "warehouse@shop.example"
REGISTRAR = "http"
[registrar]
url = "https://site.example/users"
body = {email = "{email}"}
headder = {}
SHOP_NAME = "Corner Shop"
[sources.eu]
secret = "x"
"""


def test_a_wrong_setting_that_receiving_does_not_need_is_logged_and_the_others_jobs_run(
    start: Callable[..., tuple[bool, Kit]], caplog: pytest.LogCaptureFixture
) -> None:
    could, kit = start(work=True, MAIL_PORT=0)
    assert (could, kit.problems, kit.engine.works) == (True, [], True)
    said = "MAIL_PORT must be 1 to 65535. Orders are taken; emails wait until it's fixed."
    assert told(caplog, logging.ERROR) == [said]


def test_a_name_that_is_no_setting_is_logged_and_orders_are_taken(
    instance: Path, start: Callable[..., tuple[bool, Kit]], caplog: pytest.LogCaptureFixture
) -> None:
    (instance / "config.toml").write_text(NO_SETTINGS)
    could, kit = start(work=True)
    assert (could, kit.problems, kit.engine.works) == (True, [], True)
    assert told(caplog, logging.WARNING) == [
        "config.toml has 'WAREHOUSE', which is no setting and has no effect.",
        "[registrar] in config.toml has 'headder', which is no setting and has no effect; is headers meant?",
        (
            "[registrar] in config.toml has the setting SHOP_NAME, which has no effect there; put it above the first "
            "[table] of the file."
        ),
        "[sources.eu] in config.toml has 'secret', which is no setting and has no effect; is secrets meant?",
    ]
    kit.obstacles.check()


def test_a_key_that_cannot_be_read_is_not_taken_for_missing(
    instance: Path, start: Callable[..., tuple[bool, Kit]], caplog: pytest.LogCaptureFixture
) -> None:
    (instance / "secret_key").unlink()
    (instance / "secret_key").mkdir()
    assert start(work=True)[1].problems == [
        (
            f"{instance}/secret_key is a folder, not a file. Remove it. Put it back from a backup; if it is lost, "
            "begin again with: flask init --new-key"
        )
    ]


def test_a_wrong_source_is_logged_and_orders_are_taken_when_it_is_fixed(
    instance: Path, start: Callable[..., tuple[bool, Kit]], caplog: pytest.LogCaptureFixture
) -> None:
    config = instance / "config.toml"
    config.write_text("[sources.eu]\nsecrets = 3\n")
    could, kit = start(work=True)
    assert (could, kit.engine.works, len(kit.problems)) == (True, True, 1)
    assert told(caplog, logging.ERROR)[0].startswith("/orders answers 503 until this is fixed: [sources.eu]")
    config.write_text("[sources.eu]\n")
    assert kit.problems == []


@pytest.mark.sqlite
def test_an_instance_that_was_never_set_up_is_logged(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    start: Callable[..., tuple[bool, Kit]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("RECEIVER_INSTANCE_PATH", str(tmp_path / "none"))
    could, kit = start(work=True)
    assert (could, kit.engine.works) == (False, False)
    assert kit.problems[0] == NO_KEY
    assert kit.problems[1] == "The database isn't set up; run `flask init`."
    assert len(told(caplog, logging.ERROR)) == 2


@pytest.mark.sqlite
def test_a_database_that_can_be_used_after_all_takes_orders_and_works(
    instance: Path,
    monkeypatch: pytest.MonkeyPatch,
    start: Callable[..., tuple[bool, Kit]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A full disk or a foreign lock at the start passes; nobody may be there to restart the server."""
    monkeypatch.setattr(serving, "_LOOK_AGAIN_SECONDS", 0.02)
    file = instance / "receiver.sqlite"
    file.rename(instance / "elsewhere")
    could, kit = start(work=True)
    assert (could, kit.engine.works) == (False, False)
    with pytest.raises(Unavailable):
        kit.obstacles.check()

    (instance / "elsewhere").rename(file)
    wait_for(lambda: not kit.problems)
    kit.obstacles.check()
    assert kit.engine.works
    wait_for(lambda: told(caplog, logging.INFO)[-1] == "the database can be used now: orders are taken")


def test_a_broken_handler_is_logged_and_orders_are_taken(
    instance: Path, start: Callable[..., tuple[bool, Kit]], caplog: pytest.LogCaptureFixture
) -> None:
    (instance / "handlers" / "bad.py").write_text("KEY = int('sk_live_abc')\n")
    assert start()[0]
    (said,) = told(caplog, logging.ERROR)
    place = f"{instance}/handlers/bad.py cannot be loaded: line 1 of bad.py: ValueError."
    assert said == f"{place} See: flask handlers list"


def test_without_a_secret_the_merchant_is_warned(
    start: Callable[..., tuple[bool, Kit]], caplog: pytest.LogCaptureFixture
) -> None:
    assert start(SHARED_SECRETS=[])[0]
    (said,) = told(caplog, logging.WARNING)
    assert said == "No shared secret is configured: every POST is refused. Add one with: flask secret add"


def test_without_handlers_the_log_says_none(
    start: Callable[..., tuple[bool, Kit]], caplog: pytest.LogCaptureFixture
) -> None:
    start(HANDLERS=["no_such"])
    assert "handlers: none" in told(caplog, logging.INFO)


def test_no_secret_is_ever_logged(start: Callable[..., tuple[bool, Kit]], caplog: pytest.LogCaptureFixture) -> None:
    start(SHARED_SECRETS=["hunter2"], MAIL_PASSWORD="swordfish")
    assert "hunter2" not in caplog.text
    assert "swordfish" not in caplog.text


def test_imported_by_a_server_a_process_serves() -> None:
    assert serving.is_serving()


@pytest.mark.parametrize(
    ("group", "name", "serves"),
    [(FlaskGroup(), "run", True), (FlaskGroup(), "init", False), (click.Group("granian"), "anything", True)],
)
def test_of_the_flask_commands_only_run_serves(group: click.Group, name: str, serves: bool) -> None:
    with click.Context(group, info_name="root") as root, click.Context(click.Command(name), root, info_name=name):
        assert serving.is_serving() is serves


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        ("/orders", "/orders"),
        ("/orders/", "/orders/"),
        ("/orders/cart", "/orders/cart"),
        ("/orders/a-secret", "/orders/..."),
        ("/Orders/a-secret", "/Orders/..."),
        ("//orders//a-secret", "//orders//..."),
        ("/orders/cart/a-secret", "/orders/..."),
        ("/orders/a secret", "/orders/..."),
        ('/orders/a"secret HTTP/1.1', "/orders/..."),
        ("/orders?key=a-secret", "/orders?..."),
        ("/account/claim/a-secret", "/account/claim/..."),
        ("/account//claim///a-secret", "/account//claim///..."),
        ("/shop/Account%2fclaim%2Fa-secret", "/shop/Account%2fclaim%2F..."),
        (f"/%61ccount/clai%6D/{LINK}?again=1", "/%61ccount/clai%6D/...?again=1"),
        (f"/x?next={LINK}", "/x?next=..."),
        ("/x\n2026-11-30 ERROR forged", "/x?2026-11-30 ERROR forged"),
        ("/x\x1b[31m", "/x?[31m"),
    ],
)
def test_a_request_log_holds_no_secret_of_a_url_and_no_line_of_a_stranger(
    make_app: Callable[..., Flask], instance: Path, path: str, logged: str
) -> None:
    """Whatever the answer's status: a merchant may open the address in a browser."""
    with (instance / "config.toml").open("a", encoding="utf-8") as file:
        file.write('\n[sources.cart]\nkind = "woocommerce"\nsecrets = ["a-secret-of-the-cart-alone"]\n')
    kit: Kit = make_app().extensions["receiver"]
    line = '127.0.0.1 - "POST %s HTTP/1.1" 200 12'
    record = logging.LogRecord("granian.access", logging.INFO, "", 0, line, (path,), None)

    assert serving._without_secrets(kit.sources, record)
    assert record.getMessage() == f'127.0.0.1 - "POST {logged} HTTP/1.1" 200 12'
