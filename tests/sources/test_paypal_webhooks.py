"""PayPal's webhooks, through the batteries, and what their certificates must be."""

from __future__ import annotations

import base64
import json
import os
from binascii import crc32
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from receiver.orders import Understood, decode, read
from receiver.security.fixed_hosts import AskLater, FixedHosts
from receiver.security.signing import SignatureProblem
from receiver.sources import Confirmed, NotConfirmed, Question, Unverified, paypal_signature
from receiver.sources.paypal_signature import SignedChecksum
from tests.asked_shops import Answers, Asked, AskedShop, Said
from tests.certificates import Issued, issue
from tests.served import Served
from tests.sources.asked_battery import Ask, AskedBattery
from tests.sources.battery import KINDS, NOW, SHOPS
from tests.sources.test_asked_shops import NAME, Variants

SIGNER = "messageverificationcerts.paypal.com"
URL = "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-1d93a270"
ROOT = issue("Root", is_ca=True)
OWN = issue(SIGNER, ROOT)


def signed(body: bytes, webhook_id: str, *, by: Issued = OWN, at: datetime | None = None) -> dict[str, str]:
    """Give PayPal's headers for a body."""
    name, time = "69cd13f0-d67a-11e5-baa3-778b53f4ae55", (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
    signature = by.key.sign(f"{name}|{time}|{webhook_id}|{crc32(body)}".encode(), PKCS1v15(), hashes.SHA256())
    return {
        "paypal-transmission-id": name,
        "paypal-transmission-time": time,
        "paypal-transmission-sig": base64.b64encode(signature).decode(),
        "paypal-cert-url": URL,
        "paypal-auth-algo": "SHA256withRSA",
    }


def trusting(ask_shop: Ask) -> Ask:
    """Have the machine trust the root too, beside the shop's own certificate."""

    def start(host: str, answers: Answers) -> AskedShop:
        shop = ask_shop(host, answers)
        with Path(os.environ["SSL_CERT_FILE"]).open("ab") as trusted:
            trusted.write(ROOT.pem)
        return shop

    return start


class TestPayPalWebhooks(AskedBattery):
    kind, main = "paypal-webhooks", "completed"
    secrets = ("1AB29292ABCDEFGHJ", "8PT597110X687430LKGECATA")
    variants: ClassVar[Variants] = {
        "unpaid": ({"resource.purchase_units[0].payments.captures[0].status": "PENDING"}, {}),
        "refunded": ({"event_type": "PAYMENT.CAPTURE.REFUNDED", "resource.status": "COMPLETED"}, {}),
        "other": ({"event_type": "PAYMENT.CAPTURE.COMPLETED"}, {}),
        "zero": ({"resource.gross_amount.value": "0.00"}, {}),
        "guest": ({"resource.payer.payer_id": None}, {}),
        "no_email": ({"resource.payer.email_address": ""}, {}),
        "non_ascii": ({"resource.purchase_units[0].items[0].name": NAME}, {}),
    }

    @cached_property
    def question(self) -> Question:
        """A question of each test's own, which has seen no certificate."""
        return SignedChecksum("paypal.com")

    def ask(self, ask_shop: Ask, answers: Answers | None = None, sent: Unverified | None = None) -> Confirmed:
        return super().ask(trusting(ask_shop), answers, sent)

    def notice(self, **options: Any) -> Unverified:
        raw = (SHOPS / "paypal-webhooks" / "completed.json").read_bytes()
        fields = decode(raw, "application/json", 1_000).fields
        return Unverified(signed(raw, self.secrets[1], **options), self.question.keeps(raw), fields)

    def answers(self, asked: Asked) -> Said:
        return Said(200, OWN.pem) if URL.endswith(asked.path) else Said(404)

    def changed(self, **headers: str) -> Unverified:
        sent = self.notice()
        own = {**sent.headers, **{f"paypal-{name.replace('_', '-')}": value for name, value in headers.items()}}
        return sent._replace(headers=own)

    def test_a_key_that_is_refused_is_no_judgement(self, ask_shop: Ask) -> None:
        for said in (Said(401), Said(200, b"<html>"), Said(200, issue("evil.paypal.com", ROOT).pem)):
            with pytest.raises(AskLater, match=f"certificate of {SIGNER}"):
                self.ask(ask_shop, lambda _asked, said=said: said)  # type: ignore[misc]

    def test_a_certificate_is_asked_for_once_a_day(self, ask_shop: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
        shop = trusting(ask_shop)("api.paypal.com", self.answers)
        client, now = FixedHosts(shop.pool, self.question.hosts), [1_000.0]
        monkeypatch.setattr(paypal_signature, "time", SimpleNamespace(monotonic=lambda: now[0]))

        def ask(number: int = 0) -> int:
            self.question.ask(self.changed(cert_url=f"{URL}{number}" if number else URL), client, self.secrets)
            return len(shop.questions)

        assert [ask(), ask()] == [1, 1]
        now[0] += 24 * 3600
        assert [ask(), ask()] == [2, 2]
        shop.answers = lambda _asked: Said(200, OWN.pem)
        assert [ask(number) for number in range(1, 9)] == [*range(3, 11)]
        assert [ask(8), ask()] == [10, 11]  # the first one had to go

    def test_a_changed_body_and_another_webhook_are_not_confirmed(self, ask_shop: Ask) -> None:
        raw = (SHOPS / "paypal-webhooks" / "completed.json").read_bytes()
        for sent in (
            self.notice()._replace(body=self.question.keeps(raw + b" ")),
            self.notice()._replace(headers=signed(raw, "ANOTHERWEBHOOKOFPAYPAL")),
            self.notice(by=issue(SIGNER, ROOT)),
            self.changed(transmission_id="another"),
        ):
            with pytest.raises(NotConfirmed, match="fits no webhook id of this source"):
                self.ask(ask_shop, None, sent)

    @pytest.mark.parametrize(
        "headers",
        [
            {"auth_algo": "SHA1withRSA"},
            {"transmission_sig": "no base64!"},
            {"transmission_time": "yesterday"},
            {"cert_url": "https://evil.example/v1/notifications/certs/CERT-1"},
            {"cert_url": "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1"},
            {"cert_url": "https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1"},
            {"cert_url": "http://api.paypal.com/v1/notifications/certs/CERT-1"},
            {"cert_url": "https://api.paypal.com/v1/notifications/certs/CERT-1/../../evil"},
            {"cert_url": "https://api.paypal.com/evil/CERT-1"},
            {"cert_url": "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1"},
        ],
    )
    def test_headers_that_cannot_be_paypals_are_refused_at_once(self, headers: dict[str, str]) -> None:
        with pytest.raises(SignatureProblem) as caught:
            self.question.check(self.changed(**headers), self.secrets)
        assert caught.value.reason == "malformed_header"

    def test_an_old_post_is_refused_and_a_time_without_a_zone_is_utc(self) -> None:
        with pytest.raises(SignatureProblem) as caught:
            self.question.check(self.notice(at=datetime.now(UTC) - timedelta(days=6)), self.secrets)
        assert caught.value.reason == "clock_off"
        self.question.check(self.changed(transmission_time=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}"), self.secrets)

    def test_a_refund_is_tied_to_its_order(self) -> None:
        refund: dict[str, Any] = {"id": "1JU08902781691411", "status": "COMPLETED"}
        refund["amount"] = {"value": "12.00", "currency_code": "EUR"}
        refund["supplementary_data"] = {"related_ids": {"order_id": "3XK41927PM884512L"}}
        reading = self.read(json.dumps({"event_type": "PAYMENT.CAPTURE.REFUNDED", "resource": refund}).encode())
        assert isinstance(reading, Understood)
        assert (reading.decided, reading.order.order_id) == ("refunded", "3XK41927PM884512L")
        assert (reading.order.refund_id, str(reading.order.refund_total)) == ("1JU08902781691411", "12.00")


def test_a_card_order_is_received_though_its_body_names_the_cards_expiry(
    serve: Callable[..., Served], ask_shop: Ask
) -> None:
    webhook_id = TestPayPalWebhooks.secrets[1]
    served = serve(work=False, sources={"pay": {"kind": "paypal-webhooks", "secrets": [webhook_id]}})
    asked = trusting(ask_shop)("api.paypal.com", lambda _asked: Said(200, OWN.pem))
    served.kit.asking.pool = asked.pool
    document = json.loads((SHOPS / "paypal-webhooks" / "completed.json").read_text("utf-8"))
    document["resource"]["payment_source"] = {"card": {"last_digits": "1111", "expiry": "2031-02", "brand": "VISA"}}
    body = json.dumps(document).encode()
    reply = served.post(body, path="/orders/pay", headers=signed(body, webhook_id), content_type="application/json")
    assert (reply.status, reply.content) == (202, {"status": "waiting"})
    assert served.kit.asking.run_next()
    (row,) = served.rows()
    assert (row.order_id, row.total, row.proof, row.state) == ("3XK41927PM884512L", "68.30", "asked", "open")
    assert row.held_card_data
    assert "2031-02" not in row.fields


def test_all_of_paypals_sandbox_is_a_test() -> None:
    kind = KINDS["paypal-webhooks-sandbox"]
    assert kind.asks is not None
    assert kind.asks.hosts == ("api.sandbox.paypal.com", "api-m.sandbox.paypal.com")
    raw = (SHOPS / "paypal-webhooks" / "completed.json").read_bytes()
    reading = read(decode(raw, "application/json", 1_000).fields, kind("sandbox").with_rules({}).mapping, NOW)
    assert isinstance(reading, Understood)
    assert (reading.order.test, reading.decided) == (True, "completed")
