"""When the control's URL leads to this very receiver, one step gives it the secret, and keeps it in step."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from receiver.app.components import Kit
from receiver.relay.own_receiver import NAME, OwnReceiver
from tests.served import Served


@pytest.mark.parametrize(
    ("url", "is_here"),
    [
        ("https://shop.example/orders", True),
        ("https://SHOP.example:443/orders?a=b", True),
        ("https://shop.example/orders/etsy", True),
        ("https://shop.example/ordersome", False),
        ("https://shop.example/", False),
        ("http://shop.example/orders", False),
        ("https://shop.example:8443/orders", False),
        ("https://other.example/orders", False),
        ("https://shop.example:port/orders", False),
        ("", False),
    ],
)
def test_a_url_leads_here_when_it_is_public_url_and_orders(
    make_app: Callable[..., Flask], url: str, is_here: bool
) -> None:
    kit: Kit = make_app(PUBLIC_URL="https://shop.example").extensions["receiver"]

    assert OwnReceiver(kit).is_at(url) is is_here


def test_a_server_may_be_below_a_path_and_known_by_other_names(make_app: Callable[..., Flask]) -> None:
    own = OwnReceiver(make_app(PUBLIC_URL="https://shop.example/kit/").extensions["receiver"])

    assert own.is_at("https://shop.example/kit/orders")
    assert not own.is_at("https://shop.example/orders")
    assert not own.is_at("http://127.0.0.1:8000/orders")
    assert own.is_at("http://127.0.0.1:8000/orders", "http://127.0.0.1:8000/")


@pytest.fixture
def shop(serve: Callable[..., Served]) -> Served:
    """Give a receiver whose control sends to itself, which does not know its secret yet."""
    shop = serve(work=False, SHARED_SECRETS=[], RELAY_ALLOW_PRIVATE=True)
    shop.kit.controls.save(enabled=True, url=shop.url)
    return shop


def given(shop: Served) -> list[str]:
    """Give the secrets that the receiver takes."""
    return list(shop.kit.shared_secrets.keyring().active)


def test_giving_lets_a_test_transmission_through(shop: Served) -> None:
    own = OwnReceiver(shop.kit)
    assert not own.is_given(shop.kit.controls.read())
    assert shop.kit.transmissions.send_test().state == "failed"
    own.give()
    own.give()

    assert own.is_given(shop.kit.controls.read())
    assert shop.kit.transmissions.send_test().state == "delivered"
    assert len(given(shop)) == 1
    assert shop.kit.transmissions.send_test().state == "delivered"


def test_after_a_rotation_the_receiver_takes_both_until_the_old_ones_end(shop: Served) -> None:
    own = OwnReceiver(shop.kit)
    own.give()
    shop.kit.controls.rotate()
    assert not own.is_given(shop.kit.controls.read())
    own.follow()

    assert own.is_given(shop.kit.controls.read())
    assert len(given(shop)) == 2
    with shop.kit.database.read() as session:
        rows = shop.kit.shared_secrets.listing(session, now=shop.kit.controls.read().secrets[1].created_at)
    new, old = shop.kit.controls.read().secrets
    assert old.ends_at is not None
    assert [(row["fingerprint"], row["name"], row["ends_at"]) for row in rows] == [
        (old.fingerprint, NAME, old.ends_at.isoformat()),
        (new.fingerprint, NAME, None),
    ]


def test_a_secret_revoked_in_the_control_is_ended_here_too(shop: Served) -> None:
    own = OwnReceiver(shop.kit)
    own.give()
    shop.kit.controls.rotate()
    own.follow()
    shop.kit.controls.revoke(shop.kit.controls.read().secrets[1].fingerprint)
    own.follow()

    assert given(shop) == [shop.kit.controls.reveal()]


def test_given_for_the_first_time_during_a_rotation_the_old_one_has_its_end_from_the_start(shop: Served) -> None:
    shop.kit.controls.rotate()
    OwnReceiver(shop.kit).give()

    assert len(given(shop)) == 2


def test_a_receiver_that_was_not_given_the_secret_is_left_alone(shop: Served) -> None:
    shop.kit.controls.rotate()
    OwnReceiver(shop.kit).follow()

    assert shop.kit.shared_secrets.keyring().active == {}
