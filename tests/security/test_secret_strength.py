"""Secrets that are easily guessed: refused when they are added, told of when they are there."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import update

from receiver.app.components import Kit
from receiver.app.doctor import diagnose
from receiver.security import encryption, signing
from receiver.security.secret_strength import weakness
from receiver.storage.models import SecretRow
from tests.commanding import runner
from tests.served import Served, order_fields
from tests.sources.saving import add
from tests.web.console.visitor import Visitor

WEAK = [
    "a" * 16,
    "abababababababab",
    "password" * 2,
    "1234567890123456",
    "0123456789abcdef",
    "zyxwvutsrqponmlk",
    "whsec_" + "A" * 43 + "=",
]


@pytest.mark.parametrize("secret", WEAK)
def test_a_weak_secret_is_refused_with_the_way_to_a_good_one(make_app: Callable[..., Flask], secret: str) -> None:
    result = runner(make_app)("secret", "add", secret)
    assert result.exit_code == 1
    assert "This secret is easy to guess: it" in result.stderr
    assert "Leave it out to create one" in result.stderr
    assert secret not in result.output


def test_what_services_and_programs_make_is_taken() -> None:
    made = [make() for make in (signing.new_secret, lambda: secrets.token_hex(16), lambda: secrets.token_urlsafe(16))]
    for secret in (*made, "correct horse battery staple", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"):
        assert weakness(secret) is None


def test_the_console_refuses_a_weak_secret_too(shop: Served) -> None:
    visitor = Visitor(shop.base)
    visitor.sign_in(follow=False)
    page = visitor.post("/admin/settings/secrets", {"secret": "a" * 16, "replaces": "", "overlap": "24"})
    assert (page.status, "This secret is easy to guess" in page.text) == (422, True)


def test_a_weak_secret_of_the_settings_takes_orders_and_doctor_warns(serve: Callable[..., Served]) -> None:
    shop = serve(work=False, SHARED_SECRETS=["a" * 16])
    assert shop.post(order_fields(), headers={"X-Shared-Secret": "a" * 16}).status == 202
    (told,) = [one for one in diagnose(shop.kit, quickly=True) if "easy to guess" in one.text]
    assert (told.subject, told.state) == ("secrets", "warning")
    assert signing.fingerprint("a" * 16) in told.text
    assert "a" * 16 not in told.text


def test_a_weak_secret_that_was_stored_before_is_told_of(kit: Kit) -> None:
    weak = "b" * 16
    with kit.database.write() as session:
        kept = encryption.encrypted(kit.settings.SECRET_KEY.get_secret_value(), weak)
        row = {"ciphertext": kept, "fingerprint": signing.fingerprint(weak), "created_at": datetime.now(UTC)}
        session.add(SecretRow(name="added", **row))
    told = [one.text for one in diagnose(kit, quickly=True) if "easy to guess" in one.text]
    assert [text.partition(" ")[0] for text in told] == [signing.fingerprint(weak)]


def test_a_weak_secret_of_a_source_or_for_forwarding_is_told_of(make_app: Callable[..., Flask]) -> None:
    app = make_app(sources={"market": {"secrets": ["c" * 16]}}, FORWARD_SECRET="d" * 16)
    told = [one.text for one in diagnose(app.extensions["receiver"], quickly=True) if "easy to guess" in one.text]
    assert [text.partition(" ")[0] for text in told] == [signing.fingerprint(letter * 16) for letter in "dc"]
    assert "`flask secret add`" in told[0]
    assert told[1].endswith(
        "Give the shop a new one, and enter it in config.toml, below [sources.market], instead of this one"
    )


def test_a_weak_secret_of_a_saved_source_is_told_with_its_command(kit: Kit) -> None:
    add(kit, "woo", kind="woocommerce")
    with kit.database.write() as session:
        weak = encryption.encrypted(kit.secret_key, "c" * 16)
        session.execute(update(SecretRow).values(ciphertext=weak))
    kit.sources.look_again()
    (told,) = [one.text for one in diagnose(kit, quickly=True) if "easy to guess" in one.text]
    assert told.startswith(f"{signing.fingerprint('c' * 16)} is easy to guess")
    assert "source woo." in told
    assert told.endswith("with `flask sources secret woo`")


def test_a_secret_that_the_shop_dictates_is_not_judged(make_app: Callable[..., Flask]) -> None:
    merchant = "ABCDEFGH23457"
    assert weakness(merchant)
    kit = make_app(sources={"pp": {"kind": "paypal-ipn", "secrets": [merchant]}}).extensions["receiver"]
    assert list(kit.sources.secrets) == [merchant]
    assert not [one.text for one in diagnose(kit, quickly=True) if "easy to guess" in one.text]
