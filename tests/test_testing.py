"""The pytest plugin for handlers' tests: its battery catches each kind of harm, and its fixtures touch nothing else."""

from __future__ import annotations

import inspect
import os
import shutil
import textwrap
from collections.abc import Callable
from inspect import signature
from pathlib import Path

import pytest

from receiver.orders import Order
from receiver.storage.models import MailRow
from receiver.testing import HandlerCases, MakeOrder, RunHandler, instance

pytestmark = pytest.mark.sqlite  # the instance that merchants test in
KEEP = "context.session.execute(text('CREATE TABLE IF NOT EXISTS kept (id)')); "
#: What stands in a handler that does harm -> the test that catches it, and what that says.
HARM = {
    "raise Skip('not a red one')": ("is_done_and_running_twice", "not a red one: override the fixture `order`"),
    f"{KEEP}context.session.execute(text('INSERT INTO kept VALUES (1)'))": ("is_done_and_running_twice", "'kept': 2"),
    "assert not context.test": ("obeys_a_test_transmission", "AssertionError"),
    "order.items[0]": ("survives_missing_fields", "IndexError"),
    "assert '<script>' not in order.items[0].name": ("survives_hostile_text", "{'markup': ['retrying: AssertionError"),
    "assert len(order.customer.last_name) < 9999": ("survives_hostile_text", "{'names of 10,000 letters': ['retrying"),
    "from receiver.app.engine import Engine": ("imports_neither_engine", "['receiver.app.engine.Engine']"),
}


class Cases(HandlerCases):
    name = "harmful"


@pytest.fixture
def write(instance: Path) -> Callable[[str], None]:
    """Write the handler, with this line in it."""

    def write(line: str) -> None:
        code = f"""
            from pathlib import Path
            from sqlalchemy import text
            from receiver.handlers import Skip, handler

            @handler
            def harmful(order, context):
                "Do harm."
                {line}
                return "harm"
        """
        (instance / "handlers" / "harmful.py").write_text(textwrap.dedent(code), "utf-8")

    return write


@pytest.mark.parametrize("line", HARM)
def test_the_battery_catches_harm(request: pytest.FixtureRequest, write: Callable[[str], None], line: str) -> None:
    write(line)
    about, said = HARM[line]
    (case,) = [value for name, value in vars(HandlerCases).items() if name.startswith(f"test_it_{about}")]
    given = {name: request.getfixturevalue(name) for name in [*signature(case).parameters][1:]}

    with pytest.raises(AssertionError) as caught:
        case(Cases(), **given)
    assert said in str(caught.value)


def test_harm_is_a_mail_that_did_not_go_out_as_it_was_given(run_handler: RunHandler, outbox: list[MailRow]) -> None:
    trial = run_handler("notify_merchant")
    assert trial.harm() == []
    (file,) = (trial.kit.instance / "outbox").glob("*.eml")
    file.write_bytes(b"Bcc: eve@evil.example\r\n" + file.read_bytes())
    assert "('Bcc', 'eve@evil.example')" in trial.harm()[0]

    outbox[0].state = "failed"
    assert trial.harm() == ["an email is failed: " + str(outbox[0].detail)]


def test_what_serves_is_not_touched(fresh_instance: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither its folder nor its settings mean anything but for handlers and templates, which are copied."""
    serving = tmp_path / "serving"
    shutil.copytree(fresh_instance, serving)
    (serving / "handlers" / "mine.py").write_text("# mine")
    (serving / "config.toml").write_text("SHOP_NAME = 'The real one'")
    monkeypatch.setenv("RECEIVER_INSTANCE_PATH", str(serving))
    monkeypatch.setenv("RECEIVER_MAIL_SERVER", "smtp.shop.example")

    made = inspect.unwrap(instance)(fresh_instance, tmp_path, monkeypatch)

    assert (made / "handlers" / "mine.py").read_text() == "# mine"
    assert (made / "config.toml").read_text() == (fresh_instance / "config.toml").read_text()
    assert {name: value for name, value in os.environ.items() if name.startswith("RECEIVER_")} == {
        "RECEIVER_INSTANCE_PATH": str(made)
    }


def test_an_order_that_the_receiver_does_not_run_is_told(run_handler: RunHandler, order: Order) -> None:
    run_handler("notify_merchant")
    with pytest.raises(AssertionError, match='"status":"duplicate"'):
        run_handler("notify_merchant", order)
    with pytest.raises(AssertionError, match='"status":"parked"'):
        run_handler("notify_merchant", {"nothing": "known"})
    with pytest.raises(AssertionError, match="harmles"):
        run_handler("harmles")


def test_orders_of_a_test_are_in_one_instance_and_its_outbox(
    run_handler: RunHandler, make_order: MakeOrder, outbox: list[MailRow]
) -> None:
    run_handler("notify_merchant")
    run_handler("email_customer", make_order(order_number="7"), SHOP_NAME="Corner Shop")

    assert [mail.handler for mail in outbox] == ["notify_merchant", "email_customer"]
    assert outbox[-1].subject == "Ihre Bestellung 7 bei Corner Shop"
