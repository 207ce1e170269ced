"""Guessing the admin password is slowed down, and nobody's guesses keep the owner out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import select

from receiver.app.components import Kit
from receiver.app.instance import set_password
from receiver.security import guesses
from receiver.security.guesses import ACCOUNT, COMMON, CONSOLE, LONGEST_WAIT, PAUSE, Limits, TooManyAttempts
from receiver.security.sign_ins import Owner, SignIns, administrator
from receiver.storage.account_models import SignInAttemptRow, SignInTurnRow
from tests.served import Served
from tests.web.console.visitor import PASSWORD, Visitor

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
#: Makes one that counts.
attempt = partial(SignInAttemptRow, kind="console")
ZERO = timedelta()


def strangers_have_guessed(kit: Kit, times: int, at: datetime) -> None:
    with kit.database.write() as session:
        session.add_all(attempt(at=at, address=f"192.0.2.{number % 250}") for number in range(times))


def wait_of(kit: Kit, now: datetime, *, device: str | None = None, address: str = "198.51.100.1") -> timedelta:
    with kit.database.write() as session:
        return guesses.count_attempt(session, CONSOLE, now, address=address, device=device)[1]


def known(visitor: Visitor) -> Visitor:
    """Return somebody on the same device, whose sign-in has ended."""
    again = Visitor(visitor.base)
    again.cookies = {"receiver-device": visitor.cookies["receiver-device"]}
    return again


def test_a_known_device_signs_in_at_once_whatever_strangers_do(shop: Served, visitor: Visitor) -> None:
    strangers_have_guessed(shop.kit, COMMON + 100, datetime.now(UTC))
    with shop.kit.database.write() as session:
        session.add_all(attempt(at=datetime.now(UTC), address="127.0.0.1") for _ in range(20))
    assert Visitor(shop.base).sign_in().status == 429
    before = shop.rows(SignInTurnRow)
    for _ in range(4):
        assert known(visitor).sign_in().status == 200
    assert [row.next_at for row in shop.rows(SignInTurnRow)] == [row.next_at for row in before], "it took no turn"


def test_a_known_device_reveals_and_changes_while_strangers_guess(shop: Served, visitor: Visitor) -> None:
    strangers_have_guessed(shop.kit, COMMON, datetime.now(UTC))
    with shop.kit.database.write() as session:
        session.add_all(attempt(at=datetime.now(UTC), address="127.0.0.1") for _ in range(20))
    visitor.post("/admin/order-manager", {"url": "http://127.0.0.1:9/orders", "encoding": "json"})
    new = "a new pass phrase"
    page = visitor.post("/admin/password", {"current": PASSWORD, "new": new, "again": new})
    assert "Password changed." in page.text


def test_a_known_device_has_five_guesses_a_minute_of_its_own(shop: Served, visitor: Visitor) -> None:
    device = known(visitor)
    assert [device.sign_in("wrong").status for _ in range(6)] == [422] * 5 + [429]
    assert device.sign_in().status == 429
    assert Visitor(shop.base).sign_in().status == 200


@pytest.mark.parametrize("cookie", ["", "x", "x.y.z", "W10.aaaa.bbbb"])
def test_a_made_up_cookie_is_a_strangers(shop: Served, cookie: str) -> None:
    stranger = Visitor(shop.base)
    stranger.cookies = {"receiver-device": cookie}
    assert [stranger.sign_in("wrong").status for _ in range(6)] == [422] * 5 + [429]


def test_a_new_password_ends_what_the_devices_were_known_by(shop: Served, visitor: Visitor) -> None:
    old = visitor.cookies["receiver-device"]
    new = "a new pass phrase"
    visitor.post("/admin/password", {"current": PASSWORD, "new": new, "again": new})
    assert visitor.cookies["receiver-device"] != old
    stranger = Visitor(shop.base)
    stranger.cookies = {"receiver-device": old}
    with shop.kit.database.write() as session:
        session.add_all(attempt(at=datetime.now(UTC), address="127.0.0.1") for _ in range(5))
    assert stranger.sign_in(new).status == 429
    assert known(visitor).sign_in(new).status == 200


def test_a_cookie_is_of_one_owner_one_kind_and_one_key(kit: Kit) -> None:
    def sign_ins(key: str, limits: Limits) -> SignIns:
        return SignIns(kit.database, key * 32, limits)

    ours, ada = sign_ins("k", CONSOLE), Owner(1, "hash")
    cookie = ours.device_cookie(ada)
    assert ours.known_device(cookie, ada)
    assert ours.known_device(cookie, Owner(2, "hash")) is None
    assert ours.known_device(cookie, Owner(None, "hash")) is None
    assert ours.known_device(cookie, Owner(1, "another hash")) is None
    assert sign_ins("k", ACCOUNT).known_device(cookie, ada) is None
    assert sign_ins("j", CONSOLE).known_device(cookie, ada) is None
    assert ours.known_device(ours.device_cookie(ada), ada) != ours.known_device(cookie, ada)


def test_many_strangers_are_looked_at_one_a_second_and_few_wait(kit: Kit) -> None:
    strangers_have_guessed(kit, COMMON - 1, NOW)
    assert wait_of(kit, NOW, address="198.51.100.1") == ZERO
    longest = int(LONGEST_WAIT / PAUSE)
    waits = [wait_of(kit, NOW, address=f"198.51.100.{number}") for number in range(2, longest + 3)]
    assert waits == [PAUSE * number for number in range(longest + 1)]
    with pytest.raises(TooManyAttempts, match="Wait a few seconds, then try again"):
        wait_of(kit, NOW, address="203.0.113.1")
    assert wait_of(kit, NOW + PAUSE, address="203.0.113.2") == LONGEST_WAIT
    assert wait_of(kit, NOW, device="a known one") == ZERO


def test_a_turn_dated_far_in_the_future_is_forgotten(kit: Kit) -> None:
    strangers_have_guessed(kit, COMMON, NOW)
    with kit.database.write() as session:
        session.add(SignInTurnRow(id=1, next_at=NOW + timedelta(days=365)))
    assert wait_of(kit, NOW) == ZERO
    assert wait_of(kit, NOW, address="203.0.113.1") == PAUSE


def test_failures_dated_in_the_future_are_deleted_and_count_for_nothing(kit: Kit) -> None:
    strangers_have_guessed(kit, COMMON + 50, NOW + timedelta(days=365))
    with kit.database.write() as session:
        session.add_all(attempt(at=NOW + timedelta(days=9), address="198.51.100.1") for _ in range(9))
    assert SignIns(kit.database, "k" * 32, CONSOLE).sign_in(administrator(kit.database), PASSWORD, "198.51.100.1", NOW)
    with kit.database.read() as session:
        assert session.scalars(select(SignInAttemptRow)).all() == []


def test_a_new_password_forgets_every_failure(serve: Callable[..., Served]) -> None:
    shop = serve()
    strangers_have_guessed(shop.kit, COMMON + 50, datetime.now(UTC))
    with shop.kit.database.write() as session:
        session.add_all(attempt(at=datetime.now(UTC), address="127.0.0.1") for _ in range(20))
        session.add(SignInTurnRow(id=1, next_at=datetime.now(UTC) + LONGEST_WAIT))
    assert Visitor(shop.base).sign_in().status == 429
    set_password(shop.kit.database, "set on the terminal")
    assert Visitor(shop.base).sign_in("set on the terminal").status == 200
