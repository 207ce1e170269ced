"""The handlers that come with the kit: the whole battery, and what each does of its own."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from receiver.handlers import Handler
from receiver.storage.models import AttemptRow, CustomerRow, HandlerRow, MailRow
from receiver.testing import HandlerCases, MakeOrder, RunHandler
from receiver.testing.battery import out_of_bounds
from tests.served import Served, order_fields

BUILT_IN = {"register_customer", "email_customer", "notify_merchant"}


class TestRegisterCustomer(HandlerCases):
    name = "register_customer"

    def test_it_says_whether_the_customer_is_new(self, run_handler: RunHandler) -> None:
        first = run_handler(self.name, order_fields())
        second = run_handler(self.name, order_fields(customer_email="ADA@shop.example", customer_phone="1"))

        assert (first.detail, second.detail) == ("registered", "already known, updated")
        with second.kit.database.read() as session:
            customer = session.query(CustomerRow).one()
        assert (customer.email, customer.first_name, customer.phone) == ("ada@shop.example", "Ada", "1")

    def test_an_order_without_an_email_address_is_skipped(self, run_handler: RunHandler) -> None:
        trial = run_handler(self.name, order_fields(customer_email=""))

        assert (trial.state, trial.detail) == ("skipped", "the order has no email address")
        assert trial.rows_of_its_own()["customers"] == 0


class TestEmailCustomer(HandlerCases):
    name = "email_customer"

    def test_the_confirmation_goes_to_the_customer_and_replies_to_the_merchant(
        self, run_handler: RunHandler, outbox: list[MailRow]
    ) -> None:
        shop = {"SHOP_NAME": "Corner Shop", "MERCHANT_EMAIL": "owner@laden.de"}
        trial = run_handler(self.name, order_fields(order_number="1042"), **shop)

        (mail,) = outbox
        assert (mail.recipient, mail.reply_to) == ("ada@shop.example", "owner@laden.de")
        assert mail.subject == "Your order 1042 at Corner Shop"
        assert "Hi Ada," in mail.text
        assert "£19.99" in mail.text
        assert mail.html is not None
        assert (mail.handler, mail.order_pk, mail.state) == ("email_customer", trial.row.order_pk, "sent")

    def test_without_a_number_for_the_shopper_the_id_stands_in_the_subject(
        self, run_handler: RunHandler, outbox: list[MailRow]
    ) -> None:
        run_handler(self.name, order_fields(order_id="A-1"))

        assert [mail.subject for mail in outbox] == ["Your order A-1 at Example Shop"]

    def test_an_order_without_an_email_address_is_skipped(self, run_handler: RunHandler, outbox: list[MailRow]) -> None:
        trial = run_handler(self.name, order_fields(customer_email=""))

        assert (trial.state, trial.detail) == ("skipped", "the order has no email address")
        assert outbox == []

    def test_it_waits_for_register_customer(self, serve: Callable[..., Served]) -> None:
        """Also when HANDLERS names it first: the customer is mailed only once they are registered."""
        shop = serve(work=False, HANDLERS=["email_customer", "register_customer"])
        shop.post(order_fields())
        assert shop.kit.processor.run_next()

        attempts = shop.rows(AttemptRow)
        assert [attempt.state for attempt in attempts] == ["done", "done"]
        names = {row.id: row.name for row in shop.rows(HandlerRow)}
        assert [names[attempt.handler_pk] for attempt in attempts] == ["register_customer", "email_customer"]

    def test_while_register_customer_is_retried_it_waits(
        self, serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def database_is_away(*_: object, **__: object) -> None:
            raise RuntimeError

        monkeypatch.setattr("receiver.handlers.context.apply_order", database_is_away)
        shop = serve(work=False, HANDLERS=["email_customer", "register_customer"])
        shop.post(order_fields())
        assert shop.kit.processor.run_next()

        assert shop.handler_states() == {"email_customer": "pending", "register_customer": "retrying"}
        assert shop.rows(MailRow) == []
        assert not shop.kit.processor.run_next()

    def test_on_a_test_transmission_the_merchant_gets_it(
        self, run_handler: RunHandler, make_order: MakeOrder, outbox: list[MailRow]
    ) -> None:
        run_handler(self.name, make_order(test=True))

        (mail,) = outbox
        assert (mail.recipient, mail.test) == ("merchant@example.com", True)
        assert mail.subject == "[Test] Your order 1042 at Example Shop"
        assert "TEST" in mail.text


class TestNotifyMerchant(HandlerCases):
    name = "notify_merchant"

    def test_the_notice_goes_to_the_merchant_and_replies_to_the_customer(
        self, run_handler: RunHandler, outbox: list[MailRow]
    ) -> None:
        fields = order_fields(order_number="1042", customer_last_name="Lovelace")
        run_handler(self.name, fields, MERCHANT_EMAIL="owner@laden.de")

        (mail,) = outbox
        assert (mail.recipient, mail.reply_to) == ("owner@laden.de", "ada@shop.example")
        assert mail.subject == "New order 1042: £19.99 from Ada Lovelace"
        assert "Enamel mug" in mail.text
        assert mail.html is not None

    def test_the_notice_leads_to_the_order_in_the_console(self, run_handler: RunHandler, outbox: list[MailRow]) -> None:
        run_handler(self.name, order_fields(), PUBLIC_URL="https://orders.laden.de/")

        (mail,) = outbox
        assert "Console     https://orders.laden.de/admin/orders/rcp_00000001\n" in mail.text
        assert 'href="https://orders.laden.de/admin/orders/rcp_00000001"' in (mail.html or "")

    def test_an_order_without_an_email_address_is_told_of_without_a_reply_address(
        self, run_handler: RunHandler, outbox: list[MailRow]
    ) -> None:
        assert run_handler(self.name, order_fields(customer_email="")).state == "done"

        (mail,) = outbox
        assert (mail.recipient, mail.reply_to) == ("merchant@example.com", None)

    def test_it_waits_for_nobody(self, serve: Callable[..., Served]) -> None:
        shop = serve(work=False)
        found = shop.kit.registry.get(self.name)

        assert isinstance(found, Handler)
        assert found.after is None


class TestAMerchantsHandler(HandlerCases):
    """The battery holds for a file of ``instance/handlers/`` too."""

    name = "keep_the_order"

    @pytest.fixture(autouse=True)
    def _is_in_the_instance(self, instance: Path) -> None:
        code = """
            from sqlalchemy import text
            from receiver.handlers import Skip, handler

            @handler
            def keep_the_order(order, context):
                \"\"\"Keep the order's id and first item in a table of the merchant's own.\"\"\"
                if not order.items:
                    raise Skip("nothing was bought")
                context.session.execute(text("CREATE TABLE IF NOT EXISTS kept (id TEXT PRIMARY KEY, item TEXT)"))
                keep = text("INSERT INTO kept VALUES (:id, :item) ON CONFLICT DO NOTHING")
                context.session.execute(keep, {"id": order.order_id, "item": order.items[0].name})
        """
        (instance / "handlers" / "keep_the_order.py").write_text(textwrap.dedent(code))


def test_the_three_built_in_handlers_are_those_that_are_tested_here(serve: Callable[..., Served]) -> None:
    assert {handler.name for handler in serve(work=False).kit.registry.handlers} == BUILT_IN


def test_the_battery_catches_imports_that_a_handler_must_not_make() -> None:
    source = (
        "import receiver.app.engine\nfrom receiver import routes\nfrom receiver.app.engine import Engine\n"
        "from receiver.handlers import register_customer, Skip, handler\nimport receiver.handlers.email_customer\n"
        "from . import other\nfrom .other import work\nimport instance_handlers_mine\n"
        "from receiver.orders import Order\nimport json\ndef late():\n    from receiver.routes import blueprint\n"
    )

    assert out_of_bounds(source, "receiver.handlers") == [
        "receiver.app.engine",
        "receiver.routes",
        "receiver.app.engine.Engine",
        "receiver.handlers.register_customer",
        "receiver.handlers.email_customer",
        "receiver.handlers.other",
        "receiver.handlers.other.work",
        "instance_handlers_mine",
        "receiver.routes.blueprint",
    ]
    assert out_of_bounds("from . import client\n", "a_package_of_the_merchants") == []
