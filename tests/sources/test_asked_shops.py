"""The built-in kinds whose shop is asked, each through the batteries."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any, ClassVar

import pytest

from receiver.orders import Understood
from receiver.security.signing import SignatureProblem
from receiver.sources import NotConfirmed, Unverified
from tests.asked_shops import Asked, Said
from tests.sources.asked_battery import Ask, AskedBattery
from tests.sources.battery import SHOPS

Variants = dict[str, tuple[dict[str, Any], dict[str, str]]]
NAME = "Zoë Łukasz 山"


class TestSnipcart(AskedBattery):
    kind, main = "snipcart", "completed"
    token: ClassVar[str] = "5b6bc1b1-7b1e-4b7c-9a2e-000000000001"
    variants: ClassVar[Variants] = {
        "test": ({"content.mode": "Test", "mode": "Test"}, {}),
        "unpaid": ({"content.paymentStatus": "Deferred"}, {}),
        "cancelled": ({"content.status": "Cancelled", "content.paymentStatus": "Cancelled"}, {}),
        "refunded": ({"eventName": "order.refund.created", "content.paymentStatus": "Refunded"}, {}),
        "other": ({"eventName": "customauth:customer_updated", "content.paymentStatus": "", "content.status": ""}, {}),
        "zero": ({"content.finalGrandTotal": 0}, {}),
        "guest": ({"content.userId": None}, {}),
        "no_email": ({"content.email": "", "content.user.email": None}, {}),
        "non_ascii": ({"content.items[0].name": NAME}, {}),
    }

    def notice(self) -> Unverified:
        return Unverified({"x-snipcart-requesttoken": self.token}, b"", [("eventName", "order.completed")])

    def answers(self, asked: Asked) -> Said:
        login = b64encode(f"{self.secrets[1]}:".encode()).decode()
        if asked.headers["authorization"] != f"Basic {login}":
            return Said(401)
        known = asked.path == f"/api/requestvalidation/{self.token}"
        return Said(200, {"token": self.token, "resource": "https://x"}) if known else Said(404)

    def test_the_answer_has_to_name_the_token(self, ask_shop: Ask) -> None:
        with pytest.raises(NotConfirmed, match="doesn't know the token"):
            self.ask(ask_shop, lambda _asked: Said(200, {"token": "another-token"}))

    def test_it_is_not_signed_as_a_whole(self) -> None:
        assert not self.question.covers_body


class TestMollie(AskedBattery):
    kind, main = "mollie", "payment"
    variants: ClassVar[Variants] = {
        "test": ({"mode": "test"}, {}),
        "unpaid": ({"status": "open"}, {}),
        "cancelled": ({"status": "canceled"}, {}),
        "zero": ({"amount.value": "0.00"}, {}),
        "guest": ({"metadata": None}, {}),
        "no_email": ({"billingAddress": None}, {}),
        "non_ascii": ({"lines[0].description": NAME}, {}),
    }

    def notice(self) -> Unverified:
        return Unverified({}, b"", [("id", "tr_5B8cwPMGnU6qLbRvo7qEZo")])

    def answers(self, asked: Asked) -> Said:
        if asked.headers["authorization"] != f"Bearer {self.secrets[1]}":
            return Said(401)
        known = asked.path == "/v2/payments/tr_5B8cwPMGnU6qLbRvo7qEZo"
        headers = (("Content-Type", "application/hal+json"),)
        return Said(200, (SHOPS / "mollie" / "payment.json").read_bytes(), headers) if known else Said(404)

    def test_its_answer_is_the_order(self, ask_shop: Ask) -> None:
        said = self.ask(ask_shop)
        assert said.content_type == "application/hal+json"
        reading = self.read(said.body or b"")
        assert isinstance(reading, Understood)
        assert reading.order.order_number == "R-0419"

    def test_an_order_of_the_older_api_is_asked_for_there(self, ask_shop: Ask) -> None:
        sent = self.notice()._replace(fields=[("id", "ord_pbjz8x")])
        self.ask(ask_shop, lambda _asked: Said(200, json.loads((SHOPS / "mollie" / "order.json").read_text())), sent)
        assert [one.path for one in self.asked] == ["/v2/orders/ord_pbjz8x"]

    @pytest.mark.parametrize("name", ["", "tr_", "tr_1/../../x", "sub_1", "tr_1?x=1", " tr_1"])
    def test_no_other_path_is_asked(self, name: str) -> None:
        with pytest.raises(SignatureProblem):
            self.question.check(self.notice()._replace(fields=[("id", name)]))
