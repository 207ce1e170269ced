"""Alerts to the merchant about the relay: the first failure of a kind, failed orders, and sending being disabled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from receiver.relay import notices
from receiver.storage.models import MailRow, NoticeRow
from receiver.storage.relay_models import ControlRow
from tests.hostile_servers import reply
from tests.mail_pages import flat
from tests.relay.relaying import Relay, Shop

NOT_REACHED = "An order didn't reach your server"
FAILED = "An order couldn't be delivered to your server"
DISABLED = "Orders are no longer sent to your server"


@pytest.fixture(autouse=True)
def _look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("receiver.mail.notices._LOOK_EVERY_SECONDS", 0)


def mails(relay: Relay) -> list[MailRow]:
    """Look for problems, and return all alerts so far."""
    relay.kit.notices.look()
    with relay.kit.database.read() as session:
        return list(session.query(MailRow).order_by(MailRow.id))


def headlines(relay: Relay) -> list[str]:
    return [mail.subject.partition(": ")[2] for mail in mails(relay)]


def send(relay: Relay, shop: Shop, status: str) -> None:
    """Send one order that's answered with this status."""
    shop.answer = reply(status)
    relay.receive()
    assert relay.work() > 0


def test_without_a_problem_nobody_is_emailed(enabled: Relay, shop: Shop) -> None:
    assert headlines(Relay(enabled.kit)) == []
    send(enabled, shop, "202 Accepted")

    assert headlines(enabled) == []


def test_before_the_controls_are_saved_there_is_no_problem(relay: Relay) -> None:
    with relay.kit.database.read() as session:
        assert notices.standing(session) == []


def test_each_kind_of_failure_is_mailed_once_a_day_with_cause_and_next_step(enabled: Relay, shop: Shop) -> None:
    send(enabled, shop, "401 Unauthorized")
    assert headlines(enabled) == [NOT_REACHED]
    send(enabled, shop, "401 Unauthorized")
    assert headlines(enabled) == [NOT_REACHED]
    send(enabled, shop, "500 Oops")
    assert headlines(enabled) == [NOT_REACHED] * 2
    first, second = (flat(mail.text) for mail in mails(enabled))

    assert "The receiver couldn't verify the POST (401)" in first
    assert "Copy this secret to the receiver again" in first
    assert "The receiver, or the proxy in front of it, failed" in second

    with enabled.kit.database.write() as session:
        session.execute(update(NoticeRow).values(mailed_at=datetime.now(UTC) - timedelta(days=1)))
    assert headlines(enabled) == [NOT_REACHED] * 2
    send(enabled, shop, "500 Oops")
    assert headlines(enabled) == [NOT_REACHED] * 3


def test_a_failure_that_healed_by_itself_is_not_mailed(enabled: Relay, shop: Shop) -> None:
    send(enabled, shop, "500 Oops")
    shop.answer = reply("202 Accepted")
    enabled.work_until(timedelta(minutes=1))

    assert headlines(enabled) == []


def test_an_order_that_failed_is_emailed_by_its_id_and_cause(enabled: Relay, shop: Shop) -> None:
    shop.answer = reply("422 Unprocessable")
    enabled.receive(order_id="A-7")
    enabled.work()

    assert headlines(enabled) == [FAILED]
    assert "Order A-7: The receiver refuses the order's contents (422)." in flat(mails(enabled)[0].text)


def test_being_disabled_by_410_is_mailed_and_nothing_else(enabled: Relay, shop: Shop) -> None:
    send(enabled, shop, "410 Gone")

    assert headlines(enabled) == [DISABLED]
    assert "The receiver says it's gone for good (410)." in flat(mails(enabled)[0].text)
    enabled.controls.save(enabled=False)
    with enabled.kit.database.read() as session:
        assert notices.standing(session) == []


def test_being_disabled_after_five_days_is_mailed(enabled: Relay, shop: Shop) -> None:
    for day in range(6):
        enabled.work_until(timedelta(days=day))
        send(enabled, shop, "500 Oops")

    assert headlines(enabled) == [DISABLED, FAILED]
    assert "No order was accepted for 5 days." in flat(mails(enabled)[0].text)


def test_a_failed_order_is_a_problem_for_a_week_and_its_attempt_no_longer(enabled: Relay, shop: Shop) -> None:
    def standing() -> list[str]:
        with enabled.kit.database.read() as session:
            return [trouble.headline for trouble in enabled.kit.notices.standing(session, enabled.now)]

    send(enabled, shop, "500 Oops")
    assert standing() == [NOT_REACHED]
    enabled.work_until(timedelta(days=4))
    assert (enabled.states(), standing()) == (["failed"], [FAILED])
    enabled.work_until(timedelta(days=12))
    assert standing() == []


def test_a_problem_is_shown_beside_the_others_until_it_is_over(enabled: Relay, shop: Shop) -> None:
    def standing() -> list[str]:
        with enabled.kit.database.read() as session:
            return [trouble.headline for trouble in enabled.kit.notices.standing(session, datetime.now(UTC))]

    send(enabled, shop, "500 Oops")
    assert standing() == [NOT_REACHED]
    shop.answer = reply("202 Accepted")
    enabled.work_until(timedelta(minutes=1))
    assert standing() == []


def test_a_test_transmission_is_no_problem(enabled: Relay, shop: Shop) -> None:
    shop.answer = reply("500 Oops")
    enabled.transmissions.send_test()
    with enabled.kit.database.write() as session:
        session.execute(update(ControlRow).values(failing_since=enabled.now))

    assert headlines(enabled) == []
