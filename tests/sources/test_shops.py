"""The built-in kinds, each through the batteries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import ClassVar

from tests.served import SECRET, Served
from tests.sources.battery import Changes, SourceBattery

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
        reading = self.read(b'{"id": 77, "order_id": 6120934857209346712}', {"X-Shopify-Topic": "refunds/create"})
        assert (reading.decided, reading.order.order_id) == ("order.refunded", "6120934857209346712")  # type: ignore[union-attr]


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


class TestStripe(SourceBattery):
    kind, main = "stripe", "completed"
    secrets = ("whsec_5WbX5kEWLlfzsGNjH64I8lOOqUB6e8FH", "whsec_a_text_that_is_not_base64!")
    variants: ClassVar[Variants] = {
        "test": ({"livemode": False}, {}),
        "unpaid": ({"data.object.payment_status": "unpaid"}, {}),
        "cancelled": ({"type": "checkout.session.expired", "data.object.payment_status": "unpaid"}, {}),
        "refunded": ({"type": "charge.refunded"}, {}),
        "other": ({"type": "payment_intent.succeeded", "data.object.object": "payment_intent"}, {}),
        "zero": ({"data.object.payment_status": "no_payment_required", "data.object.amount_total": 0}, {}),
        "guest": ({"data.object.customer": None}, {}),
        "no_email": ({"data.object.customer_details.email": None}, {}),
        "non_ascii": ({"data.object.customer_details.name": NAME}, {}),
    }


class TestPaddle(SourceBattery):
    kind, main = "paddle", "completed"
    variants: ClassVar[Variants] = {
        "unpaid": ({"event_type": "transaction.ready", "data.status": "ready"}, {}),
        "cancelled": ({"event_type": "transaction.canceled", "data.status": "canceled"}, {}),
        "refunded": ({"event_type": "adjustment.created", "data.status": "approved"}, {}),
        "other": ({"event_type": "payout.paid", "data.status": "paid"}, {}),
        "zero": ({"data.details.totals.grand_total": "0"}, {}),
        "guest": ({"data.customer_id": None}, {}),
        "non_ascii": ({"data.details.line_items[0].product.name": NAME}, {}),
    }


class TestSquarespace(SourceBattery):
    kind, main = "squarespace", "order"
    secrets = ("8dd42f9fc74cd334c8dc40e3a80865356aa03c47", "00" * 32)
    variants: ClassVar[Variants] = {
        "test": ({"testmode": True}, {}),
        "cancelled": ({"fulfillmentStatus": "CANCELED"}, {}),
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
