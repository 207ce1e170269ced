"""flask mail: list, resend, preview and customise."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from receiver.app.components import Kit
from receiver.storage.models import MailRow
from tests.commanding import Run, lines, runner
from tests.mail.test_queries import put
from tests.served import Served, order_fields


@pytest.fixture
def run(make_app: Callable[..., Flask]) -> Run:
    """Run a flask command on an app with these settings."""
    return runner(make_app)


def test_mail_list_is_a_table_or_json(run: Run, shop: Served) -> None:
    shop.post(order_fields(order_id="A-1"))
    shop.settled()
    names, *rows = (line.split() for line in lines(run("mail", "list")))
    assert names[:6] == ["id", "to", "subject", "state", "test", "receipt"]
    assert len(rows) == 2
    found = json.loads(run("mail", "list", "--json").stdout)
    assert [(row["id"], row["to"], row["handler"]) for row in found] == [
        (2, "merchant@example.com", "notify_merchant"),
        (1, "ada@shop.example", "email_customer"),
    ]


def test_mail_list_takes_a_state(run: Run, kit: Kit) -> None:
    put(kit, 1)
    put(kit, 2, state="failed")
    assert [row["id"] for row in json.loads(run("mail", "list", "--json", "--state", "failed").stdout)] == [2]
    assert run("mail", "list", "--state", "lost").exit_code == 2


def test_mail_list_says_what_to_do_when_there_is_none(run: Run) -> None:
    result = run("mail", "list")
    assert (result.exit_code, result.output) == (0, "No such emails yet. Send a test order with: flask selftest\n")


def test_mail_resend_has_a_worker_send_it(run: Run, kit: Kit) -> None:
    put(kit, 1, state="failed", attempts=9)
    result = run("mail", "resend", "1")
    assert (result.exit_code, result.stdout) == (
        0,
        "It's being sent again. The server or `flask worker` does it.\n",
    )
    assert kit.outbox.run_next()
    with kit.database.read() as session:
        assert session.get_one(MailRow, 1).state == "sent"


def test_mail_resend_takes_another_address(run: Run, kit: Kit) -> None:
    put(kit, 1, state="failed", recipient="merchant@example.com")
    assert run("mail", "resend", "1", "--to", "owner@laden.de").exit_code == 0
    with kit.database.read() as session:
        assert session.get_one(MailRow, 1).recipient == "owner@laden.de"
    refused = run("mail", "resend", "1", "--to", "owner")
    assert (refused.exit_code, "is not one plain email address" in refused.stderr) == (1, True)


@pytest.mark.parametrize(("mail_id", "code"), [("7", 1), ("9" * 40, 1), ("0", 2), ("x", 2)])
def test_mail_resend_of_one_that_is_not_there_fails(run: Run, mail_id: str, code: int) -> None:
    result = run("mail", "resend", mail_id)
    assert result.exit_code == code
    assert "flask mail list" in result.stderr or code == 2


def test_mail_preview_prints_the_text_and_writes_the_html(run: Run, tmp_path: Path) -> None:
    result = run("mail", "preview", "order_confirmation", "--language", "de", "--open", str(tmp_path / "mail.html"))
    assert result.exit_code == 0, result.output
    assert lines(result)[:3] == ["Subject: Ihre Bestellung 1042 bei Example Shop", "", "Guten Tag Zoë Müller-Łukasz,"]
    assert "Vielen Dank" in (tmp_path / "mail.html").read_text("utf-8")
    assert "Open it in a browser" in result.stderr


def test_mail_preview_takes_a_recorded_order_by_receipt_or_order_id(run: Run, shop: Served) -> None:
    receipt = shop.post(order_fields(order_id="A-1")).content["receipt"]
    for name in (receipt, "A-1"):
        assert lines(run("mail", "preview", "order_notice", "--order", name))[0].startswith("Subject: New order A-1")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nothing",), "order_confirmation"),
        (("order_notice", "--order", "A-9"), "flask orders list --all"),
        (("order_notice", "--order", "rcp_9"), "flask orders list --all"),
        (("order_notice", "--language", "klingon"), "must be a locale"),
        (("account_link", "--open", "x.html"), "has no HTML part"),
        (("order_notice", "--open", "/nowhere/x.html"), "/nowhere/x.html: No such file or directory."),
    ],
)
def test_mail_preview_says_what_is_wrong(run: Run, words: tuple[str, ...], said: str) -> None:
    result = run("mail", "preview", *words)
    assert result.exit_code != 0
    assert said in result.stderr


def test_mail_preview_of_a_parked_order_says_what_to_do(run: Run, shop: Served) -> None:
    receipt = shop.post({"OrderRef": "77"}).content["receipt"]
    assert f"flask orders explain {receipt}" in run("mail", "preview", "order_notice", "--order", receipt).stderr


def test_mail_customise_copies_once_and_says_what_to_do_next(run: Run, instance: Path) -> None:
    result = run("mail", "customise", "order_confirmation")
    assert result.exit_code == 0, result.output
    assert (instance / "templates" / "order_confirmation.html").is_file()
    assert "flask mail preview order_confirmation --open" in result.stdout
    again = run("mail", "customise", "order_confirmation")
    assert again.exit_code == 1
    assert "already exists" in again.stderr
    assert "preview order_confirmation --open preview.html\n" in run("mail", "customise", "_layout").stdout
    assert "preview account_link\n" in run("mail", "customise", "account_link").stdout
