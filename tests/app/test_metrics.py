"""The figures for Prometheus: what each counts, that they agree, and that they stay cheap and hold nobody's data."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import event

from receiver.app.components import Kit
from receiver.app.metrics import Metrics
from receiver.dispatch.handler_rows import NOT_ENDED
from receiver.errors import ReceiverError, SetUpPing, TooLarge, Unauthenticated
from receiver.storage.account_models import RegistrationRow
from receiver.storage.models import AttemptRow, CustomerRow, HandlerRow, OrderRow, QuarantineRow
from receiver.storage.processes import ProcessRow
from receiver.storage.relay_models import TransmissionRow
from tests.app.test_statistics import add, mail
from tests.served import SECRET, Served, order_fields
from tests.storage.test_order_queries import store
from tests.web.console.filling import BROKEN_HANDLER, fill

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
UNKNOWN = Unauthenticated("unknown_secret", "A secret that isn't known.")
#: What grows while two processes are asked one after the other.
AGES = "receiver_oldest_due_seconds"


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


def figures(kit: Kit) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(Metrics(kit))
    return registry


def value(kit: Kit, name: str, **labels: str) -> float | None:
    return figures(kit).get_sample_value(f"receiver_{name}", labels)


def values(kit: Kit, name: str, label: str) -> dict[str, float]:
    """Return the values of one metric by one label, without zeros."""
    found = {}
    for family in Metrics(kit).collect():
        if family.name == f"receiver_{name}":
            found = {sample.labels[label]: sample.value for sample in family.samples if sample.value}
    return found


def refuse(kit: Kit, error: ReceiverError, at: datetime, times: int = 1) -> None:
    keyring = kit.shared_secrets.keyring()
    for _ in range(times):
        kit.refusals.add(error, at=at, source="x", address=None, headers=[], fields=[], keyring=keyring)
    kit.refusals.flush()


def attempt(kit: Kit, order: int, state: str, at: datetime, **changes: Any) -> None:
    """Store a handler's result on an order, and the one attempt at it."""
    values = {"name": "mine", "milliseconds": 10, "detail": None} | changes
    detail = values.pop("detail")
    row = HandlerRow(order_pk=order, position=1, state=state, attempts=1, waiting_since=at, changed_at=at, **values)
    with kit.database.write() as session:
        session.add(row)
        session.flush()
        took = values["milliseconds"]
        session.add(
            AttemptRow(handler_pk=row.id, run=1, number=1, state=state, detail=detail, milliseconds=took, at=at)
        )


def test_deliveries_are_counted_by_what_became_of_them(kit: Kit, now: datetime) -> None:
    store(kit, 1, received_at=now, copies=3)
    store(kit, 2, received_at=now - 59 * MINUTE, state="failed", copies=1)
    store(kit, 3, received_at=now, decided="refunded")
    store(kit, 4, received_at=now, test=True, copies=5)
    store(kit, 5, received_at=now - 61 * MINUTE, decided="cancelled", copies=7)
    assert value(kit, "receipts_total") == 5
    assert values(kit, "deliveries_past_hour", "state") == {"done": 2, "failed": 1}
    assert value(kit, "deliveries_past_hour", state="parked") == 0
    assert value(kit, "copies_past_hour") == 4
    assert values(kit, "later_events_past_hour", "event") == {"refunded": 1}


def test_refusals_are_counted_by_reason_without_pings(kit: Kit, now: datetime) -> None:
    refuse(kit, UNKNOWN, now - 2 * HOUR)
    refuse(kit, UNKNOWN, now, times=2)
    refuse(kit, TooLarge("larger"), now)
    refuse(kit, SetUpPing("hello"), now)
    assert values(kit, "refusals_past_hour", "reason") == {"unknown_secret": 2, "too_large": 1}
    assert value(kit, "refusals_total") == 5


def test_the_counter_of_refusals_goes_on_while_old_ones_are_deleted(kit: Kit, now: datetime) -> None:
    refuse(kit, UNKNOWN, now, times=150)
    assert values(kit, "refusals_past_hour", "reason") == {"unknown_secret": 100}
    assert value(kit, "refusals_total") == 150


def test_emails_are_counted_by_state(kit: Kit, now: datetime) -> None:
    mail(kit, 1, at=now, state="sent", due_at=None)
    mail(kit, 2, at=now - 2 * HOUR, state="failed", due_at=None)
    mail(kit, 3, at=now - MINUTE)
    mail(kit, 4, at=now - MINUTE, due_at=now + HOUR)
    mail(kit, 5, at=now, state="sent", due_at=None, test=True)
    assert values(kit, "mails_past_hour", "state") == {"sent": 1, "open": 2}
    assert [value(kit, "jobs", kind="mails", state=state) for state in ("due", "later", "failed")] == [1, 1, 1]
    assert value(kit, "oldest_due_seconds", kind="mails") == pytest.approx(60, abs=30)


def test_jobs_of_each_kind_are_counted_by_state(make_app: Callable[..., Flask], now: datetime) -> None:
    api = {"url": "https://website.example/api/users", "body": {"email": "{email}"}}
    kit: Kit = make_app(REGISTRAR="http", registrar=api).extensions["receiver"]
    due, later = now - HOUR, now + HOUR
    for number, (state, at) in enumerate((("open", due), ("open", later), ("parked", None), ("done", None))):
        store(kit, number, state=state, due_at=at)
    sent = {"order_id": "A-1", "test": False, "order": "{}", "created_at": now}
    for number, (state, at) in enumerate((("open", due), ("failed", None), ("held", None), ("delivered", None))):
        add(kit, TransmissionRow(event_id=f"evt_{number}", state=state, due_at=at, **sent))
    for number, (state, at) in enumerate((("open", later), ("failed", None), ("done", None))):
        customer = {"email": f"{number}@shop.example", "accepts_marketing": False, "registered_at": now}
        add(kit, CustomerRow(id=number + 1, **customer))
        add(kit, RegistrationRow(customer_pk=number + 1, state=state, due_at=at, wanted_at=now, changed_at=now))
    add(kit, QuarantineRow(source="pay", digest="", sent="", received_at=now, state="open", due_at=due))
    counted = {
        (sample.labels["kind"], sample.labels["state"]): sample.value
        for family in Metrics(kit).collect()
        for sample in family.samples
        if family.name == "receiver_jobs" and sample.value
    }
    assert counted == {
        ("orders", "due"): 1,
        ("orders", "later"): 1,
        ("orders", "parked"): 1,
        ("transmissions", "due"): 1,
        ("transmissions", "failed"): 1,
        ("transmissions", "held"): 1,
        ("registrations", "later"): 1,
        ("registrations", "failed"): 1,
        ("quarantine", "due"): 1,
    }
    waits = values(kit, "oldest_due_seconds", "kind")
    assert {kind: round(seconds, -2) for kind, seconds in waits.items()} == dict.fromkeys(
        ("orders", "transmissions", "quarantine"), 3600
    )


def test_registrations_wait_for_nobody_without_a_website_to_register_with(kit: Kit, now: datetime) -> None:
    add(kit, CustomerRow(id=1, email="ada@shop.example", accepts_marketing=False, registered_at=now))
    add(kit, RegistrationRow(customer_pk=1, state="open", due_at=now - HOUR, wanted_at=now, changed_at=now))
    assert value(kit, "jobs", kind="registrations", state="due") is None
    assert value(kit, "oldest_due_seconds", kind="registrations") is None


def test_attempts_are_counted_and_timed_by_handler(kit: Kit, now: datetime) -> None:
    for number in range(1, 24):
        store(kit, number, test=number == 21)
    for number in range(1, 21):
        attempt(kit, number, "done", now, milliseconds=number * 100)
    attempt(kit, 21, "failed", now, milliseconds=90_000)  # a test order's
    attempt(kit, 22, "failed", now - 2 * HOUR, milliseconds=90_000)
    attempt(kit, 23, "retrying", now, milliseconds=0, detail=NOT_ENDED)
    attempt(kit, 1, "failed", now, name="yours", milliseconds=7)
    assert values(kit, "attempts_past_hour", "handler") == {"mine": 20, "yours": 1}
    times = [value(kit, "attempt_seconds", handler="mine", quantile=one) for one in ("0.5", "0.95", "1")]
    assert times == [1.0, 1.9, 2.0]
    assert value(kit, "attempt_seconds", handler="yours", quantile="0.5") == 0.007
    assert values(kit, "failed_handlers_past_hour", "handler") == {"yours": 1}


def test_processes_are_counted_with_those_that_work(make_app: Callable[..., Flask], now: datetime) -> None:
    of_both = {"started_at": now, "handlers": "[]", "files": "{}"}
    kits: list[Kit] = [make_app(EMBEDDED_WORKER=works).extensions["receiver"] for works in (True, False)]
    rows = (("a", "server", now), ("b", "server", now), ("c", "worker", now), ("d", "worker", now - HOUR))
    for number, (token, kind, seen) in enumerate(rows):
        add(kits[0], ProcessRow(token=token, place=f"machine {token}", pid=number, kind=kind, seen_at=seen, **of_both))
    for kit, working in zip(kits, (3, 1), strict=True):
        assert values(kit, "processes", "kind") == {"server": 2, "worker": 1}
        assert value(kit, "workers") == working


def test_a_server_that_serves_is_counted(serve: Callable[..., Served]) -> None:
    kit = serve().kit
    assert value(kit, "workers") == 0
    kit.presence.begin("server", [], dict)
    assert value(kit, "workers") == 1
    kit.presence.end()
    assert value(kit, "workers") == 0


def test_all_processes_give_the_same_figures(make_app: Callable[..., Flask], serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    for fields in (order_fields(order_id="A-1"), order_fields(order_id="A-1"), order_fields(order_status="pending")):
        shop.post(fields)
    shop.post(order_fields(), prove=False)
    shop.kit.refusals.flush()
    attempt(shop.kit, 1, "failed", datetime.now(UTC))
    other: Kit = make_app().extensions["receiver"]
    ours, theirs = (
        {family.name: family.samples for family in Metrics(kit).collect() if family.name != AGES}
        for kit in (shop.kit, other)
    )
    assert ours == theirs


def test_no_label_holds_what_somebody_sent(serve: Callable[..., Served], kit: Kit) -> None:
    (kit.instance / "handlers" / "tell_the_warehouse.py").write_text(BROKEN_HANDLER)
    shop = serve(RELAY_ALLOW_PRIVATE=True)
    fill(shop)
    shop.post(order_fields(), path="/orders/ada%20lovelace", prove=False)
    shop.post(order_fields(), headers={"X-Shared-Secret": "a secret of somebody else"})
    shop.kit.refusals.flush()
    found = {
        (name, one)
        for family in Metrics(shop.kit).collect()
        for sample in family.samples
        for name, one in sample.labels.items()
    }
    assert {name for name, _ in found} == {"state", "event", "reason", "kind", "handler", "quantile"}
    assert {one for name, one in found if name == "handler"} == {
        *("email_customer", "notify_merchant", "register_customer", "tell_the_warehouse")
    }
    assert {one for name, one in found if name == "reason"} == {"unknown_secret", "unknown_source"}
    text = generate_latest(figures(shop.kit)).decode().lower()
    assert [word for word in ("ada", "shop.example", "warehouse d", SECRET.lower()) if word in text] == []


@pytest.mark.sqlite
def test_older_rows_make_no_work(kit: Kit, now: datetime) -> None:
    """Every figure is read by an index, or from the newest rows alone."""
    small = _steps(kit)
    of_order = {"source": "x", "test": False, "encoding": "", "fields": "[]", "fields_digest": "", "notes": "[]"}
    with kit.database.write() as session:
        for number in range(1, 2_001):
            at = now - 2 * HOUR - number * MINUTE
            proof = {"proof": "", "fingerprint": "", "received_at": at, "state": "done"}
            session.add(OrderRow(id=number, key=str(number), **of_order, **proof))
            session.flush()
            done = {"state": "done", "attempts": 1, "waiting_since": at, "changed_at": at}
            session.add(HandlerRow(id=number, order_pk=number, name="mine", position=1, **done))
    assert _steps(kit) < small + 200


def _steps(kit: Kit) -> int:
    """Return about how many steps SQLite's virtual machine makes for all figures."""
    count, every = 0, 10

    def step() -> int:
        nonlocal count
        count += every
        return 0

    def prepare(connection: Any, *_: Any) -> None:
        connection.set_progress_handler(step, every)

    event.listen(kit.database.engine, "checkout", prepare)
    try:
        Metrics(kit).collect()
    finally:
        event.remove(kit.database.engine, "checkout", prepare)
    return count
