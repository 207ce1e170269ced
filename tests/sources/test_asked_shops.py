"""The built-in kinds whose shop is asked, each through the batteries."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, ClassVar

import pytest

from receiver.orders import Understood, decode, read
from receiver.security.fixed_hosts import AskLater
from receiver.security.signing import SignatureProblem
from receiver.sources import NotConfirmed, Unverified
from tests.asked_shops import Asked, Said
from tests.served import FORM
from tests.sources.asked_battery import Ask, AskedBattery
from tests.sources.battery import KINDS, NOW, SHOPS

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
        for body in (b'{"token": "another-token"}', b"{}", b"[]", b"no JSON"):
            with pytest.raises(NotConfirmed, match="doesn't know the token"):
                self.ask(ask_shop, lambda _asked, body=body: Said(200, body))  # type: ignore[misc]

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
            self.question.check(self.notice()._replace(fields=[("id", name)]), self.secrets)


class TestPayPalIPN(AskedBattery):
    kind, main = "paypal-ipn", "denied"
    secrets = ("A1B2C3D4E5F6G", "Z8YX7WV6UT5SR")
    is_form = True
    unknown, unknown_bodies = 200, (b"INVALID",)
    variants: ClassVar[Variants] = {
        "unpaid": ({"payment_status": "Pending"}, {}),
        "cancelled": ({"payment_status": "Reversed", "txn_type": "", "mc_gross": "-48.40", "tax": "-1.00"}, {}),
        "refunded": ({"payment_status": "Refunded", "txn_type": "", "mc_gross": "-48.40"}, {}),
        "other": ({"txn_type": "adjustment", "payment_status": "Completed"}, {}),
        "zero": ({"payment_status": "Completed", "mc_gross": "0.00"}, {}),
        "guest": ({"payment_status": "Completed", "payer_id": ""}, {}),
        "no_email": ({"payment_status": "Completed", "payer_email": ""}, {}),
        "non_ascii": ({"payment_status": "Completed", "item_name1": NAME}, {}),
    }

    def body(self, case: str | None = None, changes: dict[str, Any] | None = None) -> bytes:
        """Return the bytes of a case as they came, in the charset that they name; a changed one names UTF-8."""
        if changes:
            return super().body(case, {"charset": "utf-8", **changes})
        return (SHOPS / "paypal-ipn" / str(self.expected["cases"][case or self.main]["body"])).read_bytes()

    def notice(self) -> Unverified:
        raw = (SHOPS / "paypal-ipn" / "cart.form").read_bytes()
        return Unverified({}, raw, decode(raw, FORM, 1_000).fields)

    def answers(self, asked: Asked) -> Said:
        is_whole = asked.body == b"cmd=_notify-validate&" + self.notice().body
        return Said(200, b"VERIFIED" if is_whole and asked.path == "/cgi-bin/webscr" else b"INVALID")

    def test_a_key_that_is_refused_is_no_judgement(self, ask_shop: Ask) -> None:
        for said in (Said(401), Said(200, b"<html>"), Said(200, b"")):
            with pytest.raises(AskLater, match="neither VERIFIED nor INVALID"):
                self.ask(ask_shop, lambda _asked, said=said: said)  # type: ignore[misc]

    def test_the_bytes_that_were_confirmed_are_the_order(self, ask_shop: Ask) -> None:
        said = self.ask(ask_shop)
        assert (said.body, said.secret) == (self.notice().body, "Z8YX7WV6UT5SR")
        assert self.question.keeps(b"abc") == b"abc"
        assert self.asked[0].headers["content-type"] == "application/x-www-form-urlencoded"

    def test_an_item_without_a_number_is_the_first(self, ask_shop: Ask) -> None:
        raw = b"quantity=2&item_name=M%FCg&receiver_id=Z8YX7WV6UT5SR&txn_type=web_accept&txn_id=7&charset=windows-1252"
        raw += b"&payment_status=Completed&shipping_quantity=9&item_number="
        sent = Unverified({}, raw, decode(raw, FORM, 100).fields)
        said = self.ask(ask_shop, lambda _asked: Said(200, b"VERIFIED\n"), sent)
        reading = self.read(said.body or b"")
        assert isinstance(reading, Understood)
        assert [(item.name, item.quantity) for item in reading.order.items] == [("Müg", 2)]

    def test_a_payment_to_another_account_is_refused_before_it_is_kept(self) -> None:
        def reason(**changes: str) -> str:
            fields = [(name, value) for name, value in (dict(self.notice().fields) | changes).items() if value]
            with pytest.raises(SignatureProblem) as caught:
                self.question.check(self.notice()._replace(fields=fields), self.secrets)
            return caught.value.reason

        assert reason(receiver_id="ANOTHERACCOUN") == "other_account"
        assert reason(receiver_id="") == "nothing_to_ask"

    def test_what_is_about_no_payment_names_no_account_and_is_ignored(self, ask_shop: Ask) -> None:
        raw = b"txn_type=subscr_signup&subscr_id=S-1&payer_email=joerg%40buyer.example"
        sent = Unverified({}, raw, decode(raw, FORM, 100).fields)
        assert self.ask(ask_shop, lambda _asked: Said(200, b"VERIFIED"), sent).secret == self.secrets[0]
        reading = self.read(raw + b"&invoice=7")
        assert reading.decided == "order.other"


def test_all_of_paypals_sandbox_is_a_test(ask_shop: Ask) -> None:
    class Sandbox(TestPayPalIPN):
        kind = "paypal-ipn-sandbox"

    battery = Sandbox()
    assert battery.question.hosts == ("ipnpb.sandbox.paypal.com",)
    said = battery.ask(ask_shop)
    source = KINDS["paypal-ipn-sandbox"]("sandbox").with_rules({})
    reading = read(decode(said.body or b"", said.content_type, 1_000).fields, source.mapping, NOW)
    assert isinstance(reading, Understood)
    assert (reading.order.test, reading.decided) == (True, "completed")


class TestBigCommerce(AskedBattery):
    kind, main = "bigcommerce", "order"
    secrets = ("abc123:first0access0token", "abc123:second0access0token")
    variants: ClassVar[Variants] = {
        "unpaid": ({"order.status": "Awaiting Payment"}, {}),
        "cancelled": ({"order.status": "Cancelled"}, {}),
        "refunded": ({"order.status": "Partially Refunded"}, {}),
        "zero": ({"order.total_inc_tax": "0.0000"}, {}),
        "guest": ({"order.customer_id": 0}, {}),
        "no_email": ({"order.billing_address.email": ""}, {}),
        "non_ascii": ({"products[0][0].name": NAME}, {}),
    }

    def told(self, changed: datetime | None = None) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((SHOPS / "bigcommerce" / "order.json").read_text("utf-8"))
        found["order"]["date_modified"] = format_datetime(changed or datetime.now(UTC))
        return found

    def notice(self, number: str = "250", producer: str = "stores/abc123", kind: str = "order") -> Unverified:
        fields = [("scope", "store/order/created"), ("producer", producer), ("data.type", kind), ("data.id", number)]
        return Unverified({}, b"", fields)

    def answers(self, asked: Asked) -> Said:
        if asked.headers["x-auth-token"] != "second0access0token":
            return Said(401)
        told = self.told()
        return {
            "/stores/abc123/v2/orders/250": Said(200, told["order"]),
            "/stores/abc123/v2/orders/250/products?limit=250&page=1": Said(200, told["products"][0]),
            "/stores/abc123/v2/orders/250/shipping_addresses?limit=250": Said(200, told["shipping_addresses"]),
        }.get(asked.path, Said(404))

    def test_its_answers_are_the_order(self, ask_shop: Ask) -> None:
        said = self.ask(ask_shop)
        assert json.loads(said.body or b"").keys() == {"order", "products", "shipping_addresses"}
        reading = self.read(said.body or b"")
        assert isinstance(reading, Understood)
        assert (reading.order.order_id, reading.order.items[0].sku) == ("250", "NB-A5")
        assert reading.order.notes == ()

    def test_many_lines_come_in_pages(self, ask_shop: Ask) -> None:
        line = self.told()["products"][0][0]

        def answers(asked: Asked) -> Said:
            full = re.search(r"page=(\d+)$", asked.path)
            if full and int(full[1]) == 3:
                return Said(204)
            return Said(200, [line | {"sku": f"S-{full[1]}"}] * 250) if full else self.answers(asked)

        said = self.ask(ask_shop, answers)
        assert [len(page) for page in json.loads(said.body or b"")["products"]] == [250, 250, 0]
        said = self.ask(ask_shop, lambda asked: answers(asked._replace(path=asked.path.replace("page=3", "page=4"))))
        assert len(json.loads(said.body or b"")["products"]) == 8

    def test_an_old_order_is_not_confirmed_whoever_names_it(self, ask_shop: Ask) -> None:
        old = self.told(datetime.now(UTC) - timedelta(days=8))["order"]
        with pytest.raises(NotConfirmed, match="wasn't changed in the last 7 days"):
            self.ask(ask_shop, lambda _asked: Said(200, old))
        with pytest.raises(NotConfirmed, match="told another order"):
            self.ask(ask_shop, lambda _asked: Said(200, {**old, "id": 251}))

    @pytest.mark.parametrize(
        "part",
        [
            Said(200, b"{"),
            Said(200, {}),
            Said(404, []),
        ],
    )
    def test_a_part_that_is_no_list_is_asked_for_again(self, ask_shop: Ask, part: Said) -> None:
        with pytest.raises(AskLater, match=r"api\.bigcommerce\.com answered"):
            self.ask(ask_shop, lambda asked: part if "products" in asked.path else self.answers(asked))

    def test_an_answer_without_dates_is_none(self, ask_shop: Ask) -> None:
        with pytest.raises(AskLater, match="without the order's dates"):
            self.ask(ask_shop, lambda _asked: Said(200, {"id": 250}))

    def test_an_answer_that_is_no_json_is_none(self, ask_shop: Ask) -> None:
        with pytest.raises(AskLater, match="answered 200 without JSON"):
            self.ask(ask_shop, lambda _asked: Said(200, b"<html>"))

    @pytest.mark.parametrize(
        ("sent", "reason"),
        [
            ({"producer": "stores/other9"}, "other_account"),
            ({"producer": "stores/abc123/../x"}, "other_account"),
            ({"number": "250/products"}, "nothing_to_ask"),
            ({"kind": "product"}, "nothing_to_ask"),
        ],
    )
    def test_no_other_store_and_path_is_asked(self, sent: dict[str, str], reason: str) -> None:
        with pytest.raises(SignatureProblem) as caught:
            self.question.check(self.notice(**sent), self.secrets)
        assert caught.value.reason == reason


class TestEcwidAPI(AskedBattery):
    kind, main = "ecwid-api", "order"
    secrets = ("4870311:secret_first0token", "4870311:secret_second0token")
    variants: ClassVar[Variants] = {
        "unpaid": ({"paymentStatus": "AWAITING_PAYMENT"}, {}),
        "cancelled": ({"paymentStatus": "CANCELLED"}, {}),
        "refunded": ({"paymentStatus": "REFUNDED"}, {}),
        "zero": ({"total": 0}, {}),
        "guest": ({"customerId": None}, {}),
        "no_email": ({"email": ""}, {}),
        "non_ascii": ({"items[0].name": NAME}, {}),
    }

    def told(self, **changes: Any) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((SHOPS / "ecwid-api" / "order.json").read_text("utf-8"))
        del found["currencyOfTheStore"]
        return {**found, "updateTimestamp": int(datetime.now(UTC).timestamp()), **changes}

    def notice(self, **changes: str) -> Unverified:
        sent = {"storeId": "4870311", "eventType": "order.created", "data.orderId": "XJ42T", **changes}
        return Unverified({}, b"", list(sent.items()))

    def answers(self, asked: Asked) -> Said:
        if asked.headers["authorization"] != "Bearer secret_second0token":
            return Said(403)
        return {
            "/api/v3/4870311/orders/XJ42T": Said(200, self.told()),
            "/api/v3/4870311/profile": Said(200, {"formatsAndUnits": {"currency": "USD"}}),
        }.get(asked.path, Said(404))

    def test_its_answers_are_the_order(self, ask_shop: Ask) -> None:
        reading = self.read(self.ask(ask_shop).body or b"")
        assert isinstance(reading, Understood)
        assert (reading.order.order_id, str(reading.order.total), reading.order.currency) == ("XJ42T", "47.81", "USD")

    def test_an_old_order_and_another_one_are_not_confirmed(self, ask_shop: Ask) -> None:
        for changes, said in (({"updateTimestamp": 1_700_000_000}, "last 7 days"), ({"id": "XJ43T"}, "another order")):
            with pytest.raises(NotConfirmed, match=said):
                self.ask(ask_shop, lambda _asked, changes=changes: Said(200, self.told(**changes)))  # type: ignore[misc]

    @pytest.mark.parametrize("profile", [b"{", b"[]", b"{}", b'{"formatsAndUnits": {}}'])
    def test_without_dates_or_a_currency_it_is_asked_again(self, ask_shop: Ask, profile: bytes) -> None:
        with pytest.raises(AskLater, match=r"app\.ecwid\.com answered"):
            self.ask(ask_shop, lambda asked: Said(200, profile) if "profile" in asked.path else self.answers(asked))
        with pytest.raises(AskLater, match="without the order's dates"):
            self.ask(ask_shop, lambda _asked: Said(200, self.told(updateTimestamp=None)))

    @pytest.mark.parametrize(
        "sent", [{"storeId": "1"}, {"data.orderId": "a/b"}, {"data.orderId": ""}, {"eventType": "product.updated"}]
    )
    def test_no_other_store_and_path_is_asked(self, sent: dict[str, str]) -> None:
        with pytest.raises(SignatureProblem):
            self.question.check(self.notice(**sent), self.secrets)
