"""The self test: passes against a good receiver, and names the step at which another one fails."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import make_server

from receiver.app import self_test
from receiver.app.commands.checks import secret_of_its_own
from receiver.app.components import Kit
from receiver.intake.authentication import self_test_mark
from receiver.storage.models import RefusalRow
from receiver.storage.processes import SERVER
from tests.commanding import Run, lines, runner
from tests.served import SECRET, Served, signed
from tests.smtp_servers import free_port

STEPS = [
    *("reachable", "authenticated", "parsed", "recorded"),
    *("handler register_customer", "handler email_customer", "handler notify_merchant"),
    *("mail of email_customer", "mail of notify_merchant"),
    *("wrong secret", "changed body", "old timestamp", "second copy"),
]
OTHER_SECRET = "a secret that this receiver has not"


@pytest.fixture
def run(make_app: Callable[..., Flask]) -> Run:
    """Run a flask command on an app with these settings."""
    return runner(make_app)


@contextmanager
def answering(content: object, status: int = 200) -> Iterator[str]:
    """Serve something that is no receiver: every POST gets the same answer."""
    app = Flask("other")
    app.post("/orders")(lambda: (content if isinstance(content, str) else json.dumps(content), status))
    server = make_server("127.0.0.1", 0, app)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/orders"
    server.shutdown()
    thread.join()
    server.server_close()


def failing(instance: Path, line: str) -> None:
    text = f"from receiver.handlers import handler\n\n@handler\ndef mine(order, context):\n    {line}\n"
    (instance / "handlers" / "mine.py").write_text(text)


def own_secrets(kit: Kit) -> list[tuple[str, str]]:
    with kit.database.read() as session:
        rows = kit.shared_secrets.listing(session, now=datetime.now(UTC))
    return [(row["name"], row["state"]) for row in rows if row["name"] != "SHARED_SECRETS"]


def steps(result: Any) -> dict[str, tuple[bool, str]]:
    return {row["step"]: (row["passed"], row["state"]) for row in json.loads(result.stdout)}


def test_without_a_url_it_serves_this_app_and_passes(run: Run, kit: Kit) -> None:
    result = run("selftest")
    assert result.exit_code == 0, result.output
    assert [line[:4].strip() for line in lines(result)[:-1]] == ["ok"] * (1 + len(STEPS))
    assert [line[6:32].strip() for line in lines(result)[:-1]] == ["tested", *STEPS]
    assert "command  this command itself, since no server of this instance answers at " in lines(result)[0]
    assert lines(result)[-1] == "The self test passed."
    assert own_secrets(kit) == []


def test_without_a_url_it_tests_the_server_that_runs(run: Run, shop: Served) -> None:
    shop.kit.presence.begin(SERVER, [], dict)
    result = run("selftest", "--json", PUBLIC_URL=shop.base)
    first = json.loads(result.stdout)[0]
    assert (first["step"], first["state"]) == ("tested", "server")
    assert first["detail"] == f"the server that runs at {shop.base}"
    assert [row.test for row in shop.rows()] == [True]


@pytest.mark.parametrize("is_up", [True, False])
def test_a_server_that_is_not_this_instances_or_does_not_answer_is_left_alone(
    run: Run, shop: Served, is_up: bool
) -> None:
    if not is_up:
        shop.kit.presence.begin(SERVER, [], dict)
    elsewhere = shop.base if is_up else f"http://127.0.0.1:{free_port()}"
    result = run("selftest", PUBLIC_URL=elsewhere)
    assert f"command  this command itself, since no server of this instance answers at {elsewhere}" in lines(result)[0]


def test_with_the_url_of_this_instance_it_passes_in_json(run: Run, shop: Served) -> None:
    result = run("selftest", "--url", shop.url, "--json")
    assert result.exit_code == 0
    assert list(steps(result)) == STEPS
    assert {passed for passed, _ in steps(result).values()} == {True}
    assert own_secrets(shop.kit) == []


def test_another_receiver_is_tested_with_its_secret_and_without_its_mails(run: Run, shop: Served) -> None:
    result = run("selftest", "--url", shop.url, "--secret", SECRET, "--json")
    assert result.exit_code == 0
    assert list(steps(result)) == [step for step in STEPS if not step.startswith("mail")]
    assert own_secrets(shop.kit) == []


def test_a_secret_of_this_instance_may_be_named(run: Run, kit: Kit) -> None:
    result = run("selftest", "--secret", SECRET, "--json")
    assert result.exit_code == 0
    assert list(steps(result)) == ["tested", *STEPS]
    assert own_secrets(kit) == []


def test_what_it_sends_is_marked_as_a_test_and_makes_no_customer(run: Run, shop: Served) -> None:
    run("selftest", "--url", shop.url)
    (row,) = shop.rows()
    assert (row.test, row.state, row.copies) == (True, "done", 1)
    assert "No customers yet" in run("customers", "list").output


def test_each_press_is_a_new_order(run: Run, shop: Served) -> None:
    for _ in range(2):
        assert run("selftest", "--url", shop.url).exit_code == 0
    assert len({row.order_id for row in shop.rows()}) == 2


def test_a_receiver_with_another_secret_fails_at_authentication(run: Run, shop: Served) -> None:
    result = run("selftest", "--url", shop.url, "--secret", OTHER_SECRET, "--json")
    assert result.exit_code == 1
    assert result.stderr == "Error: the self test failed at: authenticated\n"
    assert list(steps(result).values()) == [(True, "ok"), (False, "refused")]
    assert OTHER_SECRET not in result.output


def test_a_dead_address_fails_at_reaching_it_and_its_secret_is_removed(run: Run, kit: Kit) -> None:
    result = run("selftest", "--url", f"http://127.0.0.1:{free_port()}/orders")
    assert result.exit_code == 1
    assert result.stderr == "Error: the self test failed at: reachable\n"
    assert lines(result)[0].startswith("MISS  reachable")
    assert own_secrets(kit) == []


def test_a_broken_handler_is_named_and_the_secret_is_removed(run: Run, kit: Kit, instance: Path) -> None:
    failing(instance, "raise RuntimeError('no stock')")
    result = run("selftest")
    assert result.exit_code == 1
    assert result.stderr == "Error: the self test failed at: handler mine\n"
    (miss,) = [line for line in lines(result) if line.startswith("MISS")]
    assert "no stock" in miss
    assert own_secrets(kit) == []


def test_a_handler_that_skips_is_no_miss(run: Run, instance: Path) -> None:
    failing(instance, "from receiver.handlers import Skip; raise Skip('nothing to ship')")
    result = run("selftest", "--json")
    assert (result.exit_code, steps(result)["handler mine"]) == (0, (True, "skipped"))


def test_a_handler_that_takes_longer_than_the_answer_is_waited_for(
    run: Run, instance: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("receiver.dispatch.processor.TEST_PATIENCE", 0.1)
    failing(instance, "import time; time.sleep(1)")
    result = run("selftest", "--json")
    assert (result.exit_code, steps(result)["handler mine"]) == (0, (True, "done")), result.output


def test_a_handler_that_does_not_end_is_a_miss(run: Run, instance: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("receiver.dispatch.processor.TEST_PATIENCE", 0.1)
    monkeypatch.setattr(self_test, "_HANDLER_PATIENCE_SECONDS", 0.0)
    go_on = instance / "go_on"
    failing(instance, f"while not __import__('os').path.exists({str(go_on)!r}): __import__('time').sleep(0.01)")
    result = run("selftest", "--json")
    go_on.touch()
    assert (result.exit_code, steps(result)["handler mine"]) == (1, (False, "pending"))


def test_a_mail_that_cannot_be_sent_is_a_miss(run: Run) -> None:
    """With a server named and MERCHANT_EMAIL still the example's, nothing is sent."""
    result = run("selftest", "--json", MAIL_SERVER="127.0.0.1", MAIL_PORT=free_port())
    assert result.exit_code == 1
    assert steps(result)["mail of email_customer"] == (False, "failed")


def test_mails_that_nobody_sends_are_a_miss_after_a_while(
    run: Run, serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(self_test, "_MAIL_PATIENCE_SECONDS", 0.2)
    result = run("selftest", "--url", serve(work=False).url, "--json")
    assert result.exit_code == 1
    assert steps(result)["mail of email_customer"] == (False, "open")


@pytest.mark.parametrize(
    ("content", "status", "failed_at", "state"),
    [
        ({"status": "accepted"}, 202, "parsed", "accepted"),
        ({}, 200, "parsed", "unknown"),
        (["a list"], 200, "parsed", "unknown"),
        ("<html>", 200, "parsed", "unknown"),
        ({"status": "tested", "handlers": ["x" * 20_000]}, 200, "parsed", "unknown"),
        ("no receiver", 404, "authenticated", "404"),
        ("no receiver", 503, "authenticated", "503"),
    ],
)
def test_what_is_no_receiver_fails_where_it_shows(
    run: Run, content: object, status: int, failed_at: str, state: str
) -> None:
    with answering(content, status) as url:
        result = run("selftest", "--url", url, "--secret", SECRET, "--json")
    assert result.exit_code == 1
    assert list(steps(result).items())[-1] == (failed_at, (False, state))


def test_an_answer_too_long_to_be_read_whole_says_so(run: Run) -> None:
    with answering({"status": "tested", "handlers": ["x" * 20_000]}) as url:
        result = run("selftest", "--url", url, "--secret", SECRET)
    assert "the response has more than 20000 bytes" in result.stdout


def test_a_report_without_handlers_is_walked_to_its_end(run: Run) -> None:
    with answering({"status": "tested"}) as url:
        result = run("selftest", "--url", url, "--secret", SECRET, "--json")
    assert list(steps(result)) == ["reachable", "authenticated", "parsed", "recorded", *STEPS[-4:]]


def test_a_receiver_that_takes_everything_fails_at_every_refusal(run: Run) -> None:
    report = {"status": "tested", "order_id": "TEST-1", "receipt": "rcp_1", "handlers": []}
    with answering(report) as url:
        result = run("selftest", "--url", url, "--secret", SECRET)
    assert result.exit_code == 1
    said = "Error: the self test failed at: wrong secret, changed body, old timestamp, second copy\n"
    assert result.stderr == said


def test_on_wrong_settings_it_says_so_and_sends_nothing(run: Run, kit: Kit) -> None:
    result = run("selftest", MAX_FIELDS=0)
    assert result.exit_code == 1
    assert "MAX_FIELDS must be" in result.stderr
    assert own_secrets(kit) == []


def test_its_secret_ends_by_itself_should_its_end_be_missed(kit: Kit) -> None:
    with secret_of_its_own(kit), kit.database.read() as session:
        row = kit.shared_secrets.listing(session, now=datetime.now(UTC))[-1]
        lasts = datetime.fromisoformat(row["ends_at"]) - datetime.fromisoformat(row["created_at"])
    assert (row["name"], lasts) == ("selftest", timedelta(minutes=5))


def test_its_secret_is_removed_when_the_walk_breaks_off(kit: Kit) -> None:
    with pytest.raises(KeyboardInterrupt), secret_of_its_own(kit) as secret:
        assert secret in kit.shared_secrets.keyring().active
        raise KeyboardInterrupt
    assert own_secrets(kit) == []


def test_its_secret_may_have_been_revoked_by_somebody_else(kit: Kit, run: Run) -> None:
    with secret_of_its_own(kit):
        (row,) = [row for row in json.loads(run("secret", "list", "--json").stdout) if row["name"] == "selftest"]
        assert run("secret", "revoke", row["fingerprint"]).exit_code == 0
    assert own_secrets(kit) == []


def test_what_earlier_self_tests_have_left_behind_is_removed(kit: Kit, run: Run) -> None:
    now = datetime.now(UTC)
    with kit.database.write() as session:
        kit.shared_secrets.add(session, "broken off long ago", now=now, name="selftest", ends_at=now)
        kit.shared_secrets.add(
            session, "still being tested", now=now, name="selftest", ends_at=now + timedelta(hours=1)
        )
        kit.shared_secrets.add(session, "an old one of the service", now=now, ends_at=now)
    assert run("selftest").exit_code == 0
    assert own_secrets(kit) == [("selftest", "active"), ("added", "retired")]


def test_the_refusals_that_it_provokes_count_nowhere(run: Run, shop: Served) -> None:
    assert run("selftest", "--url", shop.url).exit_code == 0
    shop.kit.refusals.flush()
    assert shop.rows(RefusalRow) == []


@pytest.mark.parametrize("mark", ["", "v1,AAAA", "é"])
def test_a_stranger_cannot_pass_for_the_self_test(shop: Served, mark: str) -> None:
    """Not even with a secret that is active, as long as it is not the self test's."""
    body = b"order_id=1"
    for secret in (SECRET, OTHER_SECRET):
        headers = signed(body, secret=secret, at=datetime.now(UTC) - timedelta(hours=1))
        value = mark.encode() or self_test_mark(secret, headers["webhook-id"]).encode()
        with secret_of_its_own(shop.kit):
            assert shop.post(body, headers=headers | {"X-Self-Test": value.decode("latin-1")}).status == 401
            assert shop.post(body, headers={"webhook-id": "no id", "X-Self-Test": "v1,AAAA"}).status == 401
    shop.kit.refusals.flush()
    assert [row.reason for row in shop.rows(RefusalRow)] == ["clock_off", "malformed_header"] * 2
