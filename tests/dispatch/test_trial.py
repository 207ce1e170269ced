"""`flask handlers run`: one handler on one order, for real or leaving nothing; what it did is shown."""

from __future__ import annotations

import json
import tempfile
import textwrap
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import inspect, text

from receiver.dispatch import trial
from receiver.mail.outbox import attachments_of
from receiver.storage import leases
from receiver.storage.models import AttemptRow, CustomerRow, HandlerRow, MailRow, OnceRow
from receiver.storage.relay_models import TransmissionRow
from tests.commanding import Run, runner
from tests.served import Served, order_fields

BUSY = """
from sqlalchemy import text
from receiver.handlers import handler

@handler(on_test=False)
def busy(order, context):
    assert context.once("a key")
    context.forward("https://other.example/orders")
    context.session.execute(text("CREATE TABLE IF NOT EXISTS kept (id TEXT PRIMARY KEY)"))
    context.session.execute(text("INSERT INTO kept VALUES (:id)"), {"id": order.order_id})
    context.mail(to=order.customer.email, template="note", attachments=[("a.txt", "text/plain", b"an attachment")])
    return "was busy"
"""
OF_THE_SERVER = {"upkeep", "clock_jumps", "processes"}
FORWARD: dict[str, Any] = {"FORWARD_SECRET": "whsec_" + "c2hhcmVkLXNlY3JldC1vZi10aGUtdGVzdHMtMzJieXQ="}


@pytest.fixture
def run(make_app: Callable[..., Flask]) -> Run:
    return runner(make_app)


@pytest.fixture
def idle(serve: Callable[..., Served]) -> Served:
    """Serve without running jobs."""
    return serve(work=False, **FORWARD)


@pytest.fixture
def busy(instance: Path) -> str:
    """Put a handler that does all that a context can into the instance, and its mail's template."""
    (instance / "templates").mkdir(exist_ok=True)
    (instance / "templates" / "note.txt").write_text(
        "{% block subject %}Note {{ order.order_id }}{% endblock %}\nHello"
    )
    return write(instance, "busy", BUSY)


def write(instance: Path, name: str, code: str) -> str:
    (instance / "handlers" / f"{name}.py").write_text(textwrap.dedent(code))
    return name


def counts(shop: Served) -> dict[str, int]:
    """Count the rows of every table but those that a server writes by itself."""
    with shop.kit.database.read() as session:
        names = inspect(session.connection()).get_table_names()
        return {
            name: session.scalar(text(f'SELECT count(*) FROM "{name}"')) or 0
            for name in names
            if name not in OF_THE_SERVER
        }


def took_in(shop: Served, **fields: str) -> str:
    """Take an order in and run the handlers that are there; gives its id."""
    fields = order_fields(**fields)
    assert shop.post(fields).status == 202
    while shop.kit.processor.run_next():
        pass
    return fields["order_id"]


def told(run: Run, *words: str, exit_code: int = 0, **settings: Any) -> dict[str, Any]:
    result = run("handlers", "run", *words, "--json", **settings)
    assert result.exit_code == exit_code, result.output
    shown: dict[str, Any] = json.loads(result.stdout)
    return shown


def test_a_dry_run_shows_all_that_a_handler_does_and_leaves_nothing(idle: Served, busy: str, run: Run) -> None:
    """Also of a handler that came after the order, and that HANDLERS leaves out."""
    order_id = took_in(idle)
    before = counts(idle)
    shown = told(run, busy, "--order", order_id, "--dry-run", HANDLERS=["notify_merchant"], **FORWARD)

    assert (shown["state"], shown["detail"], shown["order_id"]) == ("done", "was busy", order_id)
    assert shown["mails"] == [{"to": "ada@shop.example", "subject": f"Note {order_id}", "text": "Hello\n"}]
    changes = {change["table"]: (change["kind"], change["after"]) for change in shown["changes"]}
    assert set(changes) == {"handler_once", "transmissions", "kept"}
    assert changes["kept"][1]["id"] == order_id
    assert changes["transmissions"][1]["target"] == "https://other.example/orders"
    assert changes["handler_once"][1]["at"].startswith("20")
    assert counts(idle) == before


def test_without_a_dry_run_it_is_a_new_run_that_is_kept(idle: Served, busy: str, run: Run) -> None:
    took_in(idle)
    shown = told(run, busy, "--order", "rcp_00000001", **FORWARD)
    assert shown["state"] == "done"
    (row,) = [row for row in idle.rows(HandlerRow) if row.name == busy]
    assert (row.state, row.run, row.attempts) == ("done", 1, 1)
    assert len(idle.rows(OnceRow)) == len(idle.rows(TransmissionRow)) == 1
    assert [mail.recipient for mail in idle.rows(MailRow) if mail.handler == busy] == ["ada@shop.example"]
    assert (idle.rows()[0].state, idle.rows()[0].lease_token) == ("done", None)

    again = told(run, busy, "--order", "rcp_00000001", exit_code=1, **FORWARD)

    assert (again["state"], again["mails"], again["changes"]) == ("retrying", [], [])
    assert "AssertionError" in again["detail"]
    assert idle.rows()[0].state == "open"
    assert [one.run for one in idle.rows(AttemptRow) if one.handler_pk == row.id] == [1, 2]


def test_no_other_handler_of_an_order_that_waits_runs_with_it(idle: Served, run: Run) -> None:
    idle.post(order_fields())
    assert told(run, "email_customer", "--order", "rcp_00000001")["state"] == "done"

    assert idle.handler_states() == {
        "register_customer": "pending",
        "email_customer": "done",
        "notify_merchant": "pending",
    }
    assert (idle.rows()[0].state, idle.rows(CustomerRow)) == ("open", [])
    while idle.kit.processor.run_next():
        pass
    assert set(idle.handler_states().values()) == {"done"}
    assert len(idle.rows(AttemptRow)) == 3


def test_what_changes_of_a_row_is_shown_as_its_value_before_and_after(idle: Served, run: Run) -> None:
    took_in(idle, customer_phone="1")
    idle.post(order_fields(order_id="A-2", customer_phone="2"))
    result = run("handlers", "run", "register_customer", "--order", "A-2", "--dry-run")

    assert result.exit_code == 0
    assert "register_customer on order A-2: done in " in result.stdout
    assert "customers: updated id=1, phone='1' -> '2', applied_order_date='20" in result.stdout
    assert "Dry run: the database is unchanged, and no email is sent." in result.stdout


def test_mails_of_the_dummy_order_go_to_the_merchant_and_nothing_else_is_kept(
    idle: Served, busy: str, run: Run
) -> None:
    before = counts(idle)
    settings = {**FORWARD, "MERCHANT_EMAIL": "owner@laden.de"}
    dry = told(run, busy, "--dummy", "--dry-run", **settings)
    assert counts(idle) == before
    shown = told(run, busy, "--dummy", **settings)

    assert shown["mails"][0]["to"] == dry["mails"][0]["to"] == "zoe.mueller-lukasz@example.com"
    assert counts(idle) == before | {"mails": before["mails"] + 1}
    (mail,) = idle.rows(MailRow)
    assert (mail.recipient, mail.test, mail.handler) == ("owner@laden.de", True, busy)
    assert mail.subject.startswith("[Test] Note TEST-")
    assert attachments_of(mail) == (("a.txt", "text/plain", b"an attachment"),)


@pytest.mark.parametrize(
    ("body", "state", "detail", "exit_code"),
    [
        ('raise Skip("nothing to do")', "skipped", "nothing to do", 0),
        ("raise RetryLater('in a while')", "retrying", "in a while", 1),
        ("return 1 / 0", "retrying", "ZeroDivisionError: division by zero (mine.py, line 5)", 1),
    ],
)
def test_how_it_ended_is_told(
    idle: Served, instance: Path, run: Run, body: str, state: str, detail: str, exit_code: int
) -> None:
    code = (
        f"from receiver.handlers import RetryLater, Skip, handler\n\n@handler\ndef mine(order, context):\n    {body}\n"
    )
    write(instance, "mine", code)
    result = run("handlers", "run", "mine", "--dummy")

    assert result.exit_code == exit_code
    assert f": {state} in " in result.stdout
    assert detail in result.stdout
    assert "The database is unchanged." in result.stdout


def test_an_unknown_name_is_told_with_the_known_ones_and_the_line_of_a_broken_file(
    idle: Served, instance: Path, run: Run
) -> None:
    write(instance, "mine", "from receiver.handlers import handler\nimport nothing_of_this_name\n")
    result = run("handlers", "run", "mine", "--dummy")

    assert result.exit_code == 1
    assert "No handler is named mine; there are append_csv, email_customer, forward" in result.stderr
    assert "mine.py cannot be loaded: line 2 of mine.py: ModuleNotFoundError" in result.stderr


@pytest.mark.parametrize("words", [(), ("--dummy", "--order", "A-1"), ("--dry-run",)])
def test_one_order_must_be_named(idle: Served, run: Run, words: tuple[str, ...]) -> None:
    result = run("handlers", "run", "notify_merchant", *words)
    assert (result.exit_code, "--order ID or --dummy" in result.stderr) == (2, True)


def test_what_no_handler_can_run_on_is_told(idle: Served, run: Run) -> None:
    idle.post({"unknown": "1"})
    idle.post(order_fields(order_id="A-2", payment_status="pending"))
    idle.post(order_fields(order_id="A-3", test="true"))

    for order, words in (
        ("A-9", "No order has the receipt or order id A-9"),
        ("rcp_00000001", "flask orders explain rcp_00000001"),
        ("A-2", "is ignored"),
        ("A-3", "is a test order"),
    ):
        for more in ((), ("--dry-run",)):
            result = run("handlers", "run", "notify_merchant", "--order", order, *more)
            assert (result.exit_code, words in result.stderr) == (1, True), result.stderr


@pytest.mark.sqlite
def test_the_lease_is_renewed_while_the_handler_runs(
    idle: Served, instance: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "_RENEW_SECONDS", 0.01)
    monkeypatch.setattr(leases, "RENEWAL", timedelta(0))
    code = """
        import time
        from pathlib import Path
        from receiver.handlers import handler
        from receiver.storage.sqlite import driver  # two libraries in one process drop each other's locks

        @handler
        def slow(order, context):
            first, until = lease(), time.monotonic() + 30
            while lease() == first and time.monotonic() < until:
                time.sleep(0.005)
            return "renewed" if lease() > first else "left alone"

        def lease():
            database = driver.connect(Path(__file__).parents[1] / "receiver.sqlite")
            (until,) = database.execute("SELECT lease_until FROM orders").fetchone()
            database.close()
            return until
    """
    took_in(idle)
    assert told(run, write(instance, "slow", code), "--order", "rcp_00000001")["detail"] == "renewed"


def test_a_run_that_lost_the_order_says_so_and_has_no_effect(idle: Served, instance: Path, run: Run) -> None:
    code = """
        from sqlalchemy import text
        from receiver.handlers import handler

        @handler
        def loser(order, context):
            context.session.execute(text("UPDATE orders SET lease_token = 'another'"))
    """
    took_in(idle)
    result = run("handlers", "run", write(instance, "loser", code), "--order", "rcp_00000001")

    assert result.exit_code == 1
    assert "Another run has taken rcp_00000001 over; this one took no effect." in result.stderr
    assert idle.handler_states()["loser"] == "pending"


@pytest.mark.sqlite
def test_a_copy_that_cannot_be_made_is_told(idle: Served, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere/to/be/found")
    result = run("handlers", "run", "notify_merchant", "--dummy")
    assert (result.exit_code, "cannot be copied" in result.stderr) == (1, True)
