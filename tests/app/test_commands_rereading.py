"""flask orders reread: what changes is printed, and saved only when that's asked for."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from flask import Flask

from tests.commanding import Run, lines, runner
from tests.served import Served, order_fields

POOR = order_fields(order_id="A-1", BuyerEmail="zoe@buyer.example") | {"customer_email": ""}
MAPPED = {"shopintegrator": {"fields": {"customer.email": "BuyerEmail"}}}


@pytest.fixture
def run(make_app: Callable[..., Flask]) -> Run:
    """Run a flask command on an app with these settings."""
    return runner(make_app)


@pytest.fixture
def shop(serve: Callable[..., Served]) -> Served:
    """Serve with an order that was read without its email and ran."""
    shop = serve(work=False)
    shop.post(POOR)
    while shop.kit.processor.run_next():
        pass
    return shop


def test_what_would_change_is_printed_and_nothing_saved(run: Run, shop: Served) -> None:
    result = run("orders", "reread", "A-1", sources=MAPPED)
    said = lines(result)
    assert [line.split() for line in said[:2]] == [
        ["field", "before", "after"],
        ["customer.email", "zoe@buyer.example"],
    ]
    assert said[2] == "Would run: register_customer, email_customer"
    assert said[3].startswith("Only with --run: ")
    assert "notify_merchant (done)" in said[3]
    assert said[4] == "Nothing was changed. To save it: flask orders reread rcp_00000001 --apply"
    assert shop.rows()[0].email is None


def test_it_is_saved_and_the_named_handlers_run(run: Run, shop: Served) -> None:
    words = ("orders", "reread", "rcp_00000001", "--apply", "--run", "notify_merchant")
    said = lines(run(*words, sources=MAPPED))
    assert said[2] == "Run now: register_customer, email_customer, notify_merchant"
    assert "notify_merchant" not in " ".join(said[3:])
    row = shop.rows()[0]
    assert (row.state, row.email) == ("open", "zoe@buyer.example")
    assert "is open" not in run(*words, sources=MAPPED).stderr


def test_json_has_all_of_it(run: Run, shop: Served) -> None:
    found = json.loads(run("orders", "reread", "A-1", "--json", sources=MAPPED).stdout)
    assert found["changes"] == [{"field": "customer.email", "before": "", "after": "zoe@buyer.example"}]
    assert (found["receipt"], found["applied"]) == ("rcp_00000001", False)
    assert found["runs"] == ["register_customer", "email_customer"]
    assert found["others"]["notify_merchant"] == "done"


def test_where_nothing_changes_nothing_is_saved(run: Run, shop: Served) -> None:
    before = shop.rows()[0].notes
    assert lines(run("orders", "reread", "A-1", "--apply"))[0] == "Today's mapping reads it the same."
    assert (shop.rows()[0].notes, shop.rows()[0].state) == (before, "done")
    assert run("orders", "reread", "A-1", "--run", "x").exit_code == 2
    result = run("orders", "reread", "A-1", "--apply", "--run", "nobody")
    assert result.exit_code == 1
    assert "nobody isn't finished with rcp_00000001" in result.stderr
