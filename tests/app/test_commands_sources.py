"""flask sources, and the questions that parked orders ask."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from flask import Flask
from sqlalchemy import update

from receiver.app.commands import sources
from receiver.storage.models import OrderRow
from tests.commanding import Run, lines, runner
from tests.served import Served, order_fields


@pytest.fixture
def run(make_app: Callable[..., Flask]) -> Run:
    """Run a flask command on an app with these settings."""
    return runner(make_app)


@pytest.fixture
def shop(serve: Callable[..., Served]) -> Served:
    """Serve with two parked orders that ask about one word in two spellings, and one about another."""
    shop = serve(work=False)
    for word in ("in_kiln", "In Kiln", "glazed"):
        shop.post(order_fields(payment_status=word))
    with shop.kit.database.write() as session:
        old = datetime.now(UTC) - timedelta(days=3)
        session.execute(update(OrderRow).where(OrderRow.id == 1).values(received_at=old))
    return shop


def test_the_parked_orders_are_listed_by_what_they_ask(run: Run, shop: Served) -> None:
    found = json.loads(run("orders", "list", "--parked", "--json").stdout)
    assert [(row["parked"], row["oldest"], row["word"], row["example"]) for row in found] == [
        (1, "less than an hour", "glazed", "rcp_00000003"),
        (2, "3 days", "In Kiln", "rcp_00000002"),
    ]
    result = run("orders", "list", "--parked")
    assert "does it mean paid?" in result.stdout
    assert "flask sources state SOURCE WORD paid|unpaid" in result.stderr


def test_one_answer_settles_all_that_ask_and_all_later_ones(run: Run, shop: Served) -> None:
    result = run("sources", "state", "shopintegrator", "in-kiln", "paid", "--yes", "--without", "email_customer")
    assert "This settles 2 parked orders, the oldest 3 days old." in result.stderr
    assert lines(result)[-1] == "The server or `flask worker` runs the open ones now."
    assert [row.state for row in shop.rows()] == ["open", "open", "parked"]
    assert shop.rows()[0].parked_as is None
    shop.kit.sources.look_again()
    assert shop.post(order_fields(payment_status="IN KILN")).content["status"] == "accepted"

    run("sources", "state", "shopintegrator", "glazed", "unpaid", "--yes", "--json")
    assert [row.state for row in shop.rows()][:3] == ["open", "open", "ignored"]


def test_an_answer_is_taken_back(run: Run, shop: Served) -> None:
    run("sources", "state", "shopintegrator", "in-kiln", "unpaid", "--yes")
    assert lines(run("sources", "state", "shopintegrator", "IN_KILN", "ask"))[0].startswith("Taken back")
    shop.kit.sources.look_again()
    assert shop.post(order_fields(payment_status="in-kiln")).content["status"] == "parked"


def test_nothing_runs_before_somebody_says_yes(run: Run, shop: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("sources", "state", "shopintegrator", "in-kiln", "paid")
    assert "Use --yes" in run(*words).stderr
    monkeypatch.setattr(sources, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True), stderr=sys.stderr))
    refused = run(*words, stdin="n\n")
    assert "email_customer emails customers, which may be too late by now" in refused.stderr
    assert [row.state for row in shop.rows()] == ["parked"] * 3
    assert run(*words, stdin="y\n").exit_code == 0
    assert [row.state for row in shop.rows()] == ["open", "open", "parked"]


def test_a_word_that_no_order_asks_about_is_saved_for_the_next(run: Run, shop: Served) -> None:
    result = run("sources", "state", "shopintegrator", "created", "paid")
    assert lines(result) == [
        'Saved: "created" means paid for shopintegrator.',
        "No parked orders asked about it.",
    ]
    shop.kit.sources.look_again()
    assert shop.post(order_fields(event="created")).content["status"] == "accepted"
    assert "No source has this name" in run("sources", "state", "nobody", "paid", "paid").stderr
