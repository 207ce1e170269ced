"""Why POSTs were refused: kept by name and size, never by value."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from receiver.app.components import Kit
from receiver.errors import CardDataRefused, ReceiverError, Unauthenticated, Unavailable, Undecodable, UnknownSource
from receiver.intake.refusals import counts_since, newest_of_each_reason
from receiver.orders import Fields
from receiver.security.keyring import Keyring
from receiver.storage.models import RefusalRow
from tests.served import SECRET

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
KEYRING = Keyring({SECRET: SECRET.encode()}, {})
CARD = "4111111111111111"


def refuse(
    kit: Kit, error: ReceiverError, *, headers: Fields | None = None, fields: Fields | None = None, at: datetime = NOW
) -> None:
    kit.refusals.add(
        error,
        at=at,
        source="shopintegrator",
        address="192.0.2.7",
        headers=headers or [],
        fields=fields or [],
        keyring=KEYRING,
    )


def kept(kit: Kit) -> list[RefusalRow]:
    kit.refusals.flush()
    with kit.database.read() as session:
        return session.query(RefusalRow).order_by(RefusalRow.id).all()


def test_reason_detail_time_and_address_are_kept(kit: Kit) -> None:
    refuse(kit, Unauthenticated("clock_off", "The clock is 400 s behind."))
    (row,) = kept(kit)
    assert (row.reason, row.detail, row.at, row.source, row.address) == (
        "clock_off",
        "The clock is 400 s behind.",
        NOW,
        "shopintegrator",
        "192.0.2.7",
    )


def test_an_error_without_a_reason_of_its_own_is_kept_by_its_type(kit: Kit) -> None:
    refuse(kit, CardDataRefused(["cvv"]))
    refuse(kit, Undecodable("The charset x is not known here."))
    assert [row.reason for row in kept(kit)] == ["card_data", "undecodable"]


def test_of_headers_and_fields_names_and_sizes_are_kept_and_no_value(kit: Kit) -> None:
    refuse(
        kit,
        Undecodable("x"),
        headers=[("content-type", "text/plain")],
        fields=[("customer_email", "ada@shop.example"), ("empty", "")],
    )
    (row,) = kept(kit)
    assert json.loads(row.headers) == [["content-type", 10]]
    assert json.loads(row.fields) == [["customer_email", 16], ["empty", 0]]


def test_a_sources_name_that_holds_a_secret_or_a_card_number_is_blotted_out(kit: Kit) -> None:
    """Whoever sends chooses it in the URL."""
    for source in (SECRET, f"no {CARD}"):
        kit.refusals.add(
            UnknownSource("x"), at=NOW, source=source, address=None, headers=[], fields=[], keyring=KEYRING
        )
    stored = " ".join(row.source for row in kept(kit))
    assert SECRET not in stored
    assert CARD not in stored


def test_what_is_refused_while_refusals_are_written_is_kept_too(kit: Kit) -> None:
    def refuse_many(_: int) -> None:
        for _ in range(50):
            refuse(kit, Undecodable("x"), fields=[(f"f{number}", "") for number in range(100)])

    with ThreadPoolExecutor(4) as pool:
        written = [pool.submit(refuse_many, number) for number in range(4)]
        while not all(one.done() for one in written):
            kit.refusals.flush()
    kit.refusals.flush()
    with kit.database.read() as session:
        assert session.scalar(select(func.max(RefusalRow.id))) == 200


def test_a_name_that_holds_a_secret_or_a_card_number_is_blotted_out(kit: Kit) -> None:
    refuse(kit, Undecodable(f"The field {SECRET} is given twice."), fields=[(f"x{SECRET}", "1"), (f"no {CARD}", "1")])
    (row,) = kept(kit)
    stored = row.fields + row.detail
    assert SECRET not in stored
    assert CARD not in stored
    assert "[secret b469f92f]" in row.detail


def test_names_are_cut_and_only_the_first_hundred_kept(kit: Kit) -> None:
    refuse(kit, Undecodable("x"), fields=[("n" * 200, "1")] * 150)
    names = json.loads(kept(kit)[0].fields)
    assert len(names) == 100
    assert names[0] == ["n" * 64, 1]


def test_nothing_waiting_writes_nothing(kit: Kit) -> None:
    assert kept(kit) == []


def test_the_newest_hundred_of_each_reason_are_kept(kit: Kit) -> None:
    refuse(kit, Undecodable("the only one of its kind"))
    for number in range(130):
        refuse(kit, Unauthenticated("clock_off", f"number {number}"))
    rows = kept(kit)
    assert [row.detail for row in rows if row.reason == "clock_off"] == [f"number {n}" for n in range(30, 130)]
    assert len(rows) == 101


def test_a_flood_between_two_writes_takes_bounded_memory(kit: Kit) -> None:
    for number in range(1500):
        refuse(kit, Unauthenticated("unknown_secret", f"number {number}"))
    assert kept(kit)[-1].detail == "number 1499"
    assert len(kit.refusals._waiting) == 0


def test_while_the_database_is_busy_refusals_wait_in_order(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy() -> None:
        raise Unavailable("Another write is taking too long; try again.")

    refuse(kit, Undecodable("first"))
    refuse(kit, Undecodable("second"))
    with monkeypatch.context() as patch:
        patch.setattr(kit.database, "write", busy)
        with pytest.raises(Unavailable):
            kit.refusals.flush()
    refuse(kit, Undecodable("third"))
    assert [row.detail for row in kept(kit)] == ["first", "second", "third"]


def test_kept_ones_are_counted_by_reason_since_a_moment(kit: Kit) -> None:
    refuse(kit, Undecodable("old"), at=NOW - timedelta(days=2))
    refuse(kit, Undecodable("new"))
    refuse(kit, Unauthenticated("clock_off", "x"))
    kept(kit)
    with kit.database.read() as session:
        assert counts_since(session, NOW - timedelta(days=1)) == {"undecodable": 1, "clock_off": 1}


def test_the_newest_of_each_reason_are_found_and_details_do_not_hide_one_another(kit: Kit) -> None:
    for detail in ("first", "often", "often", "other", "last"):
        refuse(kit, Undecodable(detail))
    refuse(kit, Unauthenticated("clock_off", "new"))
    refuse(kit, Unauthenticated("clock_off", "long ago"), at=NOW - timedelta(days=2))
    kept(kit)
    with kit.database.read() as session:
        found = [row.detail for row in newest_of_each_reason(session, NOW - timedelta(days=1))]
    assert found == ["often", "other", "last", "new"]


def test_of_many_long_names_only_the_first_are_looked_at(kit: Kit) -> None:
    """To look for a card number in all of them would take seconds, for a request of a kilobyte that inflates."""
    long, usual = [("4<" * 2_000, "x")] * 100, [(f"order.items[{row}].sku", "x") for row in range(100)]
    for names in (long, usual):
        refuse(kit, UnknownSource("No source has this name."), headers=names, fields=names)
    found = [(len(json.loads(row.headers)), len(json.loads(row.fields))) for row in kept(kit)]
    assert found == [(6, 6), (100, 100)]
