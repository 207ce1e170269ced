"""Transmissions: each order is sent by a schedule with one webhook-id, until it arrives or has failed."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs

import pytest
from sqlalchemy import update

from receiver.errors import ConfigurationError
from receiver.relay.controls import Control
from receiver.relay.transmissions import SCHEDULE, Transmissions
from receiver.security import signing
from receiver.storage.models import SecretRow
from receiver.storage.relay_models import ControlRow, TransmissionRow
from tests.hostile_servers import Answerer, reply
from tests.relay.relaying import ACCEPTED, START, Relay, Shop
from tests.smtp_servers import free_port


def waits(relay: Relay) -> list[float]:
    """Return the seconds between the attempts so far."""
    times = [attempt.at for attempt in relay.attempts()]
    return [(later - earlier).total_seconds() for earlier, later in pairwise(times)]


def test_an_order_received_is_sent_signed_and_settles_as_delivered(enabled: Relay, shop: Shop) -> None:
    event_id = enabled.receive(order_id="A-7")
    assert enabled.work() == 1
    request = shop.requests[0]
    signed = signing.verify(
        webhook_id=request.headers["webhook-id"],
        timestamp=request.headers["webhook-timestamp"],
        signature=request.headers["webhook-signature"],
        body=request.body,
        secrets=enabled.controls.active_secrets(),
        now=START,
    )

    assert signed.webhook_id == event_id
    assert parse_qs(request.body.decode())["order_id"] == ["A-7"]
    row = enabled.row()
    assert (row.state, row.order_id, row.due_at, row.settled_at, row.detail) == ("delivered", "A-7", None, START, None)
    attempt = enabled.attempts()[0]
    assert (attempt.number, attempt.status, attempt.outcome, attempt.at) == (1, 202, "delivered", START)
    assert (attempt.url, attempt.encoding, attempt.address) == (shop.server.url(), "form", "127.0.0.1")
    assert (attempt.body, attempt.content_type) == ('{"status": "accepted"}', "application/json")
    assert json.loads(attempt.headers_sent)["webhook-id"] == event_id


def test_the_control_decides_about_encoding_and_secret_field(enabled: Relay, shop: Shop) -> None:
    enabled.controls.save(enabled=True, encoding="json", sends_secret_field=True)
    enabled.receive()
    enabled.work()

    assert shop.requests[0].headers["content-type"] == "application/json"
    assert json.loads(shop.requests[0].body)["shared_secret"] == enabled.controls.reveal()
    assert enabled.controls.reveal() not in repr([vars(one) for one in enabled.attempts()])


def test_one_that_is_on_its_way_holds_up_others_to_the_same_server_only(enabled: Relay, shop: Shop) -> None:
    """A server that does not answer takes 15 s for each."""
    for _ in range(2):
        enabled.receive()
    with enabled.kit.database.write() as session:
        session.execute(update(TransmissionRow).values(target="https://silent.example/orders"))
        first = update(TransmissionRow).where(TransmissionRow.id == 1)
        session.execute(first.values(lease_until=START + timedelta(seconds=20)))
    assert enabled.work() == 0
    enabled.receive(order_id="A-7")

    assert enabled.work() == 1
    assert parse_qs(shop.requests[0].body.decode())["order_id"] == ["A-7"]


def test_during_a_rotation_both_secrets_sign(enabled: Relay, shop: Shop) -> None:
    enabled.controls.rotate()
    enabled.receive()
    enabled.work()

    assert len(shop.requests[0].headers["webhook-signature"].split()) == 2


def test_while_disabled_orders_are_held_and_sent_when_it_is_enabled_again(enabled: Relay, shop: Shop) -> None:
    enabled.controls.save(enabled=False)
    for _ in range(3):
        enabled.receive()
    assert enabled.work() == 0
    assert (enabled.states(), shop.requests) == (["held"] * 3, [])

    enabled.controls.save(enabled=True)
    assert enabled.work() == 3
    assert enabled.states() == ["delivered"] * 3


def test_an_order_that_fails_every_time_is_attempted_ten_times_by_the_schedule_and_then_failed(
    enabled: Relay, shop: Shop
) -> None:
    shop.answer = reply("500 Internal Server Error")
    enabled.receive()
    enabled.work_until(timedelta(days=20))

    assert len(shop.requests) == 10
    assert all(least <= waited <= 1.2 * least for waited, least in zip(waits(enabled), SCHEDULE, strict=True))
    assert sum(SCHEDULE) > 75 * 3600
    row = enabled.row()
    assert (row.state, row.due_at, row.attempts) == ("failed", None, 10)
    assert row.detail == "The receiver, or the proxy in front of it, failed (5xx)."
    assert row.settled_at == enabled.attempts()[-1].at
    assert [attempt.number for attempt in enabled.attempts()] == list(range(1, 11))


def test_every_attempt_has_the_same_webhook_id_and_a_fresh_timestamp(enabled: Relay, shop: Shop) -> None:
    shop.answer = reply("503 Service Unavailable")
    enabled.receive()
    enabled.work_until(timedelta(hours=1))

    assert len({request.headers["webhook-id"] for request in shop.requests}) == 1
    stamps = [int(request.headers["webhook-timestamp"]) for request in shop.requests]
    assert stamps == [int(attempt.at.timestamp()) for attempt in enabled.attempts()]
    assert len(set(stamps)) == 4


def test_a_longer_wait_that_the_receiver_asks_for_is_kept_a_shorter_one_not(enabled: Relay, shop: Shop) -> None:
    shop.answer = reply("429 Too Many Requests", Retry_After="7200")
    enabled.receive()
    enabled.work()
    assert enabled.next_due() == START + timedelta(hours=2)

    shop.answer = reply("503 Service Unavailable", Retry_After="1")
    enabled.now = START + timedelta(hours=2)
    enabled.work()
    due = enabled.next_due()
    assert due is not None
    assert due >= enabled.now + timedelta(seconds=SCHEDULE[1])


@pytest.mark.parametrize("status", ["400 Bad Request", "413 Too Large", "415 Unsupported", "422 Unprocessable"])
def test_an_order_that_is_refused_for_what_it_is_fails_at_once(enabled: Relay, shop: Shop, status: str) -> None:
    shop.answer = reply(status)
    enabled.receive()
    enabled.work_until(timedelta(days=1))

    assert (enabled.states(), len(shop.requests)) == (["failed"], 1)
    assert enabled.controls.read().enabled


def test_a_receiver_that_answers_410_gets_none_after_it(enabled: Relay, shop: Shop) -> None:
    shop.answer = reply("410 Gone")
    for _ in range(3):
        enabled.receive()
    enabled.work_until(timedelta(days=4))
    enabled.receive()
    enabled.work_until(timedelta(days=5))

    assert len(shop.requests) == 1
    assert enabled.states() == ["held"] * 4
    control = enabled.controls.read()
    assert (control.enabled, control.disabled_because) == (False, "The receiver says it's gone for good (410).")

    shop.answer = ACCEPTED
    enabled.controls.save(enabled=True)
    assert enabled.work() == 4
    assert enabled.states() == ["delivered"] * 4


def test_a_410_of_a_url_that_was_changed_meanwhile_disables_nothing(enabled: Relay, shop: Shop) -> None:
    def gone(connection: Any) -> None:
        enabled.controls.save(enabled=True, url=shop.server.url("/new"))
        reply("410 Gone")(connection)

    shop.answer = gone
    enabled.receive()
    assert enabled.transmissions.run_next()
    assert enabled.controls.read().enabled
    assert enabled.states() == ["open"]


def test_one_in_flight_while_it_is_disabled_is_held_unless_it_arrives(enabled: Relay, shop: Shop) -> None:
    def disabled_meanwhile(answer: Answerer) -> Answerer:
        def respond(connection: Any) -> None:
            enabled.controls.save(enabled=False)
            answer(connection)

        return respond

    shop.answer = disabled_meanwhile(reply("500 Internal Server Error"))
    enabled.receive()
    enabled.work()
    assert enabled.states() == ["held"]

    enabled.controls.save(enabled=True)
    shop.answer = disabled_meanwhile(ACCEPTED)
    enabled.work()
    assert enabled.states() == ["delivered"]


def test_one_that_was_taken_up_as_it_is_disabled_is_held_and_not_sent(
    enabled: Relay, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = enabled.controls.save

    def read_as_it_is_switched(*, on_again: bool) -> Control:
        monkeypatch.undo()
        control = save(enabled=False)
        return save(enabled=True) and control if on_again else control

    enabled.receive()
    monkeypatch.setattr(enabled.controls, "read", lambda: read_as_it_is_switched(on_again=False))
    assert enabled.work() == 1
    assert (enabled.states(), shop.requests) == (["held"], [])

    save(enabled=True)
    monkeypatch.setattr(enabled.controls, "read", lambda: read_as_it_is_switched(on_again=True))
    assert enabled.work() == 2
    assert (enabled.states(), len(enabled.attempts())) == (["delivered"], 1)


def test_a_receiver_that_answers_401_for_an_hour_gets_all_of_them_later(enabled: Relay, shop: Shop) -> None:
    shop.answer = reply("401 Unauthorized")
    expected = set()
    for minute in range(0, 60, 10):
        enabled.work_until(timedelta(minutes=minute))
        expected.add(enabled.receive())
    enabled.work_until(timedelta(hours=1))
    shop.answer = ACCEPTED
    before = len(shop.requests)
    enabled.work_until(timedelta(hours=4))

    assert enabled.states() == ["delivered"] * 6
    arrived = [request.headers["webhook-id"] for request in shop.requests[before:]]
    assert sorted(arrived) == sorted(expected)


def test_a_receiver_that_is_down_for_72_hours_gets_every_order(relay: Relay, shop: Shop) -> None:
    relay.controls.save(enabled=True, url=f"http://127.0.0.1:{free_port()}/orders")
    expected = set()
    for hour in range(0, 72, 6):
        relay.work_until(timedelta(hours=hour))
        expected.add(relay.receive())
    relay.work_until(timedelta(hours=72))
    assert set(relay.states()) == {"open"}
    with relay.kit.database.write() as session:
        session.execute(update(ControlRow).values(url=shop.server.url()))
    relay.work_until(timedelta(days=8))

    assert set(relay.states()) == {"delivered"}
    assert sorted(request.headers["webhook-id"] for request in shop.requests) == sorted(expected)
    assert relay.controls.read().failing_since is None


def test_five_days_of_nothing_but_failure_disable_the_control_and_hold_what_is_open(enabled: Relay, shop: Shop) -> None:
    shop.answer = reply("500 Internal Server Error")
    for day in range(6):
        enabled.work_until(timedelta(days=day))
        enabled.receive()
        enabled.work()

    control = enabled.controls.read()
    assert (control.enabled, control.disabled_because) == (False, "No order was accepted for 5 days.")
    assert control.failing_since == START
    assert enabled.states() == ["failed"] * 2 + ["held"] * 4
    shop.answer = ACCEPTED
    enabled.controls.save(enabled=True)
    enabled.work()
    assert set(enabled.states()) == {"failed", "delivered"}


def test_one_success_between_ends_the_count_of_failing_days(enabled: Relay, shop: Shop) -> None:
    for day in range(8):
        shop.answer = ACCEPTED if day == 3 else reply("500 Internal Server Error")
        enabled.work_until(timedelta(days=day))
        enabled.receive()
        enabled.work()

    assert enabled.controls.read().enabled


def test_hiccups_days_apart_do_not_disable_the_control(enabled: Relay, shop: Shop) -> None:
    for day in (0, 6, 12):
        enabled.work_until(timedelta(days=day))
        shop.answer = reply("503 Service Unavailable")
        enabled.receive()
        enabled.work()
        shop.answer = reply("422 Unprocessable")
        enabled.work_until(timedelta(days=day, minutes=1))
        assert enabled.controls.read().failing_since == START + timedelta(days=day)

    assert (enabled.controls.read().enabled, enabled.states()) == (True, ["failed"] * 3)


def test_a_receiver_that_refuses_an_order_for_what_it_is_does_not_fail(enabled: Relay, shop: Shop) -> None:
    shop.answer = reply("422 Unprocessable")
    enabled.receive()
    enabled.work()
    assert enabled.controls.read().failing_since is None


def test_a_test_that_arrives_ends_the_count_of_failing_days(enabled: Relay, shop: Shop) -> None:
    shop.answer = reply("500 Internal Server Error")
    enabled.receive()
    enabled.work()
    enabled.transmissions.send_test()
    assert enabled.controls.read().failing_since == START

    shop.answer = ACCEPTED
    enabled.transmissions.send_test()
    assert enabled.controls.read().failing_since is None


def test_an_event_that_is_recorded_already_is_left_alone(enabled: Relay, shop: Shop) -> None:
    enabled.receive(event_id="evt_1", order_id="A-1")
    enabled.work()
    enabled.receive(event_id="evt_1", order_id="A-2")

    assert enabled.work() == 0
    assert [(row.order_id, row.state) for row in enabled.rows()] == [("A-1", "delivered")]


def test_an_order_without_an_event_id_gets_one_made_of_its_ids(enabled: Relay, shop: Shop) -> None:
    first = enabled.receive(event_id=None, order_id="A-1")
    assert enabled.receive(event_id=None, order_id="A-1") == first
    assert enabled.receive(event_id=None, order_id="A-1", store_id="another") != first
    enabled.work()

    assert shop.requests[0].headers["webhook-id"] == first
    assert parse_qs(shop.requests[0].body.decode())["event_id"] == [first]


@pytest.mark.parametrize("kept", ["{}", "no json", '{"event_id": "evt.1", "order_id": "1"}'])
def test_an_order_that_cannot_be_encoded_or_signed_fails_with_words(enabled: Relay, shop: Shop, kept: str) -> None:
    enabled.receive()
    with enabled.kit.database.write() as session:
        session.execute(update(TransmissionRow).values(order=kept))
    enabled.work()

    assert (enabled.states(), shop.requests) == (["failed"], [])
    assert enabled.row().detail == "The order can't be encoded or signed as it was handed over."
    assert [attempt.kind for attempt in enabled.attempts()] == ["order"]


def test_what_nobody_foresaw_is_tried_again_by_the_schedule(
    enabled: Relay, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise MemoryError("with personal data")

    with monkeypatch.context() as patched:
        patched.setattr("receiver.relay.transmissions.post", broken)
        enabled.receive()
        assert enabled.work() == 1
    assert enabled.row().detail == "It couldn't be sent: MemoryError."
    enabled.work_until(timedelta(minutes=1))
    assert enabled.states() == ["delivered"]


def test_without_a_secret_that_can_be_read_nothing_is_sent_and_the_cause_is_said(enabled: Relay, shop: Shop) -> None:
    with enabled.kit.database.write() as session:
        session.execute(update(SecretRow).values(ciphertext="of another key"))
    enabled.receive()
    enabled.work()

    assert (enabled.states(), shop.requests) == (["open"], [])
    assert [attempt.kind for attempt in enabled.attempts()] == ["secret"]


def test_a_run_that_lost_its_lease_changes_nothing(enabled: Relay, shop: Shop) -> None:
    def taken_over(connection: Any) -> None:
        with enabled.kit.database.write() as session:
            session.execute(update(TransmissionRow).values(lease_token="another run"))
        ACCEPTED(connection)

    shop.answer = taken_over
    enabled.receive()
    assert enabled.transmissions.run_next()
    assert (enabled.states(), list(enabled.attempts())) == (["open"], [])


def test_a_test_order_is_attempted_once_and_counts_for_nothing(enabled: Relay, shop: Shop) -> None:
    shop.answer = reply("410 Gone")
    enabled.receive(test=True)
    enabled.work_until(timedelta(days=1))

    assert (enabled.states(), len(shop.requests)) == (["failed"], 1)
    control = enabled.controls.read()
    assert (control.enabled, control.failing_since) == (True, None)


# The test transmission


def test_the_test_sends_a_new_test_order_at_once_and_keeps_the_attempt(enabled: Relay, shop: Shop) -> None:
    first, second = [enabled.transmissions.send_test().event_id for _ in range(2)]

    assert [request.headers["webhook-id"] for request in shop.requests] == [first, second]
    fields = parse_qs(shop.requests[0].body.decode())
    assert (fields["test"], fields["event_id"]) == (["true"], [first])
    assert [(row.event_id, row.state, row.test) for row in enabled.rows()] == [
        (first, "delivered", True),
        (second, "delivered", True),
    ]
    assert [(attempt.number, attempt.status) for attempt in enabled.attempts()] == [(1, 202), (1, 202)]


def test_a_test_that_fails_is_never_retried_and_counts_for_nothing(enabled: Relay, shop: Shop) -> None:
    shop.answer = reply("500 Internal Server Error")
    enabled.transmissions.send_test()
    enabled.work_until(timedelta(days=1))

    assert (enabled.states(), len(shop.requests)) == (["failed"], 1)
    assert enabled.row().detail == "The receiver, or the proxy in front of it, failed (5xx)."
    assert enabled.controls.read().failing_since is None


def test_the_test_can_be_sent_while_the_control_is_disabled(enabled: Relay, shop: Shop) -> None:
    enabled.controls.save(enabled=False)
    enabled.transmissions.send_test()

    assert enabled.states() == ["delivered"]


def test_without_a_url_there_is_nothing_to_test(relay: Relay) -> None:
    with pytest.raises(ConfigurationError, match="No URL is saved yet"):
        relay.transmissions.send_test()
    assert relay.states() == []


def test_the_clock_is_the_machines_unless_another_is_given(enabled: Relay, shop: Shop) -> None:
    kit = enabled.kit
    job = Transmissions(kit.database, kit.leases, enabled.controls, enabled.transmissions._pool, forward_secret="")
    enabled.receive()
    enabled.now += timedelta(days=30000)

    assert job.run_next()
    assert not job.run_next()
