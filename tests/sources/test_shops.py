"""The built-in kinds, each through the batteries."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import ClassVar
from urllib.parse import urlencode

import pytest

from receiver.errors import ConfigurationError
from receiver.orders import Understood
from receiver.orders.idempotency import order_key
from receiver.orders.states import EVENTS
from receiver.security.schemes import Sent
from receiver.sources.digistore24 import SignedForm
from tests.served import SECRET, Served
from tests.sources import test_asked_shops, test_paypal_webhooks  # noqa: F401 - they have batteries too
from tests.sources.asked_battery import AskedBattery
from tests.sources.battery import KINDS, NOW, Changes, SourceBattery

Variants = dict[str, tuple[Changes, dict[str, str]]]
NAME = "Zoë Łukasz 山"


class TestShopify(SourceBattery):
    kind, main = "shopify", "paid"
    variants: ClassVar[Variants] = {
        "test": ({"test": True}, {}),
        "unpaid": ({"financial_status": "authorized"}, {"X-Shopify-Topic": "orders/create"}),
        "cancelled": ({"cancelled_at": "2026-11-23T15:30:00+01:00"}, {"X-Shopify-Topic": "orders/updated"}),
        "refunded": ({"financial_status": "refunded"}, {}),
        "other": ({"financial_status": None}, {"X-Shopify-Topic": "products/update"}),
        "zero": ({"total_price": "0.00"}, {}),
        "guest": ({"customer": None}, {}),
        "no_email": ({"email": "", "contact_email": None, "customer": None}, {}),
        "non_ascii": ({"line_items[0].name": NAME}, {}),
    }

    def test_it_is_received_once_and_keeps_what_it_is_about(self, serve: Callable[..., Served]) -> None:
        shop = serve(sources={"mine": {"kind": "shopify", "secrets": [*self.secrets]}}, REQUIRE_SIGNATURE=True)
        body = self.body()
        headers = {**self.expected["headers"], **dict(self.signed(body, at=datetime.now(UTC)).headers)}

        def post(headers: dict[str, str]) -> tuple[int, str | None]:
            reply = shop.post(body, path="/orders/mine", headers=headers, content_type="application/json")
            return reply.status, reply.content.get("status")

        assert [post(headers), post(headers)] == [(202, "accepted"), (200, "duplicate")]
        assert post({"X-Shared-Secret": SECRET})[0] == 401
        (row,) = shop.rows()
        assert (row.proof, row.email) == ("signature", "noor@buyer.example")
        assert '["header:x-shopify-topic","orders/paid"]' in row.fields

    def test_a_refund_is_tied_to_its_order(self) -> None:
        paid_back = b'{"id": 77, "order_id": 6120934857209346712, "transactions": [{"kind": "refund"}]}'
        reading = self.read(paid_back, {"X-Shopify-Topic": "refunds/create"})
        assert (reading.decided, reading.order.order_id) == ("refunded", "6120934857209346712")  # type: ignore[union-attr]

    def test_what_a_refund_gave_back_is_summed_up_in_its_own_body_and_in_that_of_its_order(self) -> None:
        back = [{"kind": "refund", "amount": "5.00", "currency": "EUR"}, {"kind": "void", "amount": "90.00"}]
        body = json.dumps({"id": 77, "order_id": 6120934857209346712, "transactions": back}).encode()
        own = self.read(body, {"X-Shopify-Topic": "refunds/create"})
        of_order = self.read(self.body(changes={"refunds": [{"transactions": back}] * 2}))
        assert isinstance(own, Understood)
        assert isinstance(of_order, Understood)
        assert (own.order.refund_id, str(own.order.refund_total), own.order.currency) == ("77", "5.00", "EUR")
        assert (of_order.order.refund_id, str(of_order.order.refund_total)) == (None, "10.00")

    @pytest.mark.parametrize(
        ("transactions", "decided"),
        [
            ([], "order.no_refund"),
            ([{"kind": "refund", "status": "failure", "amount": "5.00"}], "order.no_refund"),
            ([{"kind": "refund", "status": "error", "amount": "5.00"}], "order.no_refund"),
            ([{"kind": "void", "status": "success", "amount": "5.00"}], "order.no_refund"),
            ([{"kind": "refund", "status": "pending", "amount": "5.00"}], "refunded"),
            ([{"kind": "refund", "status": one, "amount": "5.00"} for one in ("failure", "success")], "refunded"),
        ],
    )
    def test_a_refund_that_gave_nothing_back_is_none(self, transactions: list[dict[str, str]], decided: str) -> None:
        body = json.dumps({"id": 77, "order_id": 612, "transactions": transactions}).encode()
        reading = self.read(body, {"X-Shopify-Topic": "refunds/create"})
        assert isinstance(reading, Understood)
        assert reading.decided == decided
        assert str(reading.order.refund_total) == ("5.00" if decided == "refunded" else "None")


class TestWooCommerce(SourceBattery):
    kind, main = "woocommerce", "processing"
    variants: ClassVar[Variants] = {
        "unpaid": ({"status": "pending"}, {}),
        "cancelled": ({"status": "cancelled"}, {}),
        "refunded": ({"status": "refunded"}, {}),
        "other": ({"status": "publish"}, {"X-WC-Webhook-Topic": "product.updated"}),
        "zero": ({"total": "0.00"}, {}),
        "guest": ({"customer_id": 0}, {}),
        "no_email": ({"billing.email": ""}, {}),
        "non_ascii": ({"billing.first_name": NAME}, {}),
    }

    def test_a_part_that_went_back_is_told_by_the_list_of_refunds(self) -> None:
        refunds = [{"id": 7, "total": "-3.00"}, {"id": 6, "total": "-1.50"}]
        reading = self.read(self.body(changes={"refunds": refunds}))
        assert isinstance(reading, Understood)
        order = reading.order
        assert (reading.decided, order.refund_id, str(order.refund_total)) == ("refunded", "7", "3")

    def test_a_deleted_order_is_named_by_its_id_alone(self) -> None:
        reading = self.read(b'{"id": 5312}', {"X-WC-Webhook-Topic": "order.deleted"})
        assert isinstance(reading, Understood)
        assert (reading.decided, reading.order.order_id) == ("cancelled", "5312")


class TestStripe(SourceBattery):
    kind, main = "stripe", "completed"
    secrets = ("whsec_5WbX5kEWLlfzsGNjH64I8lOOqUB6e8FH", "whsec_a_text_that_is_not_base64!")
    variants: ClassVar[Variants] = {
        "test": ({"livemode": False}, {}),
        "unpaid": ({"data.object.payment_status": "unpaid"}, {}),
        "failed": ({"type": "checkout.session.expired", "data.object.payment_status": "unpaid"}, {}),
        "other": ({"type": "payment_intent.succeeded", "data.object.object": "payment_intent"}, {}),
        "zero": ({"data.object.payment_status": "no_payment_required", "data.object.amount_total": 0}, {}),
        "guest": ({"data.object.customer": None}, {}),
        "no_email": ({"data.object.customer_details.email": None}, {}),
        "non_ascii": ({"data.object.customer_details.name": NAME}, {}),
    }

    def test_a_session_in_setup_mode_is_no_order(self) -> None:
        nothing = dict.fromkeys(("amount_total", "amount_subtotal", "currency"))
        amounts = dict.fromkeys(("amount_discount", "amount_shipping", "amount_tax"), 0)
        changes = {"mode": "setup", "payment_status": "no_payment_required", "total_details": amounts, **nothing}
        reading = self.read(self.body(changes={f"data.object.{name}": value for name, value in changes.items()}))
        assert isinstance(reading, Understood)
        assert reading.decided == "setup"

    def test_a_charge_names_the_payment_of_its_session(self) -> None:
        charge = {
            "object": "charge",
            "id": "ch_1",
            "payment_intent": "pi_1",
            "currency": "eur",
            "amount_refunded": 1250,
            "billing_details": {"email": "ada@buyer.example"},
        }
        body = json.dumps({"type": "charge.refunded", "livemode": True, "data": {"object": charge}}).encode()
        reading = self.read(body)
        assert isinstance(reading, Understood)
        order = reading.order
        assert (reading.decided, order.order_id, order.customer.email) == ("refunded", "pi_1", "ada@buyer.example")
        assert (order.refund_id, str(order.refund_total)) == (None, "12.50")
        charge["refunds"] = {"data": [{"id": "re_2", "amount": 250}, {"id": "re_1", "amount": 1000}]}
        reading = self.read(
            json.dumps({"type": "charge.refunded", "livemode": True, "data": {"object": charge}}).encode()
        )
        assert isinstance(reading, Understood)
        assert (reading.order.refund_id, str(reading.order.refund_total)) == ("re_2", "2.50")


class TestPaddle(SourceBattery):
    kind, main = "paddle", "completed"
    variants: ClassVar[Variants] = {
        "unpaid": ({"event_type": "transaction.ready", "data.status": "ready"}, {}),
        "cancelled": ({"event_type": "transaction.canceled", "data.status": "canceled"}, {}),
        "refunded": (
            {
                "event_type": "adjustment.updated",
                "data.status": "approved",
                "data.action": "refund",
                "data.transaction_id": "txn_01kb7m2c9q4zr8x1tvn5wdh3ya",
                "data.id": "adj_01jd3vq4ms7p8ah5wrcx2nyb9f",
            },
            {},
        ),
        "other": ({"event_type": "payout.paid", "data.status": "paid"}, {}),
        "zero": ({"data.details.totals.grand_total": "0"}, {}),
        "guest": ({"data.customer_id": None}, {}),
        "non_ascii": ({"data.details.line_items[0].product.name": NAME}, {}),
    }

    def test_paid_and_completed_are_one_event(self) -> None:
        first, second = (
            self.read(self.body(changes={"event_type": name, "event_id": name}))
            for name in ("transaction.paid", "transaction.completed")
        )
        assert isinstance(first, Understood)
        assert isinstance(second, Understood)
        assert order_key(first.order, first.decided) == order_key(second.order, second.decided)

    def test_a_refund_counts_once_it_is_approved(self) -> None:
        changes = {**self.variants["refunded"][0], "data.status": "pending_approval"}
        reading = self.read(self.body(changes=changes))
        assert isinstance(reading, Understood)
        assert reading.decided not in EVENTS


class TestSquarespace(SourceBattery):
    kind, main = "squarespace", "order"
    secrets = ("8dd42f9fc74cd334c8dc40e3a80865356aa03c47", "00" * 32)
    variants: ClassVar[Variants] = {
        "test": ({"testmode": True}, {}),
        "cancelled": ({"fulfillmentStatus": "CANCELED"}, {}),
        "refunded": ({"refundedTotal.value": "12.00"}, {}),
        "other": ({"topic": "extension.uninstall"}, {}),
        "zero": ({"grandTotal.value": "0.00"}, {}),
        "no_email": ({"customerEmail": None}, {}),
        "non_ascii": ({"lineItems[0].productName": NAME}, {}),
    }

    def test_another_key_is_refused(self) -> None:
        assert self.refusal(self.signed(self.body(), "ff" * 32)) == "signature_differs"

    def test_a_notice_names_its_order(self) -> None:
        notice = b'{"id": "n1", "topic": "order.create", "data": {"orderId": "6741d9a0"}}'
        assert self.read(notice).order.order_id == "6741d9a0"  # type: ignore[union-attr]


class TestEcwid(SourceBattery):
    kind, main = "ecwid", "notice"
    variants: ClassVar[Variants] = {
        "unpaid": ({"data.newPaymentStatus": "AWAITING_PAYMENT"}, {}),
        "cancelled": ({"data.newPaymentStatus": "CANCELLED"}, {}),
        "refunded": ({"data.newPaymentStatus": "REFUNDED"}, {}),
        "other": ({"eventType": "product.updated", "data": {}}, {}),
    }


class TestFoxy(SourceBattery):
    kind, main = "foxy", "captured"
    variants: ClassVar[Variants] = {
        "test": ({"is_test": True}, {}),
        "unpaid": ({"status": "authorized"}, {}),
        "cancelled": ({"status": "voided"}, {}),
        "refunded": ({"status": "refunded"}, {"Foxy-Webhook-Event": "transaction/refunded"}),
        "other": ({"status": ""}, {"Foxy-Webhook-Event": "customer/created"}),
        "zero": ({"total_order": 0}, {}),
        "no_email": ({"customer_email": "", "_embedded": {}}, {}),
        "non_ascii": ({"customer_first_name": NAME}, {}),
    }


class TestKoFi(SourceBattery):
    kind, main = "kofi", "order"
    secrets = ("TokenOfTheShop0001", "TokenOfTheShop0002")
    token_path = "verification_token"
    variants: ClassVar[Variants] = {
        "other": ({"type": "Newsletter"}, {}),
        "zero": ({"amount": "0.00"}, {}),
        "guest": ({}, {}),
        "no_email": ({"email": None}, {}),
        "non_ascii": ({"message": NAME}, {}),
    }

    def body(self, case: str | None = None, changes: Changes | None = None) -> bytes:
        return urlencode({"data": super().body(case, changes)}).encode()


class TestLemonSqueezy(SourceBattery):
    kind, main = "lemonsqueezy", "order"
    variants: ClassVar[Variants] = {
        "test": ({"meta.test_mode": True}, {}),
        "unpaid": ({"data.attributes.status": "pending"}, {}),
        "failed": ({"data.attributes.status": "failed"}, {}),
        "refunded": ({"meta.event_name": "order_refunded", "data.attributes.status": "refunded"}, {}),
        "other": ({"meta.event_name": "subscription_created", "data.attributes.status": "active"}, {}),
        "zero": ({"data.attributes.total": 0}, {}),
        "guest": ({"data.attributes.customer_id": None}, {}),
        "no_email": ({"data.attributes.user_email": None}, {}),
        "non_ascii": ({"data.attributes.first_order_item.product_name": NAME}, {}),
    }


class TestGumroad(SourceBattery):
    kind, main = "gumroad", "sale"
    secrets = ("TokenOfTheShop0001", "TokenOfTheShop0002")
    token_path, is_form = "seller_id", True
    variants: ClassVar[Variants] = {
        "test": ({"test": "true"}, {}),
        "failed": ({"disputed": "true", "resource_name": "dispute"}, {}),
        "refunded": ({"refunded": "true", "resource_name": "refund"}, {}),
        "other": ({"resource_name": "subscription_updated"}, {}),
        "zero": ({"price": "0"}, {}),
        "guest": ({"purchaser_id": ""}, {}),
        "no_email": ({"email": ""}, {}),
        "non_ascii": ({"product_name": NAME}, {}),
    }


class TestThriveCart(SourceBattery):
    kind, main = "thrivecart", "success"
    secrets = ("QX7T2LM90ZKD", "QX7T2LM90ZKE")
    token_path, is_form = "thrivecart_secret", True
    variants: ClassVar[Variants] = {
        "test": ({"mode": "test"}, {}),
        "refunded": ({"event": "order.refund"}, {}),
        "other": ({"event": "order.subscription_cancelled"}, {}),
        "zero": ({"order[total]": "0"}, {}),
        "guest": ({"customer_id": ""}, {}),
        "no_email": ({"customer[email]": ""}, {}),
        "non_ascii": ({"customer[name]": NAME}, {}),
    }

    def test_each_later_payment_is_an_event_of_its_own(self) -> None:
        later = {
            "event": "order.subscription_payment",
            "date_unix": "1798121100",
            "order[total]": "11899",
            "subscription[recurring_payment_idx]": "2",
            "subscription[amount]": "1999",
        }
        invoices = ({"invoice_id": f"OAK-118-{number}", "order_timestamp": ""} for number in (2, 3))
        readings = [self.read(self.body(changes=changes)) for changes in ({}, *(later | one for one in invoices))]
        taken = [one for one in readings if isinstance(one, Understood)]
        assert [(one.decided, one.order.order_id, str(one.order.total), one.order.event_id) for one in taken] == [
            ("completed", "70311205", "118.99", None),
            ("completed", "70311205", "19.99", "OAK-118-2"),
            ("completed", "70311205", "19.99", "OAK-118-3"),
        ]
        assert taken[1].order.order_date > taken[0].order.order_date


class TestHotmart(SourceBattery):
    kind, main = "hotmart", "approved"
    variants: ClassVar[Variants] = {
        "unpaid": ({"event": "PURCHASE_BILLET_PRINTED", "data.purchase.status": "BILLET_PRINTED"}, {}),
        "cancelled": ({"event": "PURCHASE_CANCELED", "data.purchase.status": "CANCELED"}, {}),
        "refunded": ({"event": "PURCHASE_REFUNDED", "data.purchase.status": "REFUNDED"}, {}),
        "other": ({"event": "CLUB_FIRST_ACCESS", "data.purchase.status": None}, {}),
        "zero": ({"data.purchase.price.value": 0}, {}),
        "guest": ({}, {}),
        "no_email": ({"data.buyer.email": None}, {}),
        "non_ascii": ({"data.buyer.name": NAME}, {}),
    }


class TestDigistore24(SourceBattery):
    kind, main = "digistore24", "payment"
    is_form = True
    variants: ClassVar[Variants] = {
        "test": ({"api_mode": "test"}, {}),
        "unpaid": ({"event": "on_payment_missed"}, {}),
        "refunded": ({"event": "on_refund"}, {}),
        "other": ({"event": "last_paid_day"}, {}),
        "zero": ({"amount_brutto": "0.00"}, {}),
        "guest": ({"buyer_id": ""}, {}),
        "no_email": ({"email": ""}, {}),
        "non_ascii": ({"address_last_name": NAME}, {}),
    }

    def signed(self, body: bytes, secret: str | None = None, at: datetime = NOW) -> Sent:
        scheme = self.source.scheme
        assert isinstance(scheme, SignedForm)
        assert scheme.sign(self.sent(body), self.secrets[0], at) == {}
        return self.sent(body + b"&sha_sign=" + scheme.signature_of(body, secret or self.secrets[0]).encode())

    def test_any_changed_or_added_field_is_refused(self) -> None:
        body = self.signed(self.body()).body
        for changed in (body.replace(b"119.00", b"119.01"), body + b"&tags2=x", body.replace(b"DS7K2M9Q", b"DS7K2M9R")):
            assert self.refusal(self.sent(changed)) == "signature_differs"
        assert self.refusal(self.sent(body.replace(b"sha_sign=", b"sha_sign=0"))) == "signature_differs"
        for malformed in (b"\xff" + body, b"a=%z" * 20_001 + body, b"a&" * 2_000 + body):
            assert self.refusal(self.sent(malformed)) == "malformed_header"

    def test_each_payment_of_an_order_is_taken_once(self, serve: Callable[..., Served]) -> None:
        shop = serve(work=False, sources={"mine": {"kind": "digistore24", "secrets": [*self.secrets]}})
        payments = [{}, {"transaction_id": "88120011", "pay_sequence_no": "2"}, {"transaction_id": "88120012"}]
        for changes in (*payments, *payments):
            assert shop.post(self.signed(self.body(changes=changes)).body, path="/orders/mine", headers={}).status < 300
        assert [(row.state, row.order_id, row.copies) for row in shop.rows()] == [("open", "DS7K2M9Q", 1)] * 3

    def test_it_is_made_as_the_shop_says(self) -> None:
        """The published receiver joins name=value and the passphrase, in the order of the names, without empty ones."""
        scheme = self.source.scheme
        assert isinstance(scheme, SignedForm)
        by_hand = hashlib.sha512(b"Z=1pass-phrase-of-16a=2pass-phrase-of-16b=\xc3\xa9pass-phrase-of-16").hexdigest()
        assert scheme.signature_of(b"b=%C3%A9&a=2&empty=&Z=1", "pass-phrase-of-16") == by_hand.upper()

    def test_its_connection_test_is_answered_and_not_kept(self, serve: Callable[..., Served]) -> None:
        shop = serve(sources={"mine": {"kind": "digistore24", "secrets": [*self.secrets]}})
        for body in (b"event=connection_test&api_mode=live", self.signed(b"event=connection_test&api_mode=live").body):
            reply = shop.post(body, path="/orders/mine", headers={})
            assert reply.status == 200
        assert shop.post(self.signed(self.body()).body, path="/orders/mine", headers={}).status == 202
        assert [row.order_id for row in shop.rows()] == ["DS7K2M9Q"]

    def test_a_short_passphrase_is_refused(self) -> None:
        with pytest.raises(ConfigurationError, match="at least 16"):
            SignedForm().check_secret("too short")


class TestGenericHmac(SourceBattery):
    kind, main = "generic-hmac", "order"
    variants: ClassVar[Variants] = {
        "test": ({"test": True}, {}),
        "unpaid": ({"payment_status": "pending"}, {}),
        "cancelled": ({"event": "order.cancelled"}, {}),
        "refunded": ({"event": "order.refunded", "refund_total": "1.00"}, {}),
        "non_ascii": ({"order_number": NAME}, {}),
    }


def test_orders_of_ecwid_that_an_automation_passes_on_come_with_the_secret_itself() -> None:
    kind = KINDS["ecwid-orders"]
    assert (kind.scheme, kind.rules) == (None, KINDS["ecwid"].rules)


def test_every_built_in_kind_is_tried_here() -> None:
    batteries = [*SourceBattery.__subclasses__(), *AskedBattery.__subclasses__()]
    tried = {battery.kind for battery in batteries if battery is not AskedBattery}
    assert tried | {"ecwid-orders", "paypal-ipn-sandbox", "paypal-webhooks-sandbox"} == set(KINDS)
