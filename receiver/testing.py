"""What a merchant's own handler is tested with, ``pytest_plugins = ["receiver.testing"]``: fixtures and a battery."""
# ruff: noqa: S101 - these are tests

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sqlalchemy import select, text

from receiver import create_app
from receiver.instance import set_up
from receiver.kit import Kit
from receiver.models import HandlerRow, MailRow, OrderRow
from receiver.orders import Order, encode_form
from receiver.relay.dummy import dummy_order
from receiver.replay import replay

_SECRET = "the-secret-of-the-handlers-tests"  # noqa: S105 - of an instance that lives as long as one test
_RECORDS = frozenset({"orders", "order_handlers", "handler_attempts", "mails"})
_HOSTILE = (
    "{{ 7*7 }}<script>alert(1)</script>'); DROP TABLE orders;--\r\nBcc: eve@evil.example\u202e\u0301" + "N" * 2000
)
_HARMLESS = frozenset({"done", "skipped"})


@dataclass
class Trial:
    """Is an order that a handler was run on, in an instance of the test's own."""

    kit: Kit
    name: str
    #: What ``rows_of_its_own`` gave before.
    before: dict[str, int] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """Give ``done``, ``skipped``, ``retrying`` or ``failed``."""
        return self._row().state

    @property
    def detail(self) -> str | None:
        """Give what the handler returned, or why it did not end well."""
        return self._row().detail

    @property
    def mails(self) -> Sequence[MailRow]:
        """Give the mails in the outbox: ``recipient``, ``subject``, ``text``, ``html``, ``reply_to``."""
        with self.kit.database.read() as session:
            return session.scalars(select(MailRow).order_by(MailRow.id)).all()

    def again(self) -> None:
        """Run the handler on the same order once more."""
        with self.kit.database.write() as session:
            replay(
                session, self._order().receipt, sources=self.kit.sources, registry=self.kit.registry, handler=self.name
            )
        self.run()

    def run(self) -> None:
        """Run what is due."""
        while self.kit.processor.run_next():
            pass

    def rows_of_its_own(self) -> dict[str, int]:
        """Count the rows of every table but the receiver's own records."""
        with self.kit.database.read() as session:
            names = session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'")).all()
            counted = {name: session.scalar(text(f'SELECT count(*) FROM "{name}"')) or 0 for name in names}  # noqa: S608
        return {name: count for name, count in counted.items() if name not in _RECORDS}

    def _row(self) -> HandlerRow:
        with self.kit.database.read() as session:
            return session.scalars(select(HandlerRow).order_by(HandlerRow.id.desc())).first() or HandlerRow()

    def _order(self) -> OrderRow:
        with self.kit.database.read() as session:
            return session.scalars(select(OrderRow).order_by(OrderRow.id.desc())).one()


RunHandler = Callable[..., Trial]
MakeOrder = Callable[..., Order]


@pytest.fixture
def make_order() -> MakeOrder:
    """Make the dummy order as a real one; changes are given by name, as ``make_order(shipping=None)``."""

    def make(**changes: Any) -> Order:
        known = dummy_order(now=datetime.now(UTC), nonce="7e57").model_dump(exclude_defaults=True)
        return Order.model_validate({**known, "test": False, **changes})

    return make


@pytest.fixture
def order(make_order: MakeOrder) -> Order:
    """Give the dummy order as a real one."""
    return make_order()


@pytest.fixture
def run_handler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: Order) -> RunHandler:
    """Run one handler, by its name, on an order; the instance's handlers and templates are copied, nothing else."""
    merchants = Path(os.environ.get("RECEIVER_INSTANCE_PATH") or Path(__file__).parents[1] / "instance")
    instance = tmp_path / "instance"
    for folder in ("handlers", "templates"):
        if (merchants / folder).is_dir():
            shutil.copytree(merchants / folder, instance / folder)
    monkeypatch.setenv("RECEIVER_INSTANCE_PATH", str(instance))

    def run(name: str, on: Order | None = None, **settings: Any) -> Trial:
        app = create_app({"HANDLERS": [name], "SHARED_SECRETS": [_SECRET], **settings})
        list(set_up(app.extensions["receiver"], "a password for the tests"))
        app = create_app({"HANDLERS": [name], "SHARED_SECRETS": [_SECRET], **settings})
        trial = Trial(app.extensions["receiver"], name)
        assert trial.kit.registry.get(name), trial.kit.registry.problems
        trial.before = trial.rows_of_its_own()
        headers = {"X-Shared-Secret": _SECRET, "Content-Type": "application/x-www-form-urlencoded"}
        answer = app.test_client().post("/orders", data=encode_form(on or order), headers=headers)
        assert answer.status_code in {200, 202}, answer.text
        trial.run()
        return trial

    return run


class HandlerCases:
    """Is the battery that any handler inherits: ``class TestMine(HandlerCases): name = "mine"``."""

    name: ClassVar[str]

    def test_running_twice_does_no_harm(self, run_handler: RunHandler) -> None:
        """See the dummy order done, and nothing more come of a second run."""
        trial = run_handler(self.name)
        assert trial.state in _HARMLESS, trial.detail
        before = trial.rows_of_its_own()
        trial.again()
        assert trial.state in _HARMLESS, trial.detail
        assert trial.rows_of_its_own() == before

    def test_it_obeys_a_test_transmission(self, run_handler: RunHandler, make_order: MakeOrder) -> None:
        """See no row kept, and every mail go to the merchant."""
        trial = run_handler(self.name, make_order(test=True), MERCHANT_EMAIL="merchant@shop.example")
        assert trial.state in _HARMLESS, trial.detail
        assert trial.rows_of_its_own() == trial.before
        assert {mail.recipient for mail in trial.mails} <= {"merchant@shop.example"}

    def test_it_survives_missing_fields(self, run_handler: RunHandler) -> None:
        """See an order of nothing but its id done or skipped."""
        trial = run_handler(self.name, Order(order_id="A-1", order_date=datetime.now(UTC)))
        assert trial.state in _HARMLESS, trial.detail

    def test_it_survives_hostile_text(self, run_handler: RunHandler, order: Order) -> None:
        """See text that means harm to templates, mails and databases do none."""
        names = {"first_name": _HOSTILE, "last_name": _HOSTILE, "company": _HOSTILE}
        items = tuple(item.model_copy(update={"name": _HOSTILE, "sku": _HOSTILE}) for item in order.items)
        changes = {"customer": order.customer.model_copy(update=names), "items": items, "customer_note": _HOSTILE}
        trial = run_handler(self.name, order.model_copy(update=changes))
        assert trial.state in _HARMLESS, trial.detail
