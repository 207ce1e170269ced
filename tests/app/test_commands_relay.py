"""flask relay: the Order Control and its transmissions from a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from flask import Flask

from receiver.app.components import Kit
from receiver.orders import encode_form, encode_json
from receiver.security import signing
from tests.commanding import Run, lines, runner
from tests.hostile_servers import Server, reply, serving
from tests.relay.relaying import ACCEPTED, an_order
from tests.served import SECRET, Served


@pytest.fixture
def run(make_app: Callable[..., Flask]) -> Run:
    """Run a flask command on an app that may post to this machine."""
    command = runner(make_app)
    return lambda *words, **settings: command(*words, **{"RELAY_ALLOW_PRIVATE": True} | settings)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(ACCEPTED) as running:
        yield running


def test_show_gives_what_is_promised_the_secret_only_when_asked_for(run: Run, kit: Kit, server: Server) -> None:
    assert "flask relay enable URL" in run("relay", "show").stdout
    empty = json.loads(run("relay", "show", "--json").stdout)
    assert (empty["enabled"], empty["url"], empty["secret"], empty["fingerprint"]) == (False, "", None, None)
    run("relay", "enable", server.url())
    shown = json.loads(run("relay", "show", "--json").stdout)
    secret = kit.controls.reveal()

    assert shown == {
        "enabled": True,
        "url": server.url(),
        "encoding": "form",
        "sends_secret_field": False,
        "secret": None,
        "fingerprint": signing.fingerprint(secret),
        "disabled_because": None,
    }
    assert json.loads(run("relay", "show", "--json", "--reveal").stdout)["secret"] == secret
    assert secret not in run("relay", "show").output
    assert f"secret: {secret}" in lines(run("relay", "show", "--reveal"))


def test_there_is_nothing_to_reveal_or_rotate_before_the_first_save(run: Run) -> None:
    for words in (("show", "--reveal"), ("rotate",)):
        result = run("relay", *words)
        assert result.exit_code == 1
        assert "no secret yet" in result.output


def test_the_first_enable_prints_the_secret_once_with_the_receivers_command(run: Run, kit: Kit, server: Server) -> None:
    first = run("relay", "enable", server.url(), "--encoding", "json", "--secret-field")
    secret = kit.controls.reveal()
    second = run("relay", "enable")

    assert first.exit_code == second.exit_code == 0
    assert lines(first)[1] == secret
    assert f"  flask secret add '{secret}'" in lines(first)
    assert secret not in second.output
    control = kit.controls.read()
    assert (control.url, control.encoding, control.sends_secret_field) == (server.url(), "json", True)


@pytest.mark.parametrize(("url", "says"), [("ftp://shop.example", "must begin with https://"), ("", "Enter the URL")])
def test_a_url_that_cannot_be_posted_to_is_refused_in_words(run: Run, url: str, says: str) -> None:
    result = run("relay", "enable", url)

    assert (result.exit_code, says in result.output) == (1, True)


def test_outside_a_trial_a_private_address_is_refused_with_the_setting_that_allows_it(run: Run) -> None:
    result = run("relay", "enable", "http://10.0.0.7/orders", RELAY_ALLOW_PRIVATE=False)

    assert result.exit_code == 1
    assert "RELAY_ALLOW_PRIVATE" in result.output


def test_when_the_url_leads_here_this_receiver_takes_the_secret_and_its_successor(
    run: Run, serve: Callable[..., Served]
) -> None:
    shop = serve(RELAY_ALLOW_PRIVATE=True)
    here = {"PUBLIC_URL": shop.base}
    assert "That's this receiver" in run("relay", "enable", shop.url, **here).output
    assert run("relay", "test", **here).exit_code == 0
    rotated = run("relay", "rotate", **here)
    assert "This receiver accepts both." in rotated.output
    assert "whsec_" not in rotated.output
    tested = run("relay", "test", "--json", **here)

    assert tested.exit_code == 0
    result = json.loads(tested.stdout)
    assert (result["status"], result["address"], result["cause"]) == (200, "127.0.0.1", "")
    assert [one["state"] for one in result["handlers"]] == ["done"] * 3
    text = run("relay", "test", **here).output
    assert "  register_customer: done" in text
    assert shop.kit.controls.reveal() not in text


def test_rotate_prints_the_new_secret_and_the_command_that_replaces_the_old(run: Run, kit: Kit, server: Server) -> None:
    run("relay", "enable", server.url())
    old = kit.controls.reveal()
    result = run("relay", "rotate")
    new = kit.controls.reveal()

    assert new != old
    assert f"  flask secret add '{new}' --replaces {signing.fingerprint(old)} --overlap 24h" in lines(result)


def test_disable_holds_and_enable_sends(run: Run, kit: Kit, server: Server, tmp_path: Path) -> None:
    run("relay", "enable", server.url())
    assert "held" in run("relay", "disable").output
    file = tmp_path / "order.form"
    file.write_bytes(encode_form(an_order(event_id="evt_1")))
    result = run("relay", "send", str(file))
    assert result.exit_code == 0
    assert "`flask relay enable` sends it" in result.output
    run("relay", "enable")

    rows = json.loads(run("relay", "transmissions", "--json").stdout)
    assert [(row["event_id"], row["state"]) for row in rows] == [("evt_1", "open")]


def test_a_test_that_fails_says_why_and_exits_1(run: Run) -> None:
    with serving(reply("401 Unauthorized", b"no")) as server:
        run("relay", "enable", server.url())
        result = run("relay", "test")

    assert result.exit_code == 1
    assert "cause: The receiver couldn't verify the POST (401)" in result.output
    assert "answer: no" in lines(result)
    assert "next_step: Copy this secret" in result.output


def test_without_a_url_nothing_is_tested(run: Run) -> None:
    result = run("relay", "test")

    assert (result.exit_code, "No URL is saved yet" in result.output) == (1, True)


@pytest.mark.parametrize("encode", [encode_form, encode_json])
def test_send_takes_an_order_as_received(
    run: Run, server: Server, tmp_path: Path, encode: Callable[..., bytes]
) -> None:
    run("relay", "enable", server.url())
    file = tmp_path / "order"
    file.write_bytes(encode(an_order(event_id=None, order_id="A-7")))
    result = run("relay", "send", str(file))
    assert "The server or `flask worker` sends it now." in result.output
    row = json.loads(run("relay", "send", str(file), "--json").stdout)

    assert (row["order_id"], row["state"], row["attempts"]) == ("A-7", "open", 0)
    assert len(json.loads(run("relay", "transmissions", "--json").stdout)) == 1
    assert run("relay", "transmissions", "--state", "failed").output.startswith("No such transmissions yet")


def test_send_posts_once_to_a_named_receiver(run: Run, server: Server, tmp_path: Path) -> None:
    file = tmp_path / "order.json"
    file.write_bytes(encode_json(an_order(event_id=None, order_id="A-7")))
    result = run("relay", "send", str(file), "--url", server.url(), "--secret", SECRET, "--json")

    assert result.exit_code == 0
    assert json.loads(result.stdout)["status"] == 202
    assert SECRET not in result.output
    assert parse_qs(server.requests[0].body.decode())["order_id"] == ["A-7"]
    assert json.loads(run("relay", "transmissions", "--json").stdout) == []


def test_send_to_a_named_receiver_that_is_not_there_exits_1(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "order.json"
    file.write_bytes(encode_json(an_order()))
    with serving(ACCEPTED) as server:
        url = server.url()
    result = run("relay", "send", str(file), "--url", url, "--secret", SECRET)

    assert result.exit_code == 1
    assert "nothing is listening" in result.output


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"total=1.00", "holds no order: order_id"),
        (b"{", "The JSON broke off before its end"),
        (b"order_id=A-1&card_number=4111111111111111&cvv=123", "Never send card details"),
        (b"", "holds no order"),
    ],
)
def test_a_file_that_holds_no_order_is_refused_in_words(run: Run, tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "order"
    file.write_bytes(content)
    result = run("relay", "send", str(file))

    assert (result.exit_code, says in result.output) == (1, True)


def test_send_wants_url_and_secret_together_and_a_usable_secret(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "order.json"
    file.write_bytes(encode_json(an_order()))

    assert run("relay", "send", str(file), "--url", "https://shop.example").exit_code == 2
    short = run("relay", "send", str(file), "--url", "https://shop.example", "--secret", "hunter2")
    assert (short.exit_code, "hunter2" in short.output) == (1, False)
    assert run("relay", "send", str(tmp_path / "nothing")).exit_code == 2
