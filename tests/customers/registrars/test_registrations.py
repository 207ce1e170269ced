"""Registrations: one job for each customer, which the newest data win, retried by schedule and never two at a time."""

from __future__ import annotations

import html
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import delete, select, update

from receiver.app.components import Kit
from receiver.customers import privacy, records
from receiver.customers.registrars import Fields, NotRegistered, Value, customer_fields, registrations
from receiver.customers.registrars.registrations import Registrations
from receiver.errors import ConfigurationError
from receiver.orders import Address, Customer, Order
from receiver.storage.account_models import RegistrationRow
from receiver.storage.models import CustomerRow
from tests.waiting import SOON

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Recorder:
    """A website that takes customers, and fails on request."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.fails_with: Exception | None = None
        self.during: Callable[[], object] = lambda: None

    def register(self, customer: Fields) -> str:
        self.told.append(dict(customer))
        self.during()
        if self.fails_with:
            raise self.fails_with
        return "taken"

    def check(self) -> str:
        return "there"


class Desk:
    """A kit whose registrations are run by hand."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.website = Recorder()
        self.jobs = Registrations(kit.database, kit.leases, self.website, schedule=[60, 300])

    def order(self, *, age: int = 0, want: bool = True, **customer: Any) -> bool:
        """Take an order of a customer, so many days older than the others."""
        known = {"email": "zoe@kunde.de", **customer}
        order = Order(order_id="A-1", order_date=NOW - timedelta(days=age), customer=Customer(**known))
        with self.kit.database.write() as session:
            row, _ = records.apply_order(session, order, now=NOW)
            return want and registrations.want(session, row, now=datetime.now(UTC))

    def row(self) -> RegistrationRow:
        with self.kit.database.read() as session:
            return session.scalars(select(RegistrationRow)).one()

    def make_due(self) -> None:
        with self.kit.database.write() as session:
            session.execute(update(RegistrationRow).values(due_at=NOW))


@pytest.fixture
def desk(kit: Kit) -> Desk:
    return Desk(kit)


def test_a_customer_asked_for_is_registered_once(desk: Desk) -> None:
    assert desk.order(first_name="Zoë")
    assert desk.jobs.is_due()
    assert desk.jobs.run_next()
    assert not desk.jobs.run_next()

    assert [told["first_name"] for told in desk.website.told] == ["Zoë"]
    row = desk.row()
    assert (row.state, row.detail, row.attempts, row.due_at, row.lease_token) == ("done", "taken", 1, None, None)


def test_a_website_that_has_these_very_data_gets_them_once(desk: Desk) -> None:
    desk.order(first_name="Zoë")
    desk.jobs.run_next()

    assert not desk.order(first_name="Zoë")
    assert desk.order(first_name="Zoe", phone="1")
    assert desk.jobs.run_next()
    assert desk.website.told[-1]["phone"] == "1"


def test_many_orders_make_one_job_with_the_newest_data(desk: Desk) -> None:
    for number in range(5):
        desk.order(phone=str(number))

    assert desk.jobs.run_next()
    assert [told["phone"] for told in desk.website.told] == ["4"]


def test_data_that_come_in_during_a_run_are_reported_by_another(desk: Desk) -> None:
    desk.order(phone="old")
    desk.website.during = lambda: desk.order(phone="new") if len(desk.website.told) == 1 else None
    desk.jobs.run_next()
    between = desk.row()
    desk.jobs.run_next()

    assert (between.state, between.attempts) == ("open", 0)
    assert [told["phone"] for told in desk.website.told] == ["old", "new"]
    assert desk.row().state == "done"


def test_two_wishes_in_one_millisecond_are_reported_apart(desk: Desk) -> None:
    desk.order(want=False)
    with desk.kit.database.write() as session:
        customer = session.scalars(select(CustomerRow)).one()
        registrations.want(session, customer, now=NOW)
    first = desk.row().wanted_at
    with desk.kit.database.write() as session:
        registrations.want(session, session.scalars(select(CustomerRow)).one(), now=NOW - timedelta(seconds=1))

    assert desk.row().wanted_at > first


def test_one_customers_runs_never_overlap(desk: Desk) -> None:
    desk.order(phone="1")
    inside, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        inside.set()
        assert go_on.wait(SOON)

    desk.website.during = wait
    thread = threading.Thread(target=desk.jobs.run_next)
    thread.start()
    assert inside.wait(SOON)
    desk.order(phone="2")

    assert not desk.jobs.is_due()
    assert not desk.jobs.run_next()
    go_on.set()
    thread.join()
    assert desk.jobs.is_due()


def test_a_failure_is_tried_again_by_schedule_and_then_given_up(desk: Desk) -> None:
    desk.website.fails_with = NotRegistered("The website answered 503.")
    desk.order()
    for wait in (timedelta(seconds=60), timedelta(seconds=300)):
        desk.make_due()
        began = datetime.now(UTC)
        assert desk.jobs.run_next()
        due_at = desk.row().due_at
        assert due_at is not None
        assert began - timedelta(seconds=1) <= due_at - wait <= datetime.now(UTC)
    desk.make_due()
    assert desk.jobs.run_next()

    row = desk.row()
    assert (row.state, row.attempts, row.detail) == ("failed", 3, "The website answered 503.")
    assert row.due_at is None
    assert not desk.jobs.run_next()


def test_a_new_order_starts_a_failed_one_again(desk: Desk) -> None:
    desk.website.fails_with = NotRegistered("no")
    desk.order()
    for _ in range(3):
        desk.make_due()
        desk.jobs.run_next()
    desk.website.fails_with = None

    assert desk.order()
    desk.jobs.run_next()
    assert desk.row().state == "done"


def test_what_nobody_foresaw_is_tried_again_too_without_its_words(desk: Desk) -> None:
    desk.website.fails_with = ZeroDivisionError("zoe@kunde.de")
    desk.order()
    desk.jobs.run_next()

    assert (desk.row().state, desk.row().detail) == ("open", "It could not be carried out: ZeroDivisionError.")


def test_long_words_are_cut(desk: Desk) -> None:
    desk.website.fails_with = NotRegistered("x" * 9999)
    desk.order()
    desk.jobs.run_next()

    assert len(desk.row().detail or "") == 500


def test_a_customer_who_is_being_registered_is_erased_afterwards(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.order()
    privacy.erase(desk.kit.database, desk.kit.transport, "zoe@kunde.de", secret_key=desk.kit.secret_key)
    assert not desk.jobs.run_next()

    desk.order()
    desk.website.during = lambda: privacy.erase(
        desk.kit.database, desk.kit.transport, "zoe@kunde.de", secret_key=desk.kit.secret_key
    )
    assert desk.jobs.run_next()
    with desk.kit.database.read() as session:
        assert session.scalars(select(CustomerRow.email)).all() == ["zoe@kunde.de"], "to be erased there too"
    desk.website.during()
    with desk.kit.database.read() as session:
        assert session.scalars(select(RegistrationRow)).all() == []


def test_a_customer_erased_between_claim_and_reading_is_left_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.order()
    run = desk.jobs.run

    def run_after_erasure(job: RegistrationRow) -> None:
        with desk.kit.database.write() as session:
            session.execute(delete(CustomerRow))
        run(job)

    monkeypatch.setattr(desk.jobs, "run", run_after_erasure)
    assert desk.jobs.run_next()
    assert desk.website.told == []


def test_what_the_website_says_of_a_customer_is_kept_without_their_values(desk: Desk) -> None:
    """It's shown by `flask doctor`, where nobody looks for people."""
    desk.website.fails_with = NotRegistered("Key (email)=(ZOE@kunde.de) of Zoë Müller is taken; müllerei isn't; DE.")
    desk.order(first_name="Zoë", last_name="Müller")
    desk.jobs.run_next()
    assert desk.row().detail == "Key (email)=([email]) of [name] is taken; müllerei isn't; DE."


@pytest.mark.parametrize("repeat", [json.dumps, quote, html.escape])
def test_nor_with_values_as_a_website_escapes_them(desk: Desk, repeat: Callable[[str], str]) -> None:
    desk.website.fails_with = NotRegistered(f"Unknown: {repeat('Zoë')}, {repeat('Müller & Söhne')}")
    desk.order(first_name="Zoë", last_name="Müller & Söhne")
    desk.jobs.run_next()
    assert "ller" not in (desk.row().detail or "")
    assert "hne" not in (desk.row().detail or "")


@pytest.mark.parametrize(
    "respelled", ["+49305550100", "0049 (30) 555-0100", "030/5550100", "%2B49%2030%205550100", "409 0305550100 1"]
)
def test_nor_with_a_telephone_number_as_a_website_spells_it(desk: Desk, respelled: str) -> None:
    desk.website.fails_with = NotRegistered(f'Order 20261130: "{respelled}" is taken')
    desk.order(phone="+49 30 555 0100")
    desk.jobs.run_next()
    assert desk.row().detail == 'Order 20261130: "[phone]" is taken'


def test_without_a_registrar_nothing_is_due(desk: Desk) -> None:
    desk.order()
    idle = Registrations(desk.kit.database, desk.kit.leases, None, schedule=[])

    assert not idle.is_due()
    assert not idle.run_next()


def test_one_customer_is_registered_again_on_request(desk: Desk) -> None:
    desk.order()
    desk.jobs.run_next()
    with desk.kit.database.write() as session:
        registrations.ask(session, " ZOE@kunde.de", now=datetime.now(UTC))

    assert desk.jobs.run_next()
    assert len(desk.website.told) == 2


def test_nobody_unknown_is_asked_for(desk: Desk) -> None:
    with desk.kit.database.write() as session, pytest.raises(ConfigurationError, match="There is no customer a@b"):
        registrations.ask(session, "a@b", now=NOW)


def test_all_who_are_missing_are_asked_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("receiver.customers.purging.BATCH", 2)
    for number in range(5):
        desk.order(email=f"{number}@kunde.de", want=number == 0)
    desk.jobs.run_next()

    assert registrations.ask_all(desk.kit.database, now=datetime.now(UTC)) == 4
    while desk.jobs.run_next():
        pass
    assert sorted(told["email"] for told in desk.website.told) == [f"{number}@kunde.de" for number in range(5)]
    assert registrations.ask_all(desk.kit.database, now=datetime.now(UTC)) == 0


def test_what_is_open_and_failed_is_counted(desk: Desk) -> None:
    desk.website.fails_with = NotRegistered("no")
    desk.jobs = Registrations(desk.kit.database, desk.kit.leases, desk.website, schedule=[])
    desk.order(email="a@kunde.de")
    desk.jobs.run_next()
    desk.order(email="b@kunde.de")
    with desk.kit.database.read() as session:
        newest = registrations.newest_failed(session)
        assert registrations.counts(session) == {"failed": 1, "open": 1}
        assert newest is not None
        assert registrations.of_customer(session, newest.customer_pk) is newest


def test_of_each_kind_of_address_the_one_used_last_is_reported(desk: Desk) -> None:
    berlin, krakow = Address(name="Zoë", city="Berlin"), Address(city="Kraków")
    for number, address in enumerate((berlin, krakow, berlin)):
        day = NOW + timedelta(days=number)
        order = Order(order_id="A-1", order_date=day, customer=Customer(email="zoe@kunde.de"), billing=address)
        with desk.kit.database.write() as session:
            row, _ = records.apply_order(session, order, now=NOW)
            told = customer_fields.read(session, row)

    assert (told["billing.city"], told["shipping.city"], told["name"]) == ("Berlin", None, "Zoë")
    assert set(told) == set(customer_fields.NAMES) - {"unusable_password"}


def test_the_digest_tells_data_apart(desk: Desk) -> None:
    one: dict[str, Value] = {"email": "a", "registered_at": NOW}
    assert customer_fields.fields_digest(one) == customer_fields.fields_digest(dict(one))
    assert customer_fields.fields_digest(one) != customer_fields.fields_digest(one | {"email": "b"})
