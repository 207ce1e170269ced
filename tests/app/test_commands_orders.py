"""flask orders: list, show, replay and explain."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from sqlalchemy import update

from receiver.app.commands import orders
from receiver.app.components import Kit
from receiver.storage.models import OrderRow
from tests.chunked_forms import CUT, post
from tests.commanding import Run, lines, runner
from tests.served import SECRET, Served, order_fields


@pytest.fixture
def run(make_app: Callable[..., Flask]) -> Run:
    """Run a flask command on an app with these settings."""
    return runner(make_app)


def test_orders_list_is_a_table_or_json(run: Run, shop: Served) -> None:
    shop.post(order_fields(order_id="A-1"))
    shop.settled()
    names, row = (line.split() for line in lines(run("orders", "list")))
    assert names[:8] == ["receipt", "order_id", "source", "state", "test", "email", "total", "currency"]
    assert names[8:] == ["received_at", "event"]
    assert row[:8] == ["rcp_00000001", "A-1", "shopintegrator", "done", "no", "ada@shop.example", "19.99", "GBP"]
    (found,) = json.loads(run("orders", "list", "--json").stdout)
    assert list(found) == [*names[:9], "same_id_as", "event"]
    assert (found["receipt"], found["test"]) == ("rcp_00000001", False)


def test_orders_list_takes_a_state_and_all(run: Run, serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    shop.post(order_fields(order_id="A-1"))
    shop.post(order_fields(order_id="A-2", payment_status="unpaid"))

    def found(*options: str) -> list[str]:
        return [row["order_id"] for row in json.loads(run("orders", "list", "--json", *options).stdout)]

    assert found() == ["A-1"]
    assert found("--all") == ["A-2", "A-1"]
    assert found("--state", "ignored") == ["A-2"]
    assert run("orders", "list", "--state", "lost").exit_code == 2


def test_orders_list_and_show_tell_what_came_under_one_id(run: Run, serve: Callable[..., Served]) -> None:
    assert lines(run("orders", "list", "--same-id")) == ["No two different orders share an id."]
    shop = serve(work=False)
    shop.post(order_fields(order_id="B-1"))
    for changes in ({"test": "true"}, {"payment_status": "pending"}, {}):
        shop.post(order_fields(order_id="A-1", event_id="E1", **changes))
    first, *others = (row.receipt for row in shop.rows()[1:])

    found = json.loads(run("orders", "list", "--same-id", "--json").stdout)
    assert [(row["receipt"], row["same_id_as"]) for row in found] == [
        *((receipt, first) for receipt in reversed(others)),
        (first, None),
    ]
    assert json.loads(run("orders", "show", first).stdout)["others_of_same_id"] == others
    shown = json.loads(run("orders", "show", others[0]).stdout)
    assert (shown["same_id_as"], shown["others_of_same_id"]) == (first, [first, others[1]])


def test_orders_list_says_when_there_may_be_more(
    run: Run, serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("receiver.storage.pages.SIZE", 2)
    shop = serve(work=False)
    for number in range(3):
        shop.post({"Ref": str(number)})
    result = run("orders", "list", "--state", "parked", "--json")
    assert (len(json.loads(result.stdout)), result.stderr) == (
        2,
        "These are the latest 2. Use --all to list every order.\n",
    )
    result = run("orders", "list", "--state", "parked", "--all", "--json")
    assert (len(json.loads(result.stdout)), result.stderr) == (3, "")


def test_orders_dismiss_settles_what_is_parked_and_nothing_else(run: Run, serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    receipts = [shop.post(fields).content["receipt"] for fields in ({"Ref": "1"}, {"Ref": "2"}, order_fields())]

    refused = run("orders", "dismiss", *receipts)
    assert (refused.exit_code, refused.stderr) == (
        1,
        "Error: rcp_00000003 is open; only what is parked can be dismissed.\n",
    )
    assert [row.state for row in shop.rows()] == ["parked", "parked", "open"]

    assert run("orders", "dismiss", *receipts[:2]).output == "Dismissed rcp_00000001, rcp_00000002.\n"
    whole = json.loads(run("orders", "show", receipts[0]).stdout)
    assert (whole["state"], whole["notes"]) == ("ignored", ["dismissed by hand while it was parked"])
    assert shop.post({"Ref": "1"}).content["status"] == "duplicate"
    assert run("orders", "replay", receipts[0]).stdout.split()[2:4] == [receipts[0], "parked:"]


def test_orders_list_says_what_to_do_when_there_is_none(run: Run) -> None:
    result = run("orders", "list")
    assert (result.exit_code, result.output) == (
        0,
        "No orders yet. Tests are listed with --all. Send one: flask selftest\n",
    )


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_orders_show_gives_one_whole(run: Run, shop: Served, options: tuple[str, ...]) -> None:
    receipt = shop.post(order_fields(order_id="A-1")).content["receipt"]
    shop.settled()
    whole = json.loads(run("orders", "show", receipt, *options).stdout)
    assert (whole["order"]["order_id"], len(whole["handlers"]), len(whole["mails"])) == ("A-1", 3, 2)


def test_orders_show_takes_an_order_id_and_shows_the_newest_of_that_id(run: Run, serve: Callable[..., Served]) -> None:
    shop = serve(work=False, sources={"market": {}})
    for path in ("/orders", "/orders/market"):
        shop.post(order_fields(order_id="A-1"), path=path)
    shop.post(order_fields(order_id="A-2"))

    assert json.loads(run("orders", "show", "A-1").stdout)["receipt"] == "rcp_00000002"


@pytest.mark.parametrize("command", ["show", "explain"])
def test_an_unknown_receipt_ends_in_an_error(run: Run, command: str) -> None:
    result = run("orders", command, "rcp_00000009")
    assert result.exit_code == 1
    assert "No order has the receipt rcp_00000009" in result.stderr


def test_an_unknown_order_id_ends_in_an_error(run: Run) -> None:
    result = run("orders", "show", "A-9")
    assert (result.exit_code, "No order has the receipt or order id A-9" in result.stderr) == (1, True)


def test_orders_replay_reads_parked_ones_with_todays_mapping(
    run: Run, serve: Callable[..., Served], instance: Path
) -> None:
    shop = serve(work=False)
    shop.post({"OrderRef": "A-1"})
    assert "parked" in run("orders", "replay", "--parked").output
    (instance / "config.toml").write_text('[sources.shopintegrator.fields]\norder_id = "OrderRef"\n')
    result = run("orders", "replay", "--parked")
    assert result.exit_code == 0
    assert [line.split() for line in lines(result)] == [
        ["receipt", "became"],
        ["rcp_00000001", "open"],
        ["The", "server", "or", "`flask", "worker`", "runs", "the", "open", "ones", "now."],
    ]
    assert run("orders", "replay", "--parked").output == "No orders are parked.\n"


def test_orders_replay_says_number_and_age_of_what_is_parked_first(run: Run, serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    shop.post({"OrderRef": "A-1"})
    result = run("orders", "replay", "--parked")
    assert result.stderr == "1 parked, the oldest for less than an hour.\n"
    with shop.kit.database.write() as session:
        session.execute(update(OrderRow).values(received_at=datetime.now(UTC) - timedelta(days=12, minutes=1)))
    assert run("orders", "replay", "--parked").stderr.splitlines() == [
        "1 parked, the oldest for 12 days.",
        "email_customer emails customers, which may be too late by now: skip it with --without email_customer",
    ]
    assert run("orders", "replay", "--parked", "--json").stderr == ""
    assert "email_customer" not in run("orders", "replay", "--parked", "--without", "email_customer").stderr


def test_orders_replay_leaves_handlers_out(run: Run, serve: Callable[..., Served], instance: Path) -> None:
    shop = serve(work=False)
    shop.post({"OrderRef": "A-1"})
    (instance / "config.toml").write_text('[sources.shopintegrator.fields]\norder_id = "OrderRef"\n')
    options = ("--without", "email_customer", "--without", "notify_merchant", "--json")
    assert json.loads(run("orders", "replay", "--parked", *options).stdout)[0]["became"] == "open"
    states = shop.handler_states()
    assert states == {"register_customer": "pending", "email_customer": "skipped", "notify_merchant": "skipped"}


def test_orders_replay_names_a_handler_that_it_cannot_leave_out(run: Run, serve: Callable[..., Served]) -> None:
    receipt = serve(work=False).post({"OrderRef": "A-1"}).content["receipt"]
    result = run("orders", "replay", "--parked", "--without", "nobody")
    assert (result.exit_code, "No handler is named nobody" in result.stderr) == (1, True)
    result = run("orders", "replay", receipt, "--without", "email_customer")
    assert (result.exit_code, "--without goes with --parked" in result.stderr) == (2, True)
    result = run("orders", "replay", "--parked", "--handler", "email_customer")
    assert (result.exit_code, "--handler can't be used with --parked" in result.stderr) == (2, True)


@pytest.mark.parametrize("answer", ["y", "n"])
def test_on_a_terminal_the_parked_ones_are_run_when_agreed(
    run: Run, serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    serve(work=False).post({"OrderRef": "A-1"})
    monkeypatch.setattr(orders, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True), stderr=sys.stderr))
    result = run("orders", "replay", "--parked", stdin=f"{answer}\n")
    assert (result.exit_code, "rcp_00000001" in result.stdout) == ((0, True) if answer == "y" else (1, False))


def test_orders_replay_reports_on_each_receipt_and_fails_if_one_did(run: Run, shop: Served) -> None:
    receipt = shop.post(order_fields()).content["receipt"]
    shop.settled()
    result = run("orders", "replay", receipt, "rcp_00000009", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == [
        {"receipt": receipt, "became": "nothing unfinished; name a handler to run it again"},
        {
            "receipt": "rcp_00000009",
            "became": "No order has the receipt rcp_00000009; see `flask orders list --all`.",
        },
    ]


def test_orders_replay_runs_one_handler_again(run: Run, shop: Served) -> None:
    receipt = shop.post(order_fields()).content["receipt"]
    shop.settled()
    result = run("orders", "replay", receipt, "--handler", "notify_merchant", "--json")
    assert json.loads(result.stdout) == [{"receipt": receipt, "became": "open"}]
    shop.settled()
    mails = json.loads(run("orders", "show", receipt).stdout)["mails"]
    assert [mail["to"] for mail in mails].count("merchant@example.com") == 2


def test_orders_replay_wants_to_know_which(run: Run) -> None:
    result = run("orders", "replay")
    assert result.exit_code == 2
    assert "Name an order, or use --parked." in result.stderr


def test_orders_explain_reads_a_receipt_or_a_file(run: Run, serve: Callable[..., Served], tmp_path: Path) -> None:
    receipt = serve(work=False).post({"OrderRef": "A-1"}).content["receipt"]
    body = tmp_path / "body"
    body.write_text(f"OrderRef=A-1&s={SECRET}")
    for what in (receipt, str(body)):
        result = run("orders", "explain", what)
        assert result.exit_code == 0
        assert lines(result)[0] == "Not understood yet: parked"
        assert json.loads(run("orders", "explain", what, "--json").stdout)["understood"] is False
        assert SECRET not in result.output


def test_nothing_that_was_sent_steers_the_terminal(run: Run, serve: Callable[..., Served], tmp_path: Path) -> None:
    file = tmp_path / "body"
    file.write_text("%1B%5D0;x%07=1&a%C2%9Bb=2&customer_email=zoe%1B@x&item_1_quantity%1B=x")
    serve().post(order_fields(order_id="A\u200b1\x9b31m"))
    printed = run("orders", "explain", str(file)).stdout + run("orders", "list").stdout

    assert "]0;x" in printed
    assert [sign for sign in printed if not sign.isprintable() and sign != "\n"] == []


def test_orders_explain_reads_a_file_as_another_sources(run: Run, tmp_path: Path) -> None:
    body = tmp_path / "body"
    body.write_text("Ref=A-1")
    settings = {"sources": {"other": {"fields": {"order_id": "Ref"}}}}
    assert "Understood: completed" in run("orders", "explain", str(body), "--source", "other", **settings).output
    result = run("orders", "explain", str(body), "--source", "no_such", **settings)
    assert (result.exit_code, "has this name" in result.stderr) == (1, True)


def test_orders_explain_names_what_it_does_not_find(run: Run) -> None:
    result = run("orders", "explain", "missing.json")
    said = "No order has the receipt or order id missing.json; see `flask orders list --all`."
    assert (result.exit_code, result.stderr) == (1, f"Error: {said} There's no file with that name either.\n")
    result = run("orders", "explain", "missing.json", "--source", "other")
    assert (result.exit_code, "--source needs a file" in result.stderr) == (2, True)


def test_orders_explain_and_replay_take_an_order_id(run: Run, shop: Served) -> None:
    shop.post(order_fields(order_id="A-1"))
    shop.settled()
    assert "order_id = 'A-1'" in run("orders", "explain", "A-1").stdout
    result = run("orders", "replay", "A-1", "--handler", "notify_merchant", "--json")
    assert json.loads(result.stdout) == [{"receipt": "rcp_00000001", "became": "open"}]


def test_an_order_id_means_the_order_and_not_a_notice_of_it(run: Run, shop: Served) -> None:
    receipt = shop.post(order_fields(order_id="A-1")).content["receipt"]
    shop.post(order_fields(order_id="A-1", event="order.refunded"))
    shop.settled()
    result = run("orders", "replay", "A-1", "--handler", "notify_merchant", "--json")
    assert json.loads(result.stdout) == [{"receipt": receipt, "became": "open"}]


def test_an_order_id_means_the_order_and_not_what_came_later_and_is_parked(
    run: Run, serve: Callable[..., Served]
) -> None:
    shop = serve(work=False)
    order = shop.post(order_fields(order_id="A-1")).content["receipt"]
    shop.post(order_fields(order_id="A-1", total="much"))
    shop.post(order_fields(order_id="A-2", total="much"))
    assert json.loads(run("orders", "show", "A-1").stdout)["receipt"] == order
    assert json.loads(run("orders", "show", "A-2").stdout)["state"] == "parked"


def test_orders_explain_blots_out_the_secrets_of_sources(run: Run, tmp_path: Path) -> None:
    (tmp_path / "body").write_text("order_id=A-1&note=a-secret-of-one-source")
    settings = {"sources": {"eu": {"secrets": ["a-secret-of-one-source"]}}}
    result = run("orders", "explain", str(tmp_path / "body"), **settings)
    assert ("a-secret-of-one-source" in result.output, "note" in result.output) == (False, True)


def test_orders_replay_names_an_unknown_handler_once(run: Run) -> None:
    result = run("orders", "replay", "--parked", "--without", "nobody")
    assert (result.exit_code, result.stderr.count("No handler is named nobody")) == (1, 1)


def test_orders_list_of_a_state_that_no_order_is_in(run: Run) -> None:
    assert run("orders", "list", "--state", "failed").output == "No orders are failed.\n"


def test_orders_replay_takes_one_that_may_be_incomplete_only_by_its_name(run: Run, kit: Kit) -> None:
    receipt = post(kit, CUT).receipt
    assert "may be incomplete" in run("orders", "replay", "--parked").stdout
    together = run("orders", "replay", "--parked", "--accept-incomplete")
    assert (together.exit_code, "name each one" in together.stderr) == (2, True)
    assert run("orders", "replay", receipt, "--accept-incomplete").stdout.split()[2:4] == [receipt, "open"]
