"""A handler of events that there are not: every place that lists handlers says so, and orders go on."""

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


@handler(events=("order.shipped",))
def shipments(order, context):
    return "ran"


@handler(events=("order.completed", "order.shipped"))
def both(order, context):
    return "ran"
"""
REASON = (
    "shipments isn't loaded: it names order.shipped alone. The events are order.completed, order.refunded, "
    "order.cancelled, order.updated."
)
NOTE = "both runs on order.completed; order.shipped, which it names too, is no event."


@pytest.fixture(autouse=True)
def _written(instance: Path) -> None:
    (instance / "handlers" / "shipments.py").write_text(CODE)


@pytest.fixture
def run(make_app: Callable[..., Flask]) -> Run:
    return runner(make_app)


def test_orders_are_taken_and_the_others_run(serve: Callable[..., Served]) -> None:
    shop = serve()
    assert shop.post(order_fields()).status == 202
    shop.settled()
    states = shop.handler_states()
    assert states["both"] == "done"
    assert "shipments" not in states


def test_the_list_of_handlers_says_so(run: Run) -> None:
    result = run("handlers", "list", "--json")
    assert result.exit_code == 0
    states = {row["name"]: row["state"] for row in json.loads(result.stdout)}
    assert (states["shipments"], states["both"]) == ("not loaded", "on")
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
    (step,) = [row for row in json.loads(result.stdout) if row["step"] == "handler shipments"]
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
    result = run("handlers", "run", "shipments", "--dummy", "--dry-run")
    file = instance / "handlers" / "shipments.py"
    assert (result.exit_code, result.stderr) == (1, f"Error: {file}: {REASON}\n")


def test_what_waits_for_it_runs_without_waiting_and_is_only_warned_of(
    instance: Path, make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    code = "from receiver.handlers import handler\n\n\n@handler(after='shipments')\ndef z(order, context):\n    pass\n"
    (instance / "handlers" / "z.py").write_text(code)
    kit: Kit = make_app().extensions["receiver"]
    said = "z is to run after 'shipments', which isn't loaded; it runs without waiting."

    assert (kit.registry.problems, kit.registry.problems_for_the_log) == ((), ())
    assert said in kit.registry.notes
    found = [(one.state, one.text) for one in diagnose(kit, quickly=True) if one.subject == "handlers"]
    assert ("warning", said) in found
    assert found[-1] == ("ok", "register_customer, email_customer, notify_merchant, both, z")
