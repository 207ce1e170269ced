"""When the control's URL leads to this very receiver, one step gives it the secret, and keeps it in step."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from receiver.relay import own_receiver
from receiver.relay.controls import SECRET_NAME
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
def test_a_url_leads_here_when_it_is_public_url_and_orders(url: str, is_here: bool) -> None:
    assert own_receiver.is_at(url, "https://shop.example") is is_here


def test_a_server_may_be_below_a_path_and_known_by_other_names() -> None:
    own = "https://shop.example/kit/"

    assert own_receiver.is_at("https://shop.example/kit/orders", own)
    assert not own_receiver.is_at("https://shop.example/orders", own)
    assert not own_receiver.is_at("http://127.0.0.1:8000/orders", own)
    assert own_receiver.is_at("http://127.0.0.1:8000/orders", own, "http://127.0.0.1:8000/")


@pytest.fixture
def shop(serve: Callable[..., Served]) -> Served:
    """Return a receiver that sends to itself and doesn't know the secret yet."""
    shop = serve(work=False, SHARED_SECRETS=[], RELAY_ALLOW_PRIVATE=True)
    shop.kit.controls.save(enabled=True, url=shop.url)
    return shop


def given(shop: Served) -> list[str]:
    """Return the secrets that the receiver accepts."""
    return list(shop.kit.shared_secrets.keyring().active)


def is_given(shop: Served) -> bool:
    return shop.kit.shared_secrets.is_active(shop.kit.controls.read().secrets[0].fingerprint)


def test_giving_lets_a_test_transmission_through(shop: Served) -> None:
    assert not is_given(shop)
    assert shop.kit.transmissions.send_test().state == "failed"
    shop.kit.controls.give_to_receiver()
    shop.kit.controls.give_to_receiver()

    assert is_given(shop)
    assert shop.kit.transmissions.send_test().state == "delivered"
    assert len(given(shop)) == 1
    assert shop.kit.transmissions.send_test().state == "delivered"


def test_after_a_rotation_the_receiver_takes_both_until_the_old_ones_end(shop: Served) -> None:
    shop.kit.controls.give_to_receiver()
    shop.kit.controls.rotate()

    assert is_given(shop)
    assert len(given(shop)) == 2
    with shop.kit.database.read() as session:
        rows = shop.kit.shared_secrets.listing(session, now=shop.kit.controls.read().secrets[1].created_at)
    new, old = shop.kit.controls.read().secrets
    assert old.ends_at is not None
    assert [(row["fingerprint"], row["name"], row["ends_at"]) for row in rows] == [
        (old.fingerprint, SECRET_NAME, old.ends_at.isoformat()),
        (new.fingerprint, SECRET_NAME, None),
    ]


def test_a_secret_revoked_in_the_control_is_ended_here_too(shop: Served) -> None:
    shop.kit.controls.give_to_receiver()
    shop.kit.controls.rotate()
    shop.kit.controls.revoke(shop.kit.controls.read().secrets[1].fingerprint)

    assert given(shop) == [shop.kit.controls.reveal()]


def test_given_for_the_first_time_during_a_rotation_the_old_one_has_its_end_from_the_start(shop: Served) -> None:
    shop.kit.controls.rotate()
    shop.kit.controls.give_to_receiver()

    assert len(given(shop)) == 2


def test_a_receiver_that_was_not_given_the_secret_is_left_alone(shop: Served) -> None:
    shop.kit.controls.rotate()

    assert shop.kit.shared_secrets.keyring().active == {}


def test_a_secret_that_is_revoked_here_still_signs_and_is_recognised(shop: Served) -> None:
    shop.kit.controls.give_to_receiver()
    (ours,) = shop.kit.controls.read().secrets
    with shop.kit.database.write() as session:
        shop.kit.shared_secrets.end(session, ours.fingerprint, at=datetime.now(UTC))

    assert (given(shop), shop.kit.controls.read().secrets) == ([], (ours,))
    assert list(shop.kit.shared_secrets.keyring().retired) == [shop.kit.controls.reveal()]
    shop.kit.controls.rotate()
    assert given(shop) == []


def test_a_replaced_secret_that_is_added_here_by_hand_signs_no_longer_for_it(shop: Served) -> None:
    shop.kit.controls.give_to_receiver()
    old = shop.kit.controls.reveal()
    shop.kit.controls.rotate()
    with shop.kit.database.write() as session:
        shop.kit.shared_secrets.add(session, old, now=datetime.now(UTC))

    _, replaced = shop.kit.controls.read().secrets
    assert replaced.ends_at is not None
    shop.kit.controls.revoke(replaced.fingerprint)
    assert set(given(shop)) == {old, shop.kit.controls.reveal()}
