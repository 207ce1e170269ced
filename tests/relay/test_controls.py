"""The Order Control: its URL is checked, its secret made once, and switching it holds and releases orders."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from receiver.app.components import Kit
from receiver.errors import ConfigurationError
from receiver.relay.controls import Control, Controls
from receiver.security.signing import fingerprint
from receiver.storage.models import SecretRow
from receiver.storage.relay_models import ControlRow
from tests.relay.relaying import START, Relay

URL = "https://shop.example/orders"


def in_production(kit: Kit) -> Controls:
    """Return the controls of an instance in production, whose rules are stricter."""
    return Controls(
        kit.database, secret_key=kit.settings.SECRET_KEY.get_secret_value(), https_only=True, allow_private=False
    )


def test_before_it_is_saved_it_is_disabled_and_empty(relay: Relay) -> None:
    assert relay.controls.read() == Control()
    assert relay.controls.active_secrets() == []
    with pytest.raises(ConfigurationError, match="no secret yet"):
        relay.controls.reveal()


def test_the_first_save_keeps_all_and_makes_the_secret(relay: Relay) -> None:
    control = relay.controls.save(enabled=True, url=f" {URL} ", encoding="json", sends_secret_field=True)

    assert (control.enabled, control.url, control.encoding, control.sends_secret_field) == (True, URL, "json", True)
    assert control.changed_at == START
    secret = relay.controls.reveal()
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", secret)
    assert [(one.fingerprint, one.created_at, one.ends_at) for one in control.secrets] == [
        (fingerprint(secret), START, None)
    ]
    assert relay.controls.read() == control


def test_saving_again_keeps_the_secret_and_what_is_not_given(relay: Relay) -> None:
    relay.controls.save(enabled=True, url=URL, encoding="json", sends_secret_field=True)
    secret = relay.controls.reveal()
    control = relay.controls.save(enabled=False)

    assert (control.enabled, control.url, control.encoding, control.sends_secret_field) == (False, URL, "json", True)
    assert relay.controls.reveal() == secret
    assert not relay.controls.save(enabled=False, encoding="form", sends_secret_field=False).sends_secret_field


def test_it_is_disabled_even_when_its_url_will_do_no_longer(relay: Relay) -> None:
    relay.controls.save(enabled=True, url="http://127.0.0.1:8000/orders")
    stricter = in_production(relay.kit)

    assert not stricter.save(enabled=False, url="http://127.0.0.1:8000/orders").enabled
    with pytest.raises(ConfigurationError, match="must begin with https"):
        stricter.save(enabled=True)
    with pytest.raises(ConfigurationError, match="must begin with https"):
        stricter.save(enabled=False, url="http://another.example/")
    assert stricter.save(enabled=False, url="").url == ""


def test_the_secret_is_stored_encrypted(relay: Relay) -> None:
    relay.controls.save(enabled=True, url=URL)
    with relay.kit.database.read() as session:
        row = session.get_one(SecretRow, 1)

    assert relay.controls.reveal().removeprefix("whsec_") not in row.ciphertext


def test_a_secret_of_another_secret_key_signs_nothing_and_the_next_save_makes_one(
    relay: Relay, make_app: Callable[..., Flask]
) -> None:
    relay.controls.save(enabled=True, url=URL)
    lost = relay.controls.reveal()
    other: Kit = make_app(SECRET_KEY="another key of more than 32 characters").extensions["receiver"]

    assert other.controls.active_secrets() == []
    other.controls.save(enabled=False)
    assert other.controls.reveal() != lost


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "Enter the URL"),
        ("shop.example/orders", "must begin with https://"),
        ("http://shop.example/orders", "must begin with https://"),
        ("https://me:pw@shop.example/orders", "a user name or password"),
        ("https://shop.example/orders#a", "must not contain #"),
        ("https:///orders", "must name a host"),
        ("https://10.0.0.7/orders", "private. Only public addresses are allowed."),
        ("https://2130706433/orders", "unusual way"),
        ("https://localhost/orders", "this machine itself"),
    ],
)
def test_in_production_a_url_that_is_no_public_https_one_is_refused_and_nothing_changes(
    relay: Relay, url: str, says: str
) -> None:
    controls = in_production(relay.kit)
    with pytest.raises(ConfigurationError) as caught:
        controls.save(enabled=True, url=url)

    assert says in str(caught.value)
    assert controls.read() == Control()


def test_on_trial_the_setting_that_allows_a_private_address_is_named(relay: Relay) -> None:
    controls = Controls(
        relay.kit.database,
        secret_key=relay.kit.settings.SECRET_KEY.get_secret_value(),
        https_only=False,
        allow_private=False,
    )
    with pytest.raises(ConfigurationError, match="set RELAY_ALLOW_PRIVATE"):
        controls.save(enabled=True, url="http://10.0.0.7/orders")


def test_the_app_takes_its_rules_from_the_settings(make_app: Callable[..., Flask]) -> None:
    production: Kit = make_app(PUBLIC_URL="https://sells.example").extensions["receiver"]
    trial: Kit = make_app(RELAY_ALLOW_PRIVATE=True).extensions["receiver"]

    with pytest.raises(ConfigurationError, match="must begin with https://"):
        production.controls.save(enabled=True, url="http://shop.example/orders")
    assert trial.controls.save(enabled=True, url="http://127.0.0.1:8000/orders").enabled


def test_one_that_cannot_be_sent_to_any_more_can_be_disabled(relay: Relay) -> None:
    relay.controls.save(enabled=True, url="http://127.0.0.1:8000/orders")

    assert not in_production(relay.kit).save(enabled=False).enabled


def test_disabling_holds_what_is_open_and_enabling_releases_it(relay: Relay) -> None:
    relay.receive()
    assert relay.states() == ["held"]
    relay.controls.save(enabled=True, url=URL)
    assert (relay.row().state, relay.row().due_at) == ("open", START)
    relay.receive()
    relay.controls.save(enabled=False)
    assert [(row.state, row.due_at) for row in relay.rows()] == [("held", None)] * 2
    relay.now += timedelta(hours=1)
    relay.controls.save(enabled=True)
    assert [(row.state, row.due_at) for row in relay.rows()] == [("open", relay.now)] * 2


def test_enabling_forgets_why_it_was_disabled_and_another_url_forgets_its_failures(relay: Relay) -> None:
    relay.controls.save(enabled=True, url=URL)
    with relay.kit.database.write() as session:
        session.execute(update(ControlRow).values(enabled=False, disabled_because="Gone.", failing_since=START))
    assert relay.controls.read().disabled_because == "Gone."
    control = relay.controls.save(enabled=True)
    assert (control.disabled_because, control.failing_since) == (None, None)

    with relay.kit.database.write() as session:
        session.execute(update(ControlRow).values(failing_since=START))
    assert relay.controls.save(enabled=True, url=URL).failing_since == START
    assert relay.controls.save(enabled=True, url=f"{URL}/new").failing_since is None


def test_saved_disabled_by_a_person_it_is_theirs_whatever_disabled_it_before(relay: Relay) -> None:
    relay.controls.save(enabled=True, url=URL)
    with relay.kit.database.write() as session:
        session.execute(update(ControlRow).values(enabled=False, disabled_because="Gone."))

    assert relay.controls.save(enabled=False, url=f"{URL}/new").disabled_because is None


def test_after_a_rotation_both_sign_for_a_day_newest_first(relay: Relay) -> None:
    relay.controls.save(enabled=True, url=URL)
    old = relay.controls.reveal()
    new = relay.controls.rotate()

    assert relay.controls.active_secrets() == [new, old]
    assert [one.ends_at for one in relay.controls.read().secrets] == [None, START + timedelta(hours=24)]
    assert relay.controls.active_secrets(START + timedelta(hours=24)) == [new]
    relay.now += timedelta(hours=24)
    assert [one.fingerprint for one in relay.controls.read().secrets] == [fingerprint(new)]


def test_a_second_rotation_never_lengthens_the_first_ones_end(relay: Relay) -> None:
    relay.controls.save(enabled=True, url=URL)
    relay.controls.rotate(timedelta(hours=1))
    relay.controls.rotate()

    assert [one.ends_at for one in relay.controls.read().secrets] == [
        None,
        START + timedelta(hours=24),
        START + timedelta(hours=1),
    ]


def test_a_replaced_secret_can_be_revoked_at_once_the_newest_never(relay: Relay) -> None:
    relay.controls.save(enabled=True, url=URL)
    old = relay.controls.reveal()
    new = relay.controls.rotate()

    with pytest.raises(ConfigurationError, match="newest secret can't be revoked"):
        relay.controls.revoke(fingerprint(new))
    relay.controls.revoke(fingerprint(old))
    assert relay.controls.active_secrets() == [new]
    with pytest.raises(ConfigurationError, match="No secret with the fingerprint"):
        relay.controls.revoke(fingerprint(old))
