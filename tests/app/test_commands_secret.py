"""flask secret: add, list and revoke."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from flask import Flask

from receiver.app.components import Kit
from receiver.security import signing
from tests.commanding import Run, lines, runner
from tests.served import SECRET

VALUE = "a secret of another service"


@pytest.fixture
def run(make_app: Callable[..., Flask]) -> Run:
    """Run a flask command on an app with these settings."""
    return runner(make_app)


def test_secret_add_makes_one_and_prints_it_once(run: Run, kit: Kit) -> None:
    result = run("secret", "add")
    assert result.exit_code == 0
    secret = lines(result)[0]
    assert secret in kit.shared_secrets.keyring().active
    assert signing.fingerprint(secret) in result.output
    assert secret not in run("secret", "list").output


def test_secret_add_takes_a_value_and_does_not_repeat_it(run: Run, kit: Kit) -> None:
    result = run("secret", "add", VALUE)
    assert result.output == (
        f"Added. Its fingerprint is {signing.fingerprint(VALUE)}. It's active now, without a restart.\n"
    )
    assert VALUE in kit.shared_secrets.keyring().active


def test_secret_add_reads_standard_input_so_that_no_list_of_processes_shows_it(run: Run, kit: Kit) -> None:
    result = run("secret", "add", "-", stdin=f"{VALUE}\n")
    assert result.exit_code == 0
    assert VALUE in kit.shared_secrets.keyring().active


def test_secret_add_from_an_empty_standard_input_adds_nothing(run: Run, kit: Kit) -> None:
    result = run("secret", "add", "-", stdin="")
    assert (result.exit_code, result.stderr) == (1, "Error: there's no secret on standard input.\n")
    assert list(kit.shared_secrets.keyring().active) == [SECRET]


def test_secret_add_gives_json(run: Run) -> None:
    assert json.loads(run("secret", "add", VALUE, "--json").stdout) == {"fingerprint": signing.fingerprint(VALUE)}
    made = json.loads(run("secret", "add", "--json").stdout)
    assert signing.fingerprint(made["secret"]) == made["fingerprint"]


def test_secret_add_refuses_an_unusable_value_without_repeating_it(run: Run) -> None:
    result = run("secret", "add", "hunter2")
    assert result.exit_code == 1
    assert "at least 16 characters" in result.stderr
    assert "hunter2" not in result.output


@pytest.mark.parametrize(("overlap", "still_active"), [("30m", True), ("0s", False)])
def test_secret_add_lets_the_replaced_one_hold_for_the_overlap(
    run: Run, kit: Kit, overlap: str, still_active: bool
) -> None:
    run("secret", "add", VALUE)
    result = run("secret", "add", "--replaces", signing.fingerprint(VALUE), "--overlap", overlap)
    assert result.exit_code == 0
    assert (VALUE in kit.shared_secrets.keyring().active) is still_active


def test_secret_add_refuses_what_is_active_already(run: Run) -> None:
    run("secret", "add", VALUE)
    for again in (("add", VALUE), ("add", VALUE, "--replaces", signing.fingerprint(VALUE)), ("add", SECRET)):
        result = run("secret", *again)
        assert (result.exit_code, "already active" in result.stderr) == (1, True)
    assert len(json.loads(run("secret", "list", "--json").stdout)) == 2


def test_secret_add_keeps_what_was_about_to_end(run: Run) -> None:
    run("secret", "add", VALUE)
    run("secret", "add", "another-secret-of-it", "--replaces", signing.fingerprint(VALUE))
    assert run("secret", "add", VALUE).exit_code == 0
    rows = {row["fingerprint"]: row for row in json.loads(run("secret", "list", "--json").stdout)}
    assert (len(rows), rows[signing.fingerprint(VALUE)]["ends_at"]) == (3, None)


def test_secret_add_refuses_an_empty_value_and_an_overlap_of_nothing(run: Run) -> None:
    assert "VALUE is empty. Leave it out" in run("secret", "add", "").stderr
    assert "--overlap goes with --replaces" in run("secret", "add", VALUE, "--overlap", "7d").stderr
    assert len(json.loads(run("secret", "list", "--json").stdout)) == 1


def test_secret_add_names_letters_that_not_every_header_takes(run: Run) -> None:
    assert "send it as a field" in run("secret", "add", "пароль-пароль-12345").output
    assert "send it as a field" not in run("secret", "add", VALUE).output


def test_secret_add_adds_nothing_when_there_is_none_to_replace(run: Run) -> None:
    result = run("secret", "add", "--replaces", "00000000")
    assert result.exit_code == 1
    assert len(json.loads(run("secret", "list", "--json").stdout)) == 1


@pytest.mark.parametrize("overlap", ["soon", "24", "24 h", "-1h"])
def test_secret_add_wants_a_duration(run: Run, overlap: str) -> None:
    result = run("secret", "add", "--overlap", overlap)
    assert result.exit_code == 2
    assert "isn't a duration such as 24h, 30m or 7d" in result.stderr


def test_secret_list_is_a_table_or_json(run: Run) -> None:
    table = run("secret", "list")
    assert [line.split() for line in lines(table)] == [
        ["fingerprint", "name", "state"],
        ["b469f92f", "SHARED_SECRETS", "active"],
    ]
    (row,) = json.loads(run("secret", "list", "--json").stdout)
    assert (row["fingerprint"], row["created_at"]) == ("b469f92f", None)
    assert SECRET not in table.output


def test_secret_list_says_what_to_do_when_there_is_none(run: Run) -> None:
    assert "Add one with: flask secret add" in run("secret", "list", SHARED_SECRETS=[]).output
    assert json.loads(run("secret", "list", "--json", SHARED_SECRETS=[]).stdout) == []


def test_secret_revoke_ends_one_at_once(run: Run, kit: Kit) -> None:
    run("secret", "add", VALUE)
    result = run("secret", "revoke", signing.fingerprint(VALUE))
    assert result.exit_code == 0
    assert VALUE in kit.shared_secrets.keyring().retired


def test_secret_revoke_names_the_setting_that_holds_one(run: Run) -> None:
    result = run("secret", "revoke", "b469f92f")
    assert result.exit_code == 1
    assert "SHARED_SECRETS" in result.stderr
