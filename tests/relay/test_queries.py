"""The list of transmissions: newest first, filtered, in pages; and sending some of them again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, inspect, select, text, update

from receiver.errors import ConfigurationError
from receiver.relay import queries
from receiver.storage.relay_models import TransmissionAttemptRow, TransmissionRow
from tests.hostile_servers import reply, serving
from tests.relay.relaying import START, Relay

URL = "https://shop.example/orders"


def put(relay: Relay, *states: str, test: bool = False) -> list[str]:
    """Put transmissions in these states into the database, received a minute apart; gives their events."""
    events = []
    for state in states:
        events.append(relay.receive(test=test))
        relay.now += timedelta(minutes=1)
        with relay.kit.database.write() as session:
            mine = update(TransmissionRow).where(TransmissionRow.event_id == events[-1])
            session.execute(mine.values(state=state, attempts=10, detail="The cause.", settled_at=START))
    return events


def listed(relay: Relay, state: str | None = None, before: int | None = None) -> list[str]:
    with relay.kit.database.read() as session:
        return [row.event_id for row in session.scalars(queries.newest(state=state, before=before))]


def test_the_list_is_newest_first_by_state_and_below_an_id(relay: Relay) -> None:
    first, second, third = put(relay, "failed", "delivered", "failed")

    assert listed(relay) == [third, second, first]
    assert listed(relay, "failed") == [third, first]
    assert listed(relay, before=3) == [second, first]
    assert listed(relay, "failed", before=3) == [first]
    assert listed(relay, "held") == []


def test_the_list_has_the_last_attempt_without_its_answer(relay: Relay) -> None:
    with serving(reply("500 Oops", b"x" * 9000)) as server:
        relay.controls.save(enabled=True, url=server.url())
        relay.receive()
        relay.work_until(timedelta(minutes=1))
    relay.receive()
    with relay.kit.database.read() as session:
        fresh, tried = session.scalars(queries.newest()).all()

    assert fresh.last_attempt is None
    assert tried.last_attempt is not None
    assert (tried.last_attempt.number, tried.last_attempt.status) == (2, 500)
    assert "body" in inspect(tried.last_attempt).unloaded
    assert queries.summary(tried) == {
        "event_id": tried.event_id,
        "order_id": tried.order_id,
        "state": "open",
        "test": False,
        "target": None,
        "attempts": 2,
        "status": 500,
        "detail": "The receiver, or the proxy in front of it, failed (5xx).",
        "created_at": START.isoformat(),
        "due_at": tried.due_at and tried.due_at.isoformat(),
    }
    assert queries.summary(fresh)["status"] is None


def test_one_is_found_whole_by_its_event_with_its_attempts_newest(relay: Relay) -> None:
    with serving(reply("500 Oops", b"the answer")) as server:
        relay.controls.save(enabled=True, url=server.url())
        event_id = relay.receive(order_id="A-7")
        relay.work_until(timedelta(minutes=1))
    with relay.kit.database.read() as session:
        row = queries.find(session, event_id)

    assert (row.order_id, [one.number for one in row.trail]) == ("A-7", [2, 1])
    assert row.trail[0].body == "the answer"
    with relay.kit.database.read() as session, pytest.raises(ConfigurationError, match="No transmission has the event"):
        queries.find(session, "evt_none")


def resend(relay: Relay, *event_ids: str) -> int:
    with relay.kit.database.write() as session:
        return queries.resend(session, event_ids, now=relay.now)


def test_resending_begins_a_whole_schedule_under_the_same_event(relay: Relay) -> None:
    relay.controls.save(enabled=True, url=URL)
    failed, delivered = put(relay, "failed", "delivered")

    assert resend(relay, failed, delivered) == 2
    for row in relay.rows():
        assert (row.state, row.due_at, row.attempts, row.detail, row.settled_at) == ("open", relay.now, 0, None, None)
    with serving(reply("202 Accepted")) as server:
        relay.controls.save(enabled=True, url=server.url())
        assert relay.work() == 2
        assert {request.headers["webhook-id"] for request in server.requests} == {failed, delivered}
    assert relay.states() == ["delivered"] * 2


def test_what_is_resent_while_the_control_is_disabled_is_held(relay: Relay) -> None:
    (failed,) = put(relay, "failed")

    assert resend(relay, failed) == 1
    assert (relay.row().state, relay.row().due_at) == ("held", None)


def test_one_that_is_on_its_way_is_left_alone_and_one_that_nobody_holds_is_not(relay: Relay) -> None:
    relay.controls.save(enabled=True, url=URL)
    (event_id,) = put(relay, "open")
    for seconds in (20, -7200):  # the clock says nothing of whether its sender lives
        until = relay.now + timedelta(seconds=seconds)
        with relay.kit.database.write() as session:
            session.execute(update(TransmissionRow).values(lease_token="a run", lease_until=until))
        assert resend(relay, event_id) == 0
    with relay.kit.database.write() as session:
        session.execute(update(TransmissionRow).values(lease_token=None, lease_until=None))
    assert resend(relay, event_id) == 1
    assert (relay.row().lease_token, relay.row().lease_until) == (None, None)


def test_a_test_and_what_is_not_there_are_not_resent(relay: Relay) -> None:
    (test,) = put(relay, "failed", test=True)

    assert resend(relay, test, "evt_none") == 0
    assert relay.states() == ["failed"]


def test_what_failed_in_a_range_is_counted_and_resent_its_end_left_out(relay: Relay) -> None:
    relay.controls.save(enabled=True, url=URL)
    put(relay, "failed", "failed", "delivered", "failed", "failed")
    put(relay, "failed", test=True)
    start, end = START + timedelta(minutes=1), START + timedelta(minutes=4)
    with relay.kit.database.write() as session:
        assert queries.failed_between(session, start, end) == 2
        assert queries.resend_failed(session, start, end, now=relay.now) == 2
        assert queries.failed_between(session, start, end) == 0

    assert relay.states() == ["failed", "open", "delivered", "open", "failed", "failed"]


@pytest.mark.sqlite
def test_a_page_of_ten_thousand_is_read_by_an_index(relay: Relay) -> None:
    """The plans say it on any machine: no table is walked, nothing is sorted."""
    row = {"test": False, "order": "{}", "created_at": START, "state": "delivered"}
    with relay.kit.database.write() as session:
        many = [{**row, "event_id": f"evt_{number}", "order_id": f"A-{number}"} for number in range(10_000)]
        session.execute(insert(TransmissionRow), many)
        session.execute(text("ANALYZE"))
        for statement in (
            queries.newest(before=9000).limit(50),
            queries.newest(state="failed").limit(50),
            select(TransmissionAttemptRow).where(TransmissionAttemptRow.transmission_pk.in_([1, 2])),
        ):
            compiled = statement.compile(session.get_bind(), compile_kwargs={"literal_binds": True})
            plan = " ".join(line[3] for line in session.execute(text(f"EXPLAIN QUERY PLAN {compiled}")))
            assert "SEARCH" in plan
            assert "TEMP B-TREE" not in plan
