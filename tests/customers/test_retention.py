"""Nothing personal is kept for longer than RETENTION_DAYS, but what is not settled stays whole."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from flask import Flask
from sqlalchemy import select, update

from receiver.app.components import Kit
from receiver.customers.purging import Purged
from receiver.customers.retention import AGAIN
from receiver.errors import Unavailable
from receiver.mail import outbox
from receiver.mail.message import Draft
from receiver.storage.heartbeat import Heartbeat
from receiver.storage.models import AttemptRow, MailRow, OrderRow
from receiver.storage.relay_models import TransmissionRow
from receiver.storage.sqlite_database import SQLiteDatabase
from tests.commanding import Run, runner
from tests.served import Served, order_fields
from tests.storage.test_order_queries import store

NOW = datetime.now(UTC)
LONG_AGO = NOW - timedelta(days=366)


@pytest.fixture
def run(make_app: Callable[..., Flask]) -> Run:
    """Run a flask command on an app with these settings."""
    return runner(make_app)


@pytest.fixture
def shop(serve: Callable[..., Served]) -> Served:
    """Serve with jobs that run, and with a purge only where a test asks for it."""
    shop = serve()
    shop.kit.retention._next_at = math.inf
    Heartbeat(shop.kit.database, days=365).look()
    return shop


@pytest.fixture
def kit(kit: Kit) -> Kit:
    """Return the parts of an app whose clock is believed."""
    Heartbeat(kit.database, days=365).look()
    return kit


def purge(kit: Kit, now: datetime = NOW) -> Purged:
    return sum(kit.retention.purge(now), Purged())


def has_body(shop: Served) -> list[bool]:
    return [row.fields != "[]" and row.order is not None for row in shop.rows()]


def age(kit: Kit, *pks: int) -> None:
    """Make orders and their emails older than the default retention."""
    with kit.database.write() as session:
        session.execute(update(OrderRow).where(OrderRow.id.in_(pks)).values(received_at=LONG_AGO))
        session.execute(update(MailRow).where(MailRow.order_pk.in_(pks)).values(created_at=LONG_AGO))


def test_what_is_old_is_purged_and_what_is_not_stays(shop: Served) -> None:
    for _ in range(2):
        shop.post(order_fields())
        shop.settled()
    age(shop.kit, 1)

    assert purge(shop.kit) == Purged(orders=1, mails=2, files=2)

    assert has_body(shop) == [False, True]
    assert {mail.order_pk for mail in shop.rows(MailRow)} == {2}
    assert {row.detail is None for row in shop.rows(AttemptRow) if row.handler_pk <= 3} == {True}
    assert len(list((shop.kit.instance / "outbox").iterdir())) == 2
    assert purge(shop.kit) == Purged()


def test_the_line_of_a_purged_order_stays(shop: Served) -> None:
    shop.post(order_fields(order_id="A-1"))
    shop.settled()
    age(shop.kit, 1)
    purge(shop.kit)
    (row,) = shop.rows()
    assert (row.order_id, row.email, row.total, row.state) == ("A-1", "ada@shop.example", "19.99", "done")
    assert shop.post(order_fields(order_id="A-1")).content["status"] == "duplicate"


@pytest.mark.parametrize(
    ("state", "stays"),
    [("open", True), ("parked", True), ("done", False), ("failed", False), ("ignored", False), ("duplicate", False)],
)
def test_only_settled_orders_are_purged(kit: Kit, state: str, stays: bool) -> None:
    store(kit, 1, state=state, received_at=LONG_AGO, fields='[["order_id", "A-1"]]')
    assert purge(kit).orders == (0 if stays else 1)


def test_mails_of_orders_that_are_not_settled_and_mails_on_their_way_stay(shop: Served) -> None:
    for _ in range(2):
        shop.post(order_fields())
        shop.settled()
    age(shop.kit, 1, 2)
    with shop.kit.database.write() as session:
        session.execute(update(OrderRow).where(OrderRow.id == 1).values(state="parked"))
        session.execute(update(MailRow).where(MailRow.id == 4).values(state="open", due_at=NOW + timedelta(days=1)))
    assert purge(shop.kit).mails == 1
    assert [mail.id for mail in shop.rows(MailRow)] == [1, 2, 4]


@pytest.mark.parametrize(("state", "stays"), [("held", True), ("open", True), ("delivered", False), ("failed", False)])
def test_only_settled_transmissions_are_purged(kit: Kit, state: str, stays: bool) -> None:
    with kit.database.write() as session:
        values = {"event_id": "evt_1", "order_id": "T-1", "test": False, "order": "{}"}
        session.add(TransmissionRow(**values, created_at=LONG_AGO, state=state))
    assert purge(kit).transmissions == (0 if stays else 1)


def test_zero_days_keep_everything(make_app: Callable[..., Flask]) -> None:
    kit = make_app(RETENTION_DAYS=0).extensions["receiver"]
    store(kit, 1, received_at=LONG_AGO, fields='[["order_id", "A-1"]]')
    assert purge(kit) == Purged()


def test_accepts_go_on_between_batches(shop: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("receiver.customers.purging.BATCH", 2)
    for number in range(5):
        store(shop.kit, number, received_at=LONG_AGO, fields="[[]]")
    batches = shop.kit.retention.purge(NOW)
    assert next(batches) == Purged(orders=2)
    assert shop.post(order_fields()).status == 202
    assert sum(batches, Purged()).orders == 3


def test_the_upkeep_purges_once_a_day_a_batch_at_a_time(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("receiver.customers.purging.BATCH", 1)
    bodies = [0, 0, 0, 0]
    for number in range(2):
        store(kit, number, received_at=LONG_AGO, fields="[[]]")
    for turn in range(4):
        kit.retention.look()
        with kit.database.read() as session:
            bodies[turn] = session.query(OrderRow).where(OrderRow.fields != "[]").count()
        if turn == 2:
            store(kit, 3, received_at=LONG_AGO, fields="[[]]")
    assert bodies == [1, 0, 0, 1]


def test_a_mail_that_is_sent_again_meanwhile_or_just_now_stays(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    states = [("sent", None), ("sent", None), ("sent", now + timedelta(seconds=20))]
    with kit.database.write() as session:
        for number, (state, leased) in enumerate(states):
            message_id = f"<{number}@laden.de>"
            draft = Draft(message_id=message_id, recipient="a@b.de", subject="x", text="x")
            outbox.add(session, draft, now=LONG_AGO)
            session.flush()
            mine = update(MailRow).where(MailRow.message_id == message_id)
            session.execute(mine.values(state=state, lease_until=leased))
    find = kit.retention._old

    def found_and_then_sent_again(name: str, *rest: Any) -> Sequence[int]:
        found = find(name, *rest)
        with kit.database.write() as session:
            session.execute(update(MailRow).where(MailRow.message_id == "<1@laden.de>").values(state="open"))
        return found

    monkeypatch.setattr(kit.retention, "_old", found_and_then_sent_again)
    assert purge(kit).mails == 1
    with kit.database.read() as session:
        assert session.scalars(select(MailRow.message_id).order_by(MailRow.id)).all() == [
            "<1@laden.de>",
            "<2@laden.de>",
        ]


def test_a_purge_that_could_not_write_is_taken_up_again_later(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    store(kit, 1, received_at=LONG_AGO, fields="[[]]")
    with kit.database.write(), monkeypatch.context() as patch:
        patch.setattr(kit.database, "write", lambda: kit.database.begin_write(0))
        with pytest.raises(Unavailable):
            kit.retention.look()
    kit.retention.look()
    with kit.database.read() as session:
        assert session.scalars(select(OrderRow.fields)).all() == ["[[]]"]
    monkeypatch.setattr(kit.retention, "_next_at", kit.retention._next_at - AGAIN.total_seconds())
    kit.retention.look()
    assert purge(kit) == Purged()


def test_prune_says_what_it_took_away(shop: Served, run: Run) -> None:
    shop.post(order_fields())
    shop.settled()
    age(shop.kit, 1)
    result = run("prune")
    assert result.exit_code == 0
    assert result.stdout == (
        "Older than 365 days: emptied 1 orders; removed 2 emails, 2 outbox files and 0 transmissions.\n"
    )
    again = json.loads(run("prune", "--json").stdout)
    assert again == {"days": 365, "orders": 0, "mails": 0, "files": 0, "transmissions": 0}


def test_prune_says_when_nothing_is_ever_purged(run: Run) -> None:
    assert run("prune", RETENTION_DAYS=0).stdout == "RETENTION_DAYS is 0: everything is kept.\n"


@pytest.mark.sqlite
def test_the_outbox_folder_is_listed_before_and_after_but_never_while_others_wait_to_write(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 100,000 files each listing takes a tenth of a second."""
    monkeypatch.setattr("receiver.customers.purging.BATCH", 1)
    listed: list[bool] = []
    list_files = kit.transport.files

    def note() -> dict[str, list[Path]]:
        listed.append(cast("SQLiteDatabase", kit.database)._lock._mutex.locked())
        return list_files()

    monkeypatch.setattr(kit.transport, "files", note)
    folder = kit.instance / "outbox"
    folder.mkdir(exist_ok=True)
    with kit.database.write() as session:
        for number in range(3):
            draft = Draft(message_id=f"<{number}@laden.de>", recipient="a@b.de", subject="x", text="x")
            outbox.add(session, draft, now=LONG_AGO)
            (folder / f"20260101T000000.000000Z-{number}@laden.de.eml").touch()
        session.execute(update(MailRow).values(state="sent"))
    batches = kit.retention.purge(NOW)
    assert next(batches) == Purged(mails=1, files=1)
    (folder / "20260102T000000.000000Z-0@laden.de.eml").touch()  # sent again just before it was removed

    assert sum(batches, Purged()) == Purged(mails=2, files=3)
    assert listed == [False, False]
