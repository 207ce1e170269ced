"""Values as shops really write them: read with a note where something was changed, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.orders import Mapping, NotUnderstood, Order, Understood, read
from receiver.orders.names import KINDS, Place
from receiver.orders.repairs import repair

NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)


def understood(*fields: tuple[str, str], mapping: Mapping | None = None) -> Order:
    reading = read([("order_id", "A-1"), ("total", "1"), *fields], mapping, NOW)
    assert isinstance(reading, Understood), reading
    return reading.order


@pytest.mark.parametrize(
    ("sent", "currency", "total", "note"),
    [
        ("25.0000", "USD", "25", None),
        ("0.0000", "USD", "0", None),
        ("1E+2", "EUR", "100", None),
        ("100000.00", "VND", "100000", None),
        ("59.970000000000006", "EUR", "59.97", "total was rounded"),
        ("448.753425", "EUR", "448.75", "total was rounded"),
        ("1,234.50", "USD", "1234.5", None),
        ("1.234,50", "EUR", "1234.5", None),
        ("1,234,567", "USD", "1234567", None),
        ("12,50", "EUR", "12.5", None),
        ("$19.99", "USD", "19.99", None),
        ("19.99 EUR", "EUR", "19.99", None),
        ("null", "EUR", None, None),
        ("N/A", "EUR", None, None),
        ("-", "EUR", None, None),
    ],
)
def test_amounts(sent: str, currency: str, total: str | None, note: str | None) -> None:
    reading = read([("order_id", "A-1"), ("currency", currency), ("total", sent)], None, NOW)
    assert isinstance(reading, Understood)
    assert reading.order.total == (None if total is None else Decimal(total))
    assert reading.order.notes == ((note,) if note else ())


@pytest.mark.parametrize("sent", ["1,234", "1.234.56", "1e99", "9" * 30, "free", "(5.00)", "５"])
def test_an_amount_that_could_be_another_is_not_read(sent: str) -> None:
    assert isinstance(read([("order_id", "A-1"), ("total", sent)], None, NOW), NotUnderstood)


def test_a_discount_is_positive_whatever_its_sign() -> None:
    order = understood(("discount_total", "-10.00"))
    assert (order.discount_total, order.notes) == (
        Decimal(10),
        ("discount_total was negative: what was taken off is a positive amount",),
    )


@pytest.mark.parametrize(
    ("sent", "quantity"),
    [
        ("2.00", 2),
        ("0.55", Decimal("0.55")),
        ("3", 3),
        ("1E+1", 10),
        ("1,5", Decimal("1.5")),
        ("1.5000000", Decimal("1.5")),
    ],
)
def test_quantities(sent: str, quantity: object) -> None:
    assert understood(("item_1_quantity", sent)).items[0].quantity == quantity


@pytest.mark.parametrize("sent", ["-1", "0", "some"])
def test_a_quantity_of_nothing_parks(sent: str) -> None:
    assert isinstance(read([("order_id", "A-1"), ("item_1_quantity", sent)], None, NOW), NotUnderstood)


@pytest.mark.parametrize(
    ("sent", "date", "note"),
    [
        ("2026-11-23T06:05:00-0800", "2026-11-23T14:05:00Z", None),
        ("2026-11-23T15:05:00+01", "2026-11-23T14:05:00Z", None),
        ("2026‑11‑23T14:05:00Z", "2026-11-23T14:05:00Z", None),
        ("1795442700", "2026-11-23T14:05:00Z", None),
        ("1795442700000", "2026-11-23T14:05:00Z", None),
        ("2026-11-23 15:05:00", "2026-11-23T14:05:00Z", "order_date has no zone: it was read in Europe/Berlin"),
        ("2026-11-23T15:05:00.25", "2026-11-23T14:05:00.25Z", "order_date has no zone: it was read in Europe/Berlin"),
    ],
)
def test_dates(sent: str, date: str, note: str | None) -> None:
    order = understood(("order_date", sent), mapping=Mapping((), zone=ZoneInfo("Europe/Berlin")))
    assert order.order_date == datetime.fromisoformat(date)
    assert order.notes == ((note,) if note else ())


@pytest.mark.parametrize(
    ("sent", "email", "note"),
    [
        ("ina shop@buyer.example", "ina+shop@buyer.example", "customer_email held a blank, which was read as a plus"),
        ("a@b.example, c@d.example", "a@b.example", "customer_email holds several addresses: the first was used"),
        ("a@b.example;c@d.example", "a@b.example", "customer_email holds several addresses: the first was used"),
        ("a@b.example c@d.example", "a@b.example", "customer_email holds several addresses: the first was used"),
    ],
)
def test_addresses(sent: str, email: str, note: str) -> None:
    order = understood(("customer_email", sent))
    assert (order.customer.email, order.notes) == (email, (note,))


@pytest.mark.parametrize("sent", ["a@b@c.example", "a @b .example", "Zoë <z@b.example>", "nobody"])
def test_what_is_no_address_parks(sent: str) -> None:
    assert isinstance(read([("order_id", "A-1"), ("customer_email", sent)], None, NOW), NotUnderstood)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("Germany", "DE"),
        ("Deutschland", "DE"),
        ("United States of America", "US"),
        ("USA", "US"),
        ("GBR", "GB"),
        ("uk", "GB"),
        ("Österreich", "AT"),
        ("  united   kingdom ", "GB"),
    ],
)
def test_countries(sent: str, code: str) -> None:
    order = understood(("billing_country", sent))
    assert order.billing is not None
    assert (order.billing.country, order.notes) == (code, ())


@pytest.mark.parametrize(("sent", "flag"), [("yes", True), ("test", True), ("off", False), ("live", False)])
def test_flags(sent: str, flag: bool) -> None:
    assert understood(("test", sent)).test is flag


def test_entities_in_texts_are_unescaped_once() -> None:
    order = understood(
        ("customer_first_name", "Se&aacute;n"),
        ("item_1_name", "Tea &lt;green&gt; &amp; cup &#8211; 5&quot; &copy 26 R&D;"),
        ("item_2_name", "how to write &amp;amp; in HTML"),
    )
    assert order.customer.first_name == "Seán"
    assert [item.name for item in order.items] == [
        'Tea <green> & cup – 5" &copy 26 R&D;',
        "how to write &amp; in HTML",
    ]


@given(st.sampled_from(sorted(KINDS)), st.text(max_size=40) | st.from_regex(r"[-+0-9.,eE:TZ @;]{1,40}", fullmatch=True))
def test_no_value_breaks_a_repair(slot: tuple[str, str], text: str) -> None:
    repair(Place(slot[0], 0, slot[1]), text, "EUR", None)
