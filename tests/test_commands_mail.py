"""flask mail: list and resend."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from flask import Flask

from receiver.kit import Kit
from receiver.models import MailRow
from tests.commanding import Run, lines, runner
from tests.served import Served, order_fields
from tests.test_mail_ledger import put


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
    assert (result.exit_code, result.output) == (0, "No such mail yet; send the dummy order with: flask selftest\n")


def test_mail_resend_has_a_worker_send_it(run: Run, kit: Kit) -> None:
    put(kit, 1, state="failed", attempts=9)
    result = run("mail", "resend", "1")
    assert (result.exit_code, result.stdout) == (
        0,
        "It is tried again now. A serving process or `flask worker` does it.\n",
    )
    assert kit.outbox.run_next()
    with kit.database.read() as session:
        assert session.get_one(MailRow, 1).state == "sent"


@pytest.mark.parametrize(("mail_id", "code"), [("7", 1), ("9" * 40, 1), ("0", 2), ("x", 2)])
def test_mail_resend_of_one_that_is_not_there_fails(run: Run, mail_id: str, code: int) -> None:
    result = run("mail", "resend", mail_id)
    assert result.exit_code == code
    assert "flask mail list" in result.stderr or code == 2
