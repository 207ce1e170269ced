"""A handler of events that do not come yet: every place that lists handlers says so, and orders go on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from receiver.app.components import Kit
from receiver.app.doctor import diagnose
from tests.commanding import Run, runner
from tests.served import Served, order_fields
from tests.web.console.visitor import Visitor

CODE = """
from receiver.handlers import handler


@handler(events=("order.refunded",))
def refunds(order, context):
    return "ran"


@handler(events=("order.completed", "order.refunded"))
def both(order, context):
    return "ran"
"""
REASON = "refunds isn't loaded: it names order.refunded alone, and so far the only event is order.completed."
NOTE = "both runs on order.completed; order.refunded, which it names too, isn't sent yet."


@pytest.fixture(autouse=True)
def _written(instance: Path) -> None:
    (instance / "handlers" / "refunds.py").write_text(CODE)


@pytest.fixture
def run(make_app: Callable[..., Flask]) -> Run:
    return runner(make_app)


def test_orders_are_taken_and_the_others_run(serve: Callable[..., Served]) -> None:
    shop = serve()
    assert shop.post(order_fields()).status == 202
    shop.settled()
    states = shop.handler_states()
    assert states["both"] == "done"
    assert "refunds" not in states


def test_the_list_of_handlers_says_so(run: Run) -> None:
    result = run("handlers", "list", "--json")
    assert result.exit_code == 0
    states = {row["name"]: row["state"] for row in json.loads(result.stdout)}
    assert (states["refunds"], states["both"]) == ("not loaded", "on")
    assert REASON in result.stderr
    assert NOTE in result.stderr


def test_doctor_says_so(make_app: Callable[..., Flask]) -> None:
    kit: Kit = make_app().extensions["receiver"]
    found = [(one.state, one.text) for one in diagnose(kit, quickly=True) if one.subject == "handlers"]
    warnings = [text for state, text in found if state == "warning"]
    assert warnings[0].endswith(REASON)
    assert warnings[1] == NOTE
    assert found[-1] == ("ok", "register_customer, email_customer, notify_merchant, both")


def test_the_handlers_page_says_so(serve: Callable[..., Served]) -> None:
    visitor = Visitor(serve(work=False).base)
    visitor.sign_in()
    text = visitor.get("/admin/handlers").text
    assert REASON in text
    assert NOTE in text


def test_the_self_test_says_so_and_passes(run: Run) -> None:
    result = run("selftest", "--json")
    assert result.exit_code == 0
    (step,) = [row for row in json.loads(result.stdout) if row["step"] == "handler refunds"]
    assert (step["passed"], step["state"]) == (True, "not loaded")
    assert step["detail"].endswith(REASON)


def test_the_self_test_fails_on_a_file_that_cannot_be_loaded(instance: Path, run: Run) -> None:
    (instance / "handlers" / "broken.py").write_text("1 / 0\n")
    result = run("selftest", "--json")
    assert result.exit_code == 1
    (step,) = [row for row in json.loads(result.stdout) if not row["passed"]]
    assert "line 1 of broken.py: ZeroDivisionError" in step["detail"]


def test_trying_it_says_why_it_cannot_run(instance: Path, run: Run) -> None:
    (instance / "handlers" / "broken.py").write_text("1 / 0\n")
    result = run("handlers", "run", "refunds", "--dummy", "--dry-run")
    file = instance / "handlers" / "refunds.py"
    assert (result.exit_code, result.stderr) == (1, f"Error: {file}: {REASON}\n")


def test_what_waits_for_it_runs_without_waiting_and_is_only_warned_of(
    instance: Path, make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    code = "from receiver.handlers import handler\n\n\n@handler(after='refunds')\ndef z(order, context):\n    pass\n"
    (instance / "handlers" / "z.py").write_text(code)
    kit: Kit = make_app().extensions["receiver"]
    said = "z is to run after 'refunds', which isn't loaded; it runs without waiting."

    assert (kit.registry.problems, kit.registry.problems_for_the_log) == ((), ())
    assert said in kit.registry.notes
    found = [(one.state, one.text) for one in diagnose(kit, quickly=True) if one.subject == "handlers"]
    assert ("warning", said) in found
    assert found[-1] == ("ok", "register_customer, email_customer, notify_merchant, both, z")
