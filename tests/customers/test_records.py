"""Customers: one row for each normalised email, and what an order may and may not change of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from receiver.app.components import Kit
from receiver.customers import records
from receiver.customers.registrars import customer_fields
from receiver.orders import Address, Customer, Order
from receiver.orders.email_addresses import normalised
from receiver.storage import pages
from receiver.storage.models import AddressRow, CustomerRow
from tests.served import Served, order_fields

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
BERLIN = Address(name="Zoë Müller", line1="Oranienstraße 14", city="Berlin", country="DE")
KRAKOW = Address(name="Jan Łukasz", line1="ul. Świętego Jana 7", city="Kraków", country="PL")


def an_order(*, age: timedelta = timedelta(0), locale: str | None = None, **customer: Any) -> Order:
    """Make an order of a customer, so much older than the others."""
    known = {"email": "zoe@kunde.de"} | customer
    return Order(order_id="A-1", order_date=NOW - age, locale=locale, customer=Customer(**known))


def shipped(*, billing: Address | None = None, shipping: Address | None = None, **customer: Any) -> Order:
    return an_order(**customer).model_copy(update={"billing": billing, "shipping": shipping})


def register(kit: Kit, order: Order, *, now: datetime = NOW) -> bool:
    """Apply an order and tell whether the customer is new."""
    with kit.database.write() as session:
        return records.apply_order(session, order, now=now)[1]


def known(kit: Kit) -> CustomerRow:
    """Return the only customer there is."""
    with kit.database.read() as session:
        return session.scalars(select(CustomerRow)).one()


def test_consent_is_kept_with_its_time_and_source(kit: Kit) -> None:
    register(kit, an_order(accepts_marketing=False))
    assert (known(kit).consent_at, known(kit).consent_source) == (None, None)
    register(kit, an_order(accepts_marketing=True))
    register(kit, an_order(age=timedelta(days=-1), accepts_marketing=True))
    assert (known(kit).consent_at, known(kit).consent_source) == (NOW, "order A-1")


def test_consent_that_was_taken_away_is_given_by_a_later_order_only(kit: Kit) -> None:
    register(kit, an_order(accepts_marketing=True))
    with kit.database.write() as session:
        row = session.scalars(select(CustomerRow)).one()
        records.set_consent(row, is_given=False, at=NOW + timedelta(hours=1), source="merchant")
    register(kit, an_order(accepts_marketing=True))
    assert (known(kit).accepts_marketing, known(kit).consent_source) == (False, "merchant")
    register(kit, an_order(age=timedelta(hours=-2), accepts_marketing=True))
    assert (known(kit).accepts_marketing, known(kit).consent_source) == (True, "order A-1")


def addresses(kit: Kit) -> list[AddressRow]:
    with kit.database.read() as session:
        return list(session.scalars(select(AddressRow).order_by(AddressRow.id)))


def claim(kit: Kit) -> None:
    """Mark the account as claimed by the customer."""
    with kit.database.write() as session:
        session.execute(update(CustomerRow).values(claimed_at=NOW))


def test_the_first_order_registers_the_customer_with_all_details(kit: Kit) -> None:
    details: dict[str, Any] = {
        "first_name": "Zoë",
        "last_name": "Müller",
        "company": "Łukasz GmbH",
        "phone": "+49 30 5550142",
    }

    assert register(kit, an_order(locale="de-DE", **details))
    row = known(kit)
    assert {name: getattr(row, name) for name in details} == details
    assert (row.email, row.locale, row.registered_at, row.applied_order_date) == ("zoe@kunde.de", "de-DE", NOW, NOW)
    assert (row.accepts_marketing, row.claimed_at) == (False, None)


@pytest.mark.parametrize(
    "spelling",
    ["zoe@kunde.de", "ZOE@Kunde.DE", "  zoe@kunde.de\n", "Zoe@kunde.de"],
    ids=["same", "case", "space", "one"],
)
def test_every_spelling_of_an_address_is_the_same_customer(kit: Kit, spelling: str) -> None:
    register(kit, an_order())

    assert not register(kit, an_order().model_copy(update={"customer": Customer.model_construct(email=spelling)}))
    assert known(kit).email == "zoe@kunde.de"


def test_composed_and_decomposed_letters_are_the_same_customer() -> None:
    assert normalised("zoe\u0308@kunde.de") == normalised("zo\u00eb@kunde.de") == "zo\u00eb@kunde.de"


def test_both_spellings_of_a_domain_are_one_customer(shop: Served) -> None:
    for domain in ("my-umlaut-dom\u00e4in.example", "XN--my-umlaut-domin-dlb.example"):
        shop.post(order_fields(customer_email=f"someone@{domain}"))
    shop.settled()
    assert {row.email for row in shop.rows()} == {"someone@my-umlaut-dom\u00e4in.example"}
    assert len(shop.rows(CustomerRow)) == 1


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("a@xn--bcher-KVA.example", "a@b\u00fccher.example"),
        ("a@xn--zz.example", "a@xn--zz.example"),
        ("a@xn--a.example", "a@xn--a.example"),
        ("a@b\u00fcch", "a@b\u00fcch"),
        ("xn--b\u00fc", "xn--b\u00fc"),
        ("a@xn--\u00fc.example", "a@xn--\u00fc.example"),
        ("a@stra\u00dfe.example", "a@stra\u00dfe.example"),
        ("a@xn--strae-oqa.example", "a@stra\u00dfe.example"),
        ("a@strasse.example", "a@strasse.example"),
        ("A" * 300 + "@B.example", "a" * 300 + "@b.example"),
    ],
)
def test_only_a_domain_that_is_surely_the_same_is_spelled_so(address: str, key: str) -> None:
    assert normalised(address) == key


def test_other_addresses_are_other_customers(kit: Kit) -> None:
    assert register(kit, an_order(email="zoe@kunde.de"))
    assert register(kit, an_order(email="zoe+shop@kunde.de"))


def test_a_newer_order_brings_details_up_to_date_and_empties_none(kit: Kit) -> None:
    register(kit, an_order(age=timedelta(days=1), first_name="Zoe", last_name="Müller", locale="de"))
    register(kit, an_order(first_name="Zoë", last_name="", phone="1", locale="en"))

    row = known(kit)
    assert (row.first_name, row.last_name, row.phone, row.locale) == ("Zoë", "Müller", "1", "en")
    assert row.applied_order_date == NOW


def test_an_older_order_fills_empty_fields_only(kit: Kit) -> None:
    """Orders come in in any order, and a replayed one may be months old."""
    register(kit, an_order(first_name="Zoë"))
    register(kit, an_order(age=timedelta(days=90), first_name="Zoe", last_name="Mädchenname", locale="de"))

    row = known(kit)
    assert (row.first_name, row.last_name, row.locale) == ("Zoë", "Mädchenname", "de")
    assert row.applied_order_date == NOW


def test_the_outcome_is_the_same_whichever_of_two_orders_comes_first(make_app: Callable[..., Flask]) -> None:
    newer = an_order(first_name="Zoë", phone="1")
    older = an_order(age=timedelta(days=1), first_name="Zoe", last_name="Müller")
    outcomes = []
    for orders in ([newer, older], [older, newer]):
        kit: Kit = make_app().extensions["receiver"]
        for order in orders:
            register(kit, order)
        row = known(kit)
        outcomes.append((row.first_name, row.last_name, row.phone, row.applied_order_date))
        with kit.database.write() as session:
            session.delete(session.get_one(CustomerRow, row.id))

    assert outcomes == [("Zoë", "Müller", "1", NOW)] * 2


def test_a_claimed_account_is_changed_by_no_order_but_gets_its_address(kit: Kit) -> None:
    register(kit, an_order(age=timedelta(days=1), first_name="Zoë"))
    claim(kit)
    register(kit, shipped(shipping=BERLIN, first_name="Eve", last_name="Mallory", accepts_marketing=True))

    row = known(kit)
    assert (row.first_name, row.last_name, row.accepts_marketing) == ("Zoë", None, False)
    assert row.applied_order_date == NOW - timedelta(days=1)
    assert [address.city for address in addresses(kit)] == ["Berlin"]


@pytest.mark.parametrize(("first", "second"), [(None, True), (False, True), (True, None), (True, False), (True, True)])
def test_consent_is_given_by_an_order_and_never_taken_away_by_one(
    kit: Kit, first: bool | None, second: bool | None
) -> None:
    register(kit, an_order(accepts_marketing=first))
    assert known(kit).accepts_marketing is (first is True)
    register(kit, an_order(accepts_marketing=second))

    assert known(kit).accepts_marketing is True


def test_an_order_without_consent_gives_none(kit: Kit) -> None:
    register(kit, an_order(accepts_marketing=False))
    register(kit, an_order(accepts_marketing=None))

    assert known(kit).accepts_marketing is False


def test_each_address_stands_once_for_each_use(kit: Kit) -> None:
    register(kit, shipped(billing=BERLIN, shipping=BERLIN))
    register(kit, shipped(billing=BERLIN, shipping=KRAKOW))
    register(kit, shipped(shipping=KRAKOW))

    rows = addresses(kit)
    assert [(row.kind, row.city) for row in rows] == [
        ("billing", "Berlin"),
        ("shipping", "Berlin"),
        ("shipping", "Kraków"),
    ]
    assert rows[0].digest == rows[1].digest != rows[2].digest
    assert (rows[2].name, rows[2].line1, rows[2].country) == ("Jan Łukasz", "ul. Świętego Jana 7", "PL")
    assert rows[2].customer_pk == known(kit).id


@pytest.mark.parametrize("part", list(Address.model_fields))
def test_addresses_that_differ_in_any_part_are_two(kit: Kit, part: str) -> None:
    other = BERLIN.model_copy(update={part: "AT" if part == "country" else "other"})
    register(kit, shipped(shipping=BERLIN))
    register(kit, shipped(shipping=other))

    assert len({row.digest for row in addresses(kit)}) == 2


@pytest.mark.parametrize("ages", [(1, 0), (0, 1)], ids=["in order", "the older one late"])
def test_an_address_used_again_notes_the_newest_order(kit: Kit, ages: tuple[int, int]) -> None:
    for age in ages:
        register(kit, shipped(shipping=BERLIN, age=timedelta(days=age)))

    (row,) = addresses(kit)
    assert row.used_at == NOW


def test_the_address_of_an_older_order_that_comes_late_is_not_the_one_used_last(kit: Kit) -> None:
    register(kit, shipped(shipping=BERLIN))
    register(kit, shipped(shipping=KRAKOW, age=timedelta(days=300)), now=NOW + timedelta(days=1))

    with kit.database.read() as session:
        assert customer_fields.read(session, known(kit))["shipping.city"] == "Berlin"


def test_two_customers_may_share_an_address(kit: Kit) -> None:
    register(kit, shipped(shipping=BERLIN))
    register(kit, shipped(shipping=BERLIN, email="jan@kunde.de"))

    assert len({row.customer_pk for row in addresses(kit)}) == 2


def test_twenty_parallel_orders_make_one_customer(make_app: Callable[..., Flask]) -> None:
    """Two apps on one file stand for two processes: their write locks are different objects."""
    kits: list[Kit] = [make_app().extensions["receiver"] for _ in range(2)]
    start = threading.Barrier(20)

    def order(number: int) -> bool:
        start.wait()
        return register(kits[number % 2], shipped(shipping=BERLIN, email=("zoe@kunde.de", "Zoe@Kunde.de")[number % 2]))

    with ThreadPoolExecutor(20) as pool:
        new = list(pool.map(order, range(20)))

    assert new.count(True) == 1
    assert known(kits[0]).email == "zoe@kunde.de"
    assert len(addresses(kits[0])) == 1


def test_the_listing_counts_completed_orders_newest_customer_first(shop: Served) -> None:
    shop.post(order_fields(customer_email="jan@shop.example", customer_first_name="Jan", customer_last_name="Łukasz"))
    shop.settled()
    for fields in (
        {},
        {"customer_email": "ADA@shop.example"},
        {"payment_status": "unpaid"},
        {"test": "true"},
        {"total": "none"},
    ):
        shop.post(order_fields(**fields))
        shop.settled()
    claim(shop.kit)

    with shop.kit.database.read() as session:
        listed = records.listing(session)
    assert [(row["email"], row["orders"]) for row in listed] == [("ada@shop.example", 2), ("jan@shop.example", 1)]
    registered_at = listed[1].pop("registered_at")
    assert datetime.fromisoformat(registered_at).tzinfo is not None
    assert listed[1] == {
        "email": "jan@shop.example",
        "first_name": "Jan",
        "last_name": "Łukasz",
        "orders": 1,
        "claimed": True,
    }


def test_without_customers_the_listing_is_empty(kit: Kit) -> None:
    with kit.database.read() as session:
        assert records.listing(session) == []


def test_customers_are_found_by_the_beginning_of_their_e_mail(kit: Kit) -> None:
    for email in ("zoe@kunde.de", "ada@kunde.de", "zora@kunde.de"):
        register(kit, an_order(email=email))
    with kit.database.read() as session:
        found = [
            row.email for row in session.scalars(pages.newest(CustomerRow, pages.begins_with(CustomerRow.email, "zo")))
        ]
        older = [row.email for row in session.scalars(pages.newest(CustomerRow, before=2))]
    assert found == ["zora@kunde.de", "zoe@kunde.de"]
    assert older == ["zoe@kunde.de"]


def test_a_customers_orders_come_newest_first_without_tests(shop: Served) -> None:
    for number, changes in enumerate(({}, {"test": "true"}, {"customer_email": "bea@shop.example"}, {}), 1):
        shop.post(order_fields(order_id=f"A-{number}", **changes))
    shop.settled()
    with shop.kit.database.read() as session:
        ada = session.scalars(select(CustomerRow).where(CustomerRow.email == "ada@shop.example")).one()
        assert [row.order_id for row in records.orders_of(session, ada)] == ["A-4", "A-1"]
        assert records.order_counts(session, ada.email) == {"ada@shop.example": 2}
