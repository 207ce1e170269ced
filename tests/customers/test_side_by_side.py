"""Orders of one customer that several processes work on at once: the newest data win, and the website gets them."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from receiver.app.components import Kit
from receiver.customers import records
from receiver.customers.registrars import Fields, registrations
from receiver.customers.registrars.registrations import Registrations
from receiver.orders import Customer, Order
from receiver.storage.account_models import RegistrationRow
from receiver.storage.database import Beside, session_on
from receiver.storage.models import CustomerRow
from receiver.storage.transactions import WriteTransaction
from tests.stores import wait_until_locked_out

pytestmark = pytest.mark.postgresql  # SQLite has one writer
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def apply(session: Session, phone: str, *, age: timedelta = timedelta(0)) -> CustomerRow:
    """Apply an order of the only customer; its changes are written at the end of the session."""
    order = Order(order_id="A-1", order_date=NOW - age, customer=Customer(email="zoe@kunde.de", phone=phone))
    return records.apply_order(session, order, now=NOW)[0]


def begin(kit: Kit, phone: str) -> WriteTransaction:
    """Write an order of the customer, and that they're to be registered, without committing it."""
    transaction = kit.database.begin_write(beside=Beside.SMALL_WRITES)
    with session_on(transaction.connection) as session:
        registrations.want(session, apply(session, phone), now=NOW)
    return transaction


def test_an_older_order_at_the_same_moment_changes_nothing_of_a_newer_one(kit: Kit) -> None:
    with kit.database.write() as session:
        apply(session, "first", age=timedelta(days=1))
    older = kit.database.begin_write(beside=Beside.SMALL_WRITES)
    with ThreadPoolExecutor() as pool, closing(older):
        with session_on(older.connection) as session:
            apply(session, "older", age=timedelta(hours=1))
            newer = pool.submit(lambda: begin(kit, "newer").commit())
            wait_until_locked_out(kit.database, newer)
        older.commit()
        newer.result()

    with kit.database.read() as session:
        customer = session.scalars(select(CustomerRow)).one()
    assert (customer.phone, customer.applied_order_date) == ("newer", NOW)


class Website:
    """A website that's slow: before it answers, the customer orders once more."""

    def __init__(self, kit: Kit, pool: ThreadPoolExecutor) -> None:
        self.kit = kit
        self.pool = pool
        self.committed: Future[None] | None = None

    def register(self, _customer: Fields) -> str:
        order = begin(self.kit, "newer")
        self.committed = self.pool.submit(self._commit, order)
        return "taken"

    def _commit(self, order: WriteTransaction) -> None:
        with closing(order):
            wait_until_locked_out(self.kit.database)
            order.commit()

    def check(self) -> str:
        return "there"


def test_data_that_come_while_a_registration_is_written_down_are_registered_too(kit: Kit) -> None:
    begin(kit, "first").commit()
    with ThreadPoolExecutor() as pool:
        website = Website(kit, pool)
        assert Registrations(kit.database, kit.leases, website, schedule=[60]).run_next()
        assert website.committed is not None
        website.committed.result()

    with kit.database.read() as session:
        assert session.scalars(select(RegistrationRow.state)).one() == "open"
