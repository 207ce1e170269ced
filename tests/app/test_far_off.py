"""What was put off by a clock that was ahead is due now; what was put off for long by a right one is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from receiver.app.components import Kit
from receiver.app.doctor import diagnose
from receiver.app.far_off import FarOff, conditions, counts
from receiver.storage.account_models import RegistrationRow
from receiver.storage.jobs import LEASE
from receiver.storage.leases import Leases
from receiver.storage.models import CustomerRow, HandlerRow, MailRow, OrderRow
from receiver.storage.relay_models import TransmissionRow
from tests.served import Served, order_fields
from tests.storage.test_jobs import add_job
from tests.storage.test_order_queries import store

NOW = datetime.now(UTC).replace(microsecond=0)
YEAR, DAY, MINUTE = timedelta(days=365), timedelta(days=1), timedelta(minutes=1)
SCHEDULE = (60, 86_400)
MODELS: tuple[Any, ...] = OrderRow, MailRow, TransmissionRow, RegistrationRow


def look(kit: Kit, leases: Leases | None = None) -> None:
    FarOff(kit.database, leases or kit.leases, SCHEDULE, now=lambda: NOW).look()


def claim_all(kit: Kit) -> None:
    """Let a run of another process have claimed each, by a clock of that moment."""
    with kit.database.write() as session:
        for model in MODELS:
            session.execute(update(model).values(lease_token="a run", lease_until=NOW + YEAR))


def put_off(kit: Kit, due_at: datetime) -> None:
    """Put one job of each kind off, all by a clock of this moment."""
    store(kit, 1, state="open", received_at=NOW, due_at=due_at)
    add_job(kit, due_at=due_at)
    with kit.database.write() as session:
        values = {"event_id": "evt_1", "order_id": "T", "test": False, "order": "{}", "state": "open"}
        session.add(TransmissionRow(**values, created_at=NOW, due_at=due_at))
        session.add(CustomerRow(email="ada@shop.example", accepts_marketing=False, registered_at=NOW))
        session.flush()
        times = {"wanted_at": NOW, "changed_at": NOW, "due_at": due_at}
        session.add(RegistrationRow(customer_pk=1, state="open", **times))


def due(kit: Kit) -> list[datetime | None]:
    with kit.database.read() as session:
        return [session.query(model).one().due_at for model in MODELS]


def retrying(kit: Kit, name: str, *, due_at: datetime, changed_at: datetime) -> None:
    with kit.database.write() as session:
        values = {"order_pk": 1, "position": 1, "attempts": 1, "state": "retrying"}
        session.add(HandlerRow(**values, name=name, waiting_since=changed_at, due_at=due_at, changed_at=changed_at))


def handlers_due(kit: Kit) -> list[datetime | None]:
    with kit.database.read() as session:
        return [row.due_at for row in session.query(HandlerRow).order_by(HandlerRow.id)]


def test_jobs_that_a_clock_ahead_put_off_are_due_now(kit: Kit) -> None:
    put_off(kit, NOW + YEAR)
    look(kit)

    assert due(kit) == [NOW] * 4


def test_the_longest_wait_of_each_kind_is_kept(kit: Kit) -> None:
    put_off(kit, NOW + DAY)
    look(kit)

    assert due(kit) == [NOW + DAY] * 4


def test_what_is_being_worked_on_is_left_alone(kit: Kit) -> None:
    put_off(kit, NOW + YEAR)
    with kit.database.write() as session:
        session.execute(update(OrderRow).values(lease_token="a run", lease_until=NOW))
    look(kit)

    assert due(kit) == [NOW + YEAR, NOW, NOW, NOW]


def test_what_a_run_that_ended_had_claimed_is_due_now(kit: Kit) -> None:
    """Its lease stands for ever; it has ended once nobody renews it."""
    steady = [0.0]
    leases = Leases(kit.database, MODELS, steady=lambda: steady[0])
    put_off(kit, NOW + YEAR)
    claim_all(kit)
    leases.watch()
    look(kit, leases)
    assert due(kit) == [NOW + YEAR] * 4

    steady[0] += LEASE.total_seconds()
    leases.watch()
    look(kit, leases)
    assert due(kit) == [NOW] * 4


def test_a_handler_waits_as_long_as_it_asked_for(kit: Kit) -> None:
    """RetryLater may name any time."""
    store(kit, 1, state="open", received_at=NOW - DAY, due_at=NOW + 30 * DAY)
    retrying(kit, "asks", due_at=NOW + 30 * DAY, changed_at=NOW - DAY)
    look(kit)

    assert handlers_due(kit) == [NOW + 30 * DAY]
    with kit.database.read() as session:
        assert counts(session, conditions(SCHEDULE, NOW)) == {}


def test_a_handler_that_was_put_off_at_a_moment_to_come_is_due_now_and_no_other(kit: Kit) -> None:
    store(kit, 1, state="open", received_at=NOW - DAY, due_at=NOW + 30 * DAY)
    retrying(kit, "asks", due_at=NOW + 30 * DAY, changed_at=NOW - DAY)
    retrying(kit, "fails", due_at=NOW + YEAR + MINUTE, changed_at=NOW + YEAR)
    look(kit)

    assert handlers_due(kit) == [NOW + 30 * DAY, NOW]
    with kit.database.read() as session:
        assert session.query(OrderRow).one().due_at == NOW


def test_an_order_whose_handler_failed_while_the_clock_was_ahead_is_run(serve: Callable[..., Served]) -> None:
    shop = serve(HANDLERS=["register_customer"])
    shop.post(order_fields())
    shop.settled()
    ahead = datetime.now(UTC) + YEAR
    with shop.kit.database.write() as session:
        session.execute(update(OrderRow).values(state="open", due_at=ahead + MINUTE))
        times = {"due_at": ahead + MINUTE, "changed_at": ahead, "waiting_since": ahead}
        session.execute(update(HandlerRow).values(state="retrying", **times))
    FarOff(shop.kit.database, shop.kit.leases, SCHEDULE).look()

    assert [row.state for row in shop.settled()] == ["done"]
    assert set(shop.handler_states().values()) == {"done"}


@pytest.mark.parametrize("is_claimed", [False, True])
@pytest.mark.parametrize(("wait", "told"), [(YEAR, 4), (timedelta(hours=12), 0)])
def test_doctor_names_them(kit: Kit, wait: timedelta, told: int, is_claimed: bool) -> None:
    put_off(kit, NOW + wait)
    if is_claimed:
        claim_all(kit)
    found = [one.text for one in diagnose(kit) if "due later than any retry" in one.text]
    assert [text.split()[1] for text in found] == ["orders", "mails", "transmissions", "registrations"][:told]
