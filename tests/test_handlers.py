"""The handlers that come with the kit: the whole battery, and what each does of its own."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from receiver.handlers import Handler
from receiver.models import AttemptRow, CustomerRow, HandlerRow, MailRow
from tests.handler_cases import HandlerCases, imports, is_out_of_bounds, post_dummy, run_on_newest
from tests.served import Served, order_fields

BUILT_IN = {"register_customer", "email_customer", "notify_merchant"}


def only_handler(shop: Served) -> HandlerRow:
    (row,) = shop.rows(HandlerRow)
    found: HandlerRow = row
    return found


def only_mail(shop: Served) -> MailRow:
    (row,) = shop.rows(MailRow)
    found: MailRow = row
    return found


class TestRegisterCustomer(HandlerCases):
    name = "register_customer"

    def test_it_says_whether_the_customer_is_new(self, alone: Served) -> None:
        for order in (order_fields(), order_fields(customer_email="ADA@shop.example", customer_phone="1")):
            alone.post(order)
            run_on_newest(alone)

        assert [row.detail for row in alone.rows(HandlerRow)] == ["registered", "known already, brought up to date"]
        (customer,) = alone.rows(CustomerRow)
        assert (customer.email, customer.first_name, customer.phone) == ("ada@shop.example", "Ada", "1")

    def test_an_order_without_an_e_mail_address_is_skipped(self, alone: Served) -> None:
        alone.post(order_fields(customer_email=""))

        assert run_on_newest(alone) == "skipped"
        assert only_handler(alone).detail == "the order names no e-mail address"
        assert alone.rows(CustomerRow) == []


class TestEmailCustomer(HandlerCases):
    name = "email_customer"

    def test_the_confirmation_goes_to_the_customer_and_replies_to_the_merchant(
        self, serve: Callable[..., Served]
    ) -> None:
        shop = serve(work=False, HANDLERS=[self.name], SHOP_NAME="Corner Shop", MERCHANT_EMAIL="owner@laden.de")
        shop.post(order_fields(order_number="1042"))
        run_on_newest(shop)

        mail = only_mail(shop)
        assert (mail.recipient, mail.reply_to) == ("ada@shop.example", "owner@laden.de")
        assert mail.subject == "Your order 1042 at Corner Shop"
        assert "Hello Ada," in mail.text
        assert "£19.99" in mail.text
        assert mail.html is not None
        assert (mail.handler, mail.order_pk, mail.state) == ("email_customer", shop.rows()[0].id, "open")

    def test_without_a_number_for_the_shopper_the_id_stands_in_the_subject(self, alone: Served) -> None:
        alone.post(order_fields(order_id="A-1"))
        run_on_newest(alone)

        assert only_mail(alone).subject == "Your order A-1 at Example Shop"

    def test_an_order_without_an_e_mail_address_is_skipped(self, alone: Served) -> None:
        alone.post(order_fields(customer_email=""))

        assert run_on_newest(alone) == "skipped"
        assert only_handler(alone).detail == "the order names no e-mail address"
        assert alone.rows(MailRow) == []

    def test_it_waits_for_register_customer(self, serve: Callable[..., Served]) -> None:
        """Also when HANDLERS names it first: the customer is mailed only once they are registered."""
        shop = serve(work=False, HANDLERS=["email_customer", "register_customer"])
        shop.post(order_fields())
        run_on_newest(shop)

        attempts = shop.rows(AttemptRow)
        assert [attempt.state for attempt in attempts] == ["done", "done"]
        names = {row.id: row.name for row in shop.rows(HandlerRow)}
        assert [names[attempt.handler_pk] for attempt in attempts] == ["register_customer", "email_customer"]

    def test_while_register_customer_is_retried_it_waits(
        self, serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def database_is_away(*_: object, **__: object) -> None:
            raise RuntimeError

        monkeypatch.setattr("receiver.handlers.register_customer.apply_order", database_is_away)
        shop = serve(work=False, HANDLERS=["email_customer", "register_customer"])
        shop.post(order_fields())
        assert shop.kit.processor.run_next()

        assert shop.handler_states() == {"email_customer": "pending", "register_customer": "retrying"}
        assert shop.rows(MailRow) == []
        assert not shop.kit.processor.run_next()

    def test_on_a_test_transmission_the_merchant_gets_it(self, alone: Served) -> None:
        post_dummy(alone, test=True)

        mail = only_mail(alone)
        assert (mail.recipient, mail.test) == ("merchant@example.com", True)
        assert mail.subject == "[Test] Your order 1042 at Example Shop"
        assert "TEST" in mail.text


class TestNotifyMerchant(HandlerCases):
    name = "notify_merchant"

    def test_the_notice_goes_to_the_merchant_and_replies_to_the_customer(self, serve: Callable[..., Served]) -> None:
        shop = serve(work=False, HANDLERS=[self.name], MERCHANT_EMAIL="owner@laden.de")
        shop.post(order_fields(order_number="1042", customer_last_name="Lovelace"))
        run_on_newest(shop)

        mail = only_mail(shop)
        assert (mail.recipient, mail.reply_to) == ("owner@laden.de", "ada@shop.example")
        assert mail.subject == "New order 1042: £19.99 from Ada Lovelace"
        assert "Enamel mug" in mail.text
        assert mail.html is not None

    def test_an_order_without_an_e_mail_address_is_told_of_without_a_reply_address(self, alone: Served) -> None:
        alone.post(order_fields(customer_email=""))

        assert run_on_newest(alone) == "done"
        assert (only_mail(alone).recipient, only_mail(alone).reply_to) == ("merchant@example.com", None)

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


def test_the_battery_catches_imports_that_a_handler_must_not_make(tmp_path: Path) -> None:
    file = tmp_path / "bad.py"
    file.write_text(
        "import receiver.engine\nfrom receiver import routes\nfrom receiver.engine import Engine\n"
        "from receiver.handlers import register_customer, Skip, handler\nimport receiver.handlers.email_customer\n"
        "from . import other\nimport instance_handlers_mine\nfrom receiver.orders import Order\nimport json\n"
        "def late():\n    from receiver.routes import blueprint\n"
    )

    assert [name for name in imports(file) if is_out_of_bounds(name)] == [
        "receiver.engine",
        "receiver.routes",
        "receiver.engine.Engine",
        "receiver.handlers.register_customer",
        "receiver.handlers.email_customer",
        ".other",
        "instance_handlers_mine",
        "receiver.routes.blueprint",
    ]
