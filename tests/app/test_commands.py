"""The flask commands that set up, look and work: what they print, and how they end."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import Result
from flask import Flask
from werkzeug.security import check_password_hash

from receiver import create_app
from receiver.app.commands import setup
from receiver.app.components import Kit
from receiver.storage.models import AdministratorRow
from tests.commanding import Run, lines, runner
from tests.served import SECRET, Served, order_fields


@pytest.fixture
def run(make_app: Callable[..., Flask]) -> Run:
    """Run a flask command on an app with these settings."""
    return runner(make_app)


@pytest.fixture
def run_before_init(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a flask command on an instance that was never set up."""
    monkeypatch.setenv("RECEIVER_INSTANCE_PATH", str(tmp_path / "shop"))

    def run(*words: str) -> Result:
        return create_app().test_cli_runner().invoke(args=list(words))

    return run


def password_hash(kit: Kit) -> str:
    with kit.database.read() as session:
        return session.get_one(AdministratorRow, 1).password_hash


def test_init_says_what_it_made_and_repeats_quietly(run_before_init: Run, tmp_path: Path) -> None:
    first, second = run_before_init("init"), run_before_init("init")
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert lines(first)[0] == f"Made {tmp_path}/shop"
    assert lines(first)[-1].startswith("Admin password: ")
    assert lines(second) == [f"Database {tmp_path}/shop/receiver.sqlite is up to date"]


def test_init_takes_the_environments_password(run_before_init: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECEIVER_ADMIN_PASSWORD", "correct horse battery")
    result = run_before_init("init")
    assert lines(result)[-1] == "Admin password: taken from RECEIVER_ADMIN_PASSWORD"
    assert "correct horse" not in result.output


def test_init_says_when_that_password_is_too_short(run_before_init: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECEIVER_ADMIN_PASSWORD", "short")
    result = run_before_init("init")
    assert result.exit_code == 1
    assert result.stderr == "Error: The admin password must have 12 characters or more.\n"


def test_init_says_when_the_place_cannot_be_written(run_before_init: Run, tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("a file stands in the way")
    result = run_before_init("init")
    assert result.exit_code == 1
    assert "can't be written: " in result.stderr


def test_password_is_read_from_standard_input_and_not_printed(run: Run, kit: Kit) -> None:
    result = run("password", stdin="correct horse battery\n")
    assert (result.exit_code, result.output) == (0, "Admin password changed.\n")
    assert check_password_hash(password_hash(kit), "correct horse battery")


def test_password_is_made_up_when_standard_input_is_empty(run: Run, kit: Kit) -> None:
    result = run("password", stdin="")
    assert result.exit_code == 0
    made = result.output.removeprefix("New admin password: ").strip()
    assert check_password_hash(password_hash(kit), made)


def test_password_refuses_a_short_one(run: Run, kit: Kit) -> None:
    result = run("password", stdin="elevenchars\n")
    assert (result.exit_code, result.stderr) == (
        1,
        "Error: The admin password must have 12 characters or more.\n",
    )
    assert check_password_hash(password_hash(kit), "the admin's password")


@pytest.mark.parametrize(("again", "ends"), [("correct horse battery", 0), ("incorrect horse", 1)])
def test_password_on_a_terminal_is_typed_twice(
    run: Run, kit: Kit, monkeypatch: pytest.MonkeyPatch, again: str, ends: int
) -> None:
    monkeypatch.setattr(setup, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))
    result = run("password", stdin=f"correct horse battery\n{again}\n")
    assert result.exit_code == ends
    assert check_password_hash(password_hash(kit), "correct horse battery") is (ends == 0)
    assert "correct horse" not in result.output


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("words", "stdin"),
    [
        (("secret", "add", "a secret of another service"), None),
        (("secret", "revoke", "00000000"), None),
        (("password",), "a long enough password\n"),
        (("mail", "resend", "1"), None),
    ],
)
def test_while_nothing_can_be_written_a_command_says_so_in_a_line(
    run: Run, kit: Kit, instance: Path, words: tuple[str, ...], stdin: str | None
) -> None:
    (instance / "write.lock").unlink(missing_ok=True)
    (instance / "write.lock").mkdir()
    result = run(*words, stdin=stdin)
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: write.lock in the instance folder cannot be opened (Is a directory); "
        "give it to the user that serves, with chown.\n"
    )


@pytest.mark.sqlite
def test_init_on_a_database_that_cannot_be_opened_says_so_in_a_line(run: Run, instance: Path) -> None:
    (instance / "receiver.sqlite").unlink()
    (instance / "receiver.sqlite").mkdir()
    result = run("init")
    then = "see DATABASE_URL and the instance folder."
    assert (result.exit_code, result.stderr) == (
        1,
        f"Error: The database can't be used now (unable to open database file); {then}\n",
    )


@pytest.mark.parametrize(
    "words",
    [
        ("orders", "list"),
        ("orders", "show", "rcp_00000001"),
        ("orders", "replay", "--parked"),
        ("orders", "explain", "rcp_00000001"),
        ("customers", "list"),
        ("secret", "add"),
        ("secret", "list"),
        ("secret", "revoke", "00000000"),
        ("password",),
        ("backup", "backups"),
        ("selftest",),
    ],
)
def test_before_init_a_command_says_to_run_it(run_before_init: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    result = run_before_init(*words)
    assert result.exit_code == 1
    assert "run `flask init`" in result.stderr
    assert not (tmp_path / "shop").exists()


def test_customers_list_is_a_table_or_json(run: Run, shop: Served) -> None:
    assert "No customers yet" in run("customers", "list").output
    shop.post(order_fields())
    shop.settled()
    names, row = (line.split() for line in lines(run("customers", "list", TIMEZONE="Asia/Tokyo")))
    assert names == ["email", "first_name", "registered_at", "orders", "claimed"], "no last name is known"
    assert (row[:2], row[-2:]) == (["ada@shop.example", "Ada"], ["1", "no"])
    here = datetime.strptime(" ".join(row[2:-2]), "%d %b %Y %H:%M").replace(tzinfo=ZoneInfo("Asia/Tokyo"))
    assert abs(datetime.now(UTC) - here) < timedelta(minutes=5)
    (found,) = json.loads(run("customers", "list", "--json").stdout)
    assert (found["email"], found["orders"], found["claimed"]) == ("ada@shop.example", 1, False)


def test_handlers_list_is_a_table_or_json(run: Run) -> None:
    assert [line.split()[0] for line in lines(run("handlers", "list"))] == [
        "name",
        "register_customer",
        "email_customer",
        "notify_merchant",
        "append_csv",
        "notify_chat",
        "forward",
    ]
    found = json.loads(run("handlers", "list", "--json").stdout)
    assert (found[1]["after"], found[1]["on_test"], found[1]["timeout"]) == ("register_customer", True, "30 s")


def test_handlers_list_names_broken_ones_and_fails(run: Run, instance: Path) -> None:
    (instance / "handlers" / "bad.py").write_text("1 / 0\n")
    result = run("handlers", "list", "--json")
    assert result.exit_code == 1
    assert [row["name"] for row in json.loads(result.stdout) if row["state"] == "on"] == [
        "register_customer",
        "email_customer",
        "notify_merchant",
    ]
    assert "bad.py cannot be loaded" in result.stderr


def test_handlers_list_says_what_is_off_and_which_setting_switches_it_on(run: Run) -> None:
    def switches(**settings: Any) -> dict[str, str]:
        found = json.loads(run("handlers", "list", "--json", **settings).stdout)
        assert {row["state"] for row in found if row["switched_on_by"] is None} == {"on"}
        return {row["name"]: row["switched_on_by"] for row in found if row["state"] == "off"}

    others = {"notify_chat": "[handlers.notify_chat] url", "forward": "[handlers.forward] urls"}
    assert switches() == {"append_csv": "[handlers.append_csv] file", **others}
    assert switches(CSV_FILE="orders.csv") == others
    named = switches(HANDLERS=["notify_chat", "notify_merchant"], CSV_FILE="orders.csv")
    assert named == dict.fromkeys(("register_customer", "email_customer", "append_csv", "forward"), "HANDLERS")


def test_handlers_list_says_when_none_runs(run: Run) -> None:
    assert "No handlers run. See HANDLERS" in run("handlers", "list", HANDLERS=["no_such"]).stderr


def test_doctor_is_a_list_or_json_and_passes_on_a_fresh_instance(run: Run) -> None:
    result = run("doctor")
    assert result.exit_code == 0
    assert lines(result)[0].split()[:2] == ["ok", "release"]
    findings = json.loads(run("doctor", "--json").stdout)
    assert len(findings) == len(lines(result))
    assert set(findings[0]) == {"subject", "state", "text"}


def test_doctor_fails_when_anything_is_wrong_and_shows_no_secret(run: Run) -> None:
    result = run("doctor", LOG_LEVEL="loud", MAIL_PASSWORD="swordfish")
    assert result.exit_code == 1
    assert "LOG_LEVEL must be" in result.output
    assert not any(secret in result.output for secret in (SECRET, "swordfish"))


def test_what_the_system_refuses_is_said_in_a_line(run: Run, tmp_path: Path) -> None:
    result = run("orders", "explain", "x" * 5000)
    assert (result.exit_code, "File name too long" in result.stderr) == (1, True)
    assert "Traceback" not in result.stderr


def test_letters_without_an_encoding_are_said_in_a_line(run: Run) -> None:
    result = run("orders", "show", "\udcff")
    assert (result.exit_code, "Set PYTHONUTF8=1" in result.stderr) == (1, True)
