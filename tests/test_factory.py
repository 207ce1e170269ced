"""create_app() builds and never refuses: no thread, no file, no database, whatever the settings are."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from flask import request

import receiver
from receiver import create_app
from receiver.app.components import Kit
from receiver.settings import installation
from receiver.settings.model import SETTINGS
from tests.served import SECRET, order_fields

KEY = "the key of a shop in these tests"


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the path of an instance folder that is not there."""
    path = tmp_path / "nowhere"
    monkeypatch.setenv("RECEIVER_INSTANCE_PATH", str(path))
    return path


def test_it_starts_no_thread_and_touches_no_file(nowhere: Path) -> None:
    before = set(threading.enumerate())
    create_app()
    assert set(threading.enumerate()) == before
    assert not nowhere.exists()


def test_the_instance_stands_beside_the_package_unless_moved(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert create_app().instance_path == str(nowhere)
    monkeypatch.setenv("RECEIVER_INSTANCE_PATH", "")
    assert create_app().instance_path == str(Path(__file__).parents[1] / "instance")


def test_of_an_installed_kit_the_instance_is_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RECEIVER_INSTANCE_PATH", raising=False)
    monkeypatch.setattr(installation, "IS_CHECKOUT", False)
    monkeypatch.chdir(tmp_path)
    assert create_app().instance_path == str(tmp_path / "instance")


def test_the_version_is_read_from_one_place() -> None:
    assert receiver.__version__ == installation.VERSION
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = receiver.nothing


def test_an_instance_path_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECEIVER_INSTANCE_PATH", "shop")
    assert create_app().instance_path == str(tmp_path / "shop")


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "text",
    [
        "not toml at all",
        'DATABASE_URL = "mysql://localhost/x"',
        'DATABASE_URL = "sqlite:///"',
        'SHARED_SECRETS = ["short"]',
        "SHARED_SECRETS = [3]",
        "sources = 3",
        "[sources]\nx = 3",
        'REQUIRE_SIGNATURE = "yes"',
        "MAX_FIELDS = 0",
        "MAX_BODY_BYTES = 1",
    ],
)
def test_a_wrong_setting_that_receiving_needs_is_kept_as_a_problem_and_orders_wait(instance: Path, text: str) -> None:
    (instance / "config.toml").write_text(text)
    app = create_app()
    kit: Kit = app.extensions["receiver"]
    assert len(kit.problems) == 1
    answer = app.test_client().post("/orders", data=order_fields(shared_secret=SECRET))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert "flask doctor" in answer.get_json()["detail"]


@pytest.mark.parametrize(
    ("line", "waiting"),
    [
        ("HANDLERS = [[1]]", "handlers wait"),
        ('HANDLERS = "notify_merchant"', "handlers wait"),
        ('PUBLIC_URL = "http://[::1"', "emails and handlers wait"),
        ('MERCHANT_EMAIL = ""', "emails and handlers wait"),
        ('MAIL_PORT = "smtp"', "emails wait"),
        ('REGISTRAR = "ours"', "handlers and registrations wait"),
        ('TIMEZONE = "Mars"', '"UTC" holds'),
        ('MAIL_COLOUR = "blue"', '"" holds'),
        ("WORKER_THREADS = -1", "4 holds"),
        ("RETRY_SCHEDULE = [true]", "[60, 300, 1800, 7200, 18000, 36000, 86400, 86400] holds"),
        ('RETENTION_DAYS = "ten"', "0 holds"),
    ],
)
def test_a_wrong_setting_that_receiving_does_not_need_pauses_its_own_feature(
    instance: Path, line: str, waiting: str
) -> None:
    (instance / "config.toml").write_text(f"SHARED_SECRETS = ['{SECRET}']\n{line}\n")
    app = create_app()
    kit: Kit = app.extensions["receiver"]
    (said,) = kit.paused
    assert said.startswith(line.partition(" ")[0])
    assert waiting in said
    assert app.test_client().post("/orders", data=order_fields(shared_secret=SECRET)).status_code == 202


def test_a_name_that_is_no_setting_lets_orders_in(instance: Path) -> None:
    (instance / "config.toml").write_text(f"SHARED_SECRETS = ['{SECRET}']\nNO_SUCH = 1\n")
    app = create_app()
    answer = app.test_client().post("/orders", data=order_fields(shared_secret=SECRET))
    assert answer.status_code == 202


def test_overrides_win(nowhere: Path) -> None:
    assert create_app({"SHOP_NAME": "Given"}).extensions["receiver"].settings.SHOP_NAME == "Given"


def test_the_apps_config_holds_what_is_flasks_and_no_copy_of_the_settings(nowhere: Path) -> None:
    """A copy could be changed without any effect; Flask itself signs its sessions with the key."""
    app = create_app({"SECRET_KEY": KEY, "SHOP_NAME": "Given"})
    assert app.config["SECRET_KEY"] == KEY
    assert not set(app.config) & (set(SETTINGS) - {"SECRET_KEY"})


def test_two_apps_share_nothing(nowhere: Path) -> None:
    first, second = (create_app({"SHARED_SECRETS": [SECRET]}).extensions["receiver"] for _ in range(2))
    assert first is not second
    assert first.database is not second.database


@pytest.mark.parametrize(("hops", "address"), [(0, "127.0.0.1"), (1, "198.51.100.9"), (2, "192.0.2.1")])
def test_as_many_proxies_are_believed_as_are_trusted(nowhere: Path, hops: int, address: str) -> None:
    app = create_app({"TRUSTED_PROXIES": hops})

    @app.get("/address")
    def shown() -> str:
        return str(request.remote_addr)

    headers = {"X-Forwarded-For": "203.0.113.5, 192.0.2.1, 198.51.100.9"}
    assert app.test_client().get("/address", headers=headers).text == address


def test_answers_keep_the_order_of_their_keys(nowhere: Path) -> None:
    app = create_app()

    @app.get("/pair")
    def pair() -> dict[str, int]:
        return {"z": 1, "a": 2}

    assert app.test_client().get("/pair").text.index("z") < app.test_client().get("/pair").text.index("a")


def test_no_secret_setting_is_shown_to_handlers_or_in_a_repr(nowhere: Path) -> None:
    secrets = {"SECRET_KEY": KEY, "SHARED_SECRETS": [SECRET], "MAIL_PASSWORD": "swordfish"}
    kit: Kit = create_app(secrets).extensions["receiver"]
    shown = kit.services.settings
    assert not set(shown) & {"SECRET_KEY", "SHARED_SECRETS", "MAIL_PASSWORD", "sources"}
    assert not any(word in repr(kit) for word in (KEY, SECRET, "swordfish"))


@pytest.mark.parametrize("command", ["init", "password", "backup", "serve", "selftest", "worker", "doctor"])
def test_the_commands_are_there(nowhere: Path, command: str) -> None:
    assert command in create_app().cli.commands


@pytest.mark.parametrize(
    ("group", "commands"),
    [
        ("orders", {"list", "show", "replay", "explain"}),
        ("secret", {"add", "list", "revoke"}),
        ("handlers", {"list"}),
        ("customers", {"list"}),
    ],
)
def test_the_command_groups_are_there(nowhere: Path, group: str, commands: set[str]) -> None:
    found = create_app().cli.commands[group]
    assert set(getattr(found, "commands", {})) >= commands
