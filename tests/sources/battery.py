"""What every built-in kind of source must do: refuse what isn't its shop's, and read what its shop sends."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

import pytest

from receiver.errors import Unauthenticated
from receiver.intake.authentication import Proof, authenticate
from receiver.orders import NotUnderstood, Order, Understood, decode, guard, read
from receiver.orders.idempotency import order_key
from receiver.orders.states import EVENTS
from receiver.security.keyring import Keyring
from receiver.security.schemes import HmacSignature, Sent, Token
from receiver.sources import Source, kinds

NOW = datetime(2026, 11, 23, 14, 6, tzinfo=UTC)
KINDS = kinds.load(Path("nowhere")).types
SHOPS = Path(__file__).parent / "shops"
#: What a variant of the body changes: values by path.
Changes = dict[str, Any]
#: How a variant's body is read: from its own paths, with these headers besides.
MEANINGS = ("test", "unpaid", "failed", "cancelled", "refunded", "other", "zero", "guest", "no_email", "non_ascii")
_IGNORED = ("unpaid", "failed", "other")
#: Meaning -> the test that asks for it.
_TESTS = {
    "test": "test_a_test_is_one",
    "refunded": "test_a_refund_is_an_event_of_its_order",
    "cancelled": "test_a_cancellation_is_an_event_of_its_order",
    "zero": "test_a_total_of_zero_is_an_order",
    "guest": "test_a_guest_is_an_order",
    "no_email": "test_without_an_address_it_is_an_order",
    "non_ascii": "test_names_beyond_ascii_stay",
}


class SourceBattery:
    """Inherit from it for each kind; what a shop doesn't have isn't named in ``variants``, and isn't asked."""

    kind: ClassVar[str]
    secrets: ClassVar[tuple[str, str]] = ("a secret of the shop, the first", "a secret of the shop, the second")
    #: Name of the main case in ``shops/KIND/expected.json``.
    main: ClassVar[str]
    #: Where the body holds a token, and whether it's a form.
    token_path: ClassVar[str] = ""
    is_form: ClassVar[bool] = False
    #: Meaning -> what's changed in the main body, and in its headers.
    variants: ClassVar[dict[str, tuple[Changes, dict[str, str]]]] = {}

    def __init_subclass__(cls) -> None:
        """Take away the tests of what this shop doesn't have."""
        super().__init_subclass__()
        for meaning, test in _TESTS.items():
            if meaning not in cls.variants:
                setattr(cls, test, None)

    @property
    def source(self) -> Source:
        return KINDS[self.kind](self.kind, secrets=self.secrets).with_rules({})

    @property
    def expected(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((SHOPS / self.kind / "expected.json").read_text("utf-8"))
        return found

    def body(self, case: str | None = None, changes: Changes | None = None) -> bytes:
        """Return the body of a case, changed, with the first secret in the place of its token."""
        raw = (SHOPS / self.kind / self.expected["cases"][case or self.main]["body"]).read_bytes()
        changes = {**(changes or {}), **({self.token_path: self.secrets[0]} if self.token_path else {})}
        if self.is_form:
            fields = dict(decode(raw, self.expected["content_type"], 1_000).fields) | changes
            return urlencode(fields).encode()
        document = json.loads(raw)
        for path, value in changes.items():
            _put(document, path, value)
        return json.dumps(document, ensure_ascii=False).encode() if changes else raw

    def sent(self, body: bytes, headers: dict[str, str] | None = None) -> Sent:
        content_type = self.expected["content_type"]
        lower = {name.lower(): value for name, value in (headers or {}).items()}
        return Sent(lower, body, "https://shop.example/orders/x", lambda: decode(body, content_type, 20_000).fields)

    def signed(self, body: bytes, secret: str | None = None, at: datetime = NOW) -> Sent:
        scheme = self.source.scheme
        assert scheme is not None
        return self.sent(body, scheme.sign(self.sent(body), secret or self.secrets[0], at))

    def prove(self, sent: Sent, *, required: bool = False) -> Proof:
        keyring = Keyring({one: one.encode() for one in self.secrets}, {})
        return authenticate(sent, self.source, keyring, now=NOW, require_signature=required)

    def refusal(self, sent: Sent) -> str:
        with pytest.raises(Unauthenticated) as caught:
            self.prove(sent)
        assert not any(secret in caught.value.detail for secret in self.secrets)
        return caught.value.reason

    def read(self, body: bytes, headers: dict[str, str] | None = None) -> Understood | NotUnderstood:
        own = {name.lower(): value for name, value in {**self.expected["headers"], **(headers or {})}.items()}
        fields = self.source.with_headers(own, decode(body, self.expected["content_type"], 20_000).fields)
        return read(guard(fields).masked, self.source.mapping, NOW)

    def understood(self, meaning: str) -> Understood:
        changes, headers = self.variants[meaning]
        reading = self.read(self.body(changes=changes), headers)
        assert isinstance(reading, Understood), reading
        return reading

    # What proves it

    def test_the_shop_is_verified_with_either_secret_of_a_rotation(self) -> None:
        for secret in self.secrets if not self.token_path else self.secrets[:1]:
            assert self.prove(self.signed(self.body(), secret)).way in {"signature", "header", "field"}

    def test_another_key_is_refused(self) -> None:
        if self.token_path:
            body = self.body().replace(self.secrets[0].encode(), b"another secret, of nobody")
            assert self.refusal(self.sent(body)) == "signature_differs"
        else:
            assert self.refusal(self.signed(self.body(), "another secret, of nobody here")) == "signature_differs"

    def test_a_changed_byte_is_refused_where_all_is_signed(self) -> None:
        signed = self.signed(self.body())
        changed = self.sent(signed.body + b" ", dict(signed.headers))
        scheme = self.source.scheme
        if scheme is not None and scheme.covers_body and not self.is_form:
            assert self.refusal(changed) == "signature_differs"

    def test_a_beginning_of_the_proof_is_none(self) -> None:
        signed = self.signed(self.body())
        for name in signed.headers:
            for length in (1, 5):
                headers = {**signed.headers, name: signed.headers[name][:-length]}
                assert self.refusal(self.sent(signed.body, headers)) in {"signature_differs", "malformed_header"}

    def test_a_missing_proof_is_refused_whatever_else_is_sent(self) -> None:
        body = (
            self.body().replace(self.token_path.rpartition(".")[2].encode(), b"elsewhere")
            if self.token_path
            else self.body()
        )
        also = {"X-Shared-Secret": self.secrets[0], "Authorization": f"Bearer {self.secrets[0]}"}
        assert self.refusal(self.sent(body, also)) in {"header_missing", "field_missing", "signature_missing"}

    def test_an_old_signature_is_refused_where_a_time_is_signed(self) -> None:
        scheme = self.source.scheme
        if isinstance(scheme, HmacSignature) and scheme.has_timestamp:
            old = NOW - timedelta(seconds=scheme.tolerance + 1)
            assert self.refusal(self.signed(self.body(), at=old)) == "clock_off"

    def test_only_what_signs_all_fulfils_a_required_signature(self) -> None:
        scheme = self.source.scheme
        assert scheme is not None
        if scheme.covers_body:
            assert self.prove(self.signed(self.body()), required=True).way == "signature"
            return
        with pytest.raises(Unauthenticated, match="couldn't be verified"):
            self.prove(self.signed(self.body()), required=True)

    def test_a_token_is_not_kept(self) -> None:
        if isinstance(self.source.scheme, Token):
            keyring = Keyring({one: one.encode() for one in self.secrets}, {})
            fields = decode(self.body(), self.expected["content_type"], 20_000).fields
            assert self.secrets[0] not in str(keyring.redact(fields))

    # What it means

    def test_each_body_is_decided_and_read_right_without_a_mapping(self) -> None:
        for name, case in self.expected["cases"].items():
            reading = self.read(self.body(name))
            assert isinstance(reading, Understood), (name, reading)
            assert ("completed" if reading.decided == "completed" else "ignored") == case["decision"], name
            for path, right in case["fields"].items():
                found = value_at(reading.order, path)
                assert any(is_same(found, one) for one in (right if isinstance(right, list) else [right])), (
                    path,
                    found,
                )

    def test_a_replay_is_a_copy(self) -> None:
        first, again = (self.read(self.body()) for _ in range(2))
        assert isinstance(first, Understood)
        assert isinstance(again, Understood)
        assert order_key(first.order, first.decided) == order_key(again.order, again.decided)

    def test_a_test_is_one(self) -> None:
        reading = self.understood("test")
        assert reading.order.test
        assert reading.decided == "completed"

    def test_what_is_no_paid_order_is_ignored(self) -> None:
        decided = [self.understood(one).decided for one in _IGNORED if one in self.variants]
        assert decided
        assert not {*decided} & {*EVENTS}

    def test_a_refund_is_an_event_of_its_order(self) -> None:
        self.is_an_event("refunded")

    def test_a_cancellation_is_an_event_of_its_order(self) -> None:
        self.is_an_event("cancelled")

    def is_an_event(self, meaning: str) -> None:
        """Check that it's decided so, that it names the order and not itself, and that it's no copy of the order."""
        reading, main = self.understood(meaning), self.read(self.body())
        assert isinstance(main, Understood)
        assert (reading.decided, reading.order.event) == (meaning, f"order.{meaning}")
        assert reading.order.order_id == main.order.order_id
        assert order_key(reading.order, reading.decided) != order_key(main.order, main.decided)

    def test_a_total_of_zero_is_an_order(self) -> None:
        reading = self.understood("zero")
        assert (reading.decided, reading.order.total) == ("completed", Decimal(0))

    def test_a_guest_is_an_order(self) -> None:
        reading = self.understood("guest")
        assert (reading.decided, reading.order.customer.id) == ("completed", None)

    def test_without_an_address_it_is_an_order(self) -> None:
        reading = self.understood("no_email")
        assert (reading.decided, reading.order.customer.email) == ("completed", None)

    def test_names_beyond_ascii_stay(self) -> None:
        reading = self.understood("non_ascii")
        assert "Zoë Łukasz 山" in reading.order.model_dump_json()


def _put(node: Any, path: str, value: Any) -> None:
    """Change the value at a path such as ``data.items[0].name``."""
    *steps, last = [
        int(number) if number else name for name, number in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path) or []
    ]
    for step in steps:
        node = node[step]
    node[last] = deepcopy(value)


def value_at(order: Order, path: str) -> Any:
    """Return the value of an order at a path such as ``items[0].name``, as JSON has it."""
    node: Any = order.model_dump(mode="json")
    for name, number in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        node = node[int(number)] if number else (node or {}).get(name)
    return node


def is_same(found: Any, right: str) -> bool:
    """Return whether a value is right: amounts and instants may be written in several ways."""
    if str(found).lower() == right.lower():
        return True
    try:
        return Decimal(str(found)) == Decimal(right)
    except InvalidOperation:
        pass
    try:
        return datetime.fromisoformat(str(found)) == datetime.fromisoformat(right)
    except ValueError:
        return False
