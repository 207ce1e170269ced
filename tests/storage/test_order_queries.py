"""What is told of the recorded orders."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from receiver.app.components import Kit
from receiver.errors import ConfigurationError
from receiver.storage import order_queries
from receiver.storage.models import OrderRow
from tests.served import Served, order_fields


def store(kit: Kit, number: int, **changes: Any) -> None:
    values: dict[str, Any] = {
        "source": "shopintegrator",
        "key": f"evt_{number}",
        "test": False,
        "order_id": f"A-{number}",
        "encoding": "application/json",
        "fields": "[]",
        "fields_digest": "",
        "notes": "[]",
        "proof": "signature",
        "fingerprint": "b469f92f",
        "received_at": datetime(2026, 11, 23, 12, 0, tzinfo=UTC),
        "state": "done",
    }
    with kit.database.write() as session:
        session.add(OrderRow(**values | changes))


def ids(kit: Kit, **options: Any) -> list[str]:
    with kit.database.read() as session:
        return [row["order_id"] for row in order_queries.page(session, **options)]


def test_a_page_gives_the_newest_first(kit: Kit) -> None:
    for number in (1, 2, 3):
        store(kit, number)
    assert ids(kit) == ["A-3", "A-2", "A-1"]


def test_a_page_leaves_tests_and_ignored_ones_out(kit: Kit) -> None:
    store(kit, 1)
    store(kit, 2, test=True)
    store(kit, 3, state="ignored")
    assert ids(kit) == ["A-1"]
    assert ids(kit, everything=True) == ["A-3", "A-2", "A-1"]


def test_a_page_of_one_state_holds_only_that(kit: Kit) -> None:
    store(kit, 1)
    store(kit, 2, state="ignored")
    store(kit, 3, state="failed")
    assert ids(kit, state="ignored") == ["A-2"]
    assert ids(kit, state="failed", everything=True) == ["A-3"]


def test_a_page_ends_after_fifty(kit: Kit) -> None:
    for number in range(51):
        store(kit, number)
    assert len(ids(kit)) == 50
    assert len(ids(kit, everything=True)) == 51


def test_a_line_of_a_page(kit: Kit) -> None:
    store(kit, 1, email="ada@shop.example", total="19.99", currency="GBP")
    with kit.database.read() as session:
        assert order_queries.page(session) == [
            {
                "receipt": "rcp_00000001",
                "order_id": "A-1",
                "source": "shopintegrator",
                "state": "done",
                "test": False,
                "email": "ada@shop.example",
                "total": "19.99",
                "currency": "GBP",
                "received_at": "2026-11-23T12:00:00+00:00",
                "same_id_as": None,
                "event": None,
            }
        ]


@pytest.mark.parametrize("receipt", ["rcp_00000002", "rcp_", "A-1", "1", "rcp_-1", "rcp_" + "9" * 19, ""])
def test_a_receipt_that_is_none_is_told(kit: Kit, receipt: str) -> None:
    store(kit, 1)
    with kit.database.read() as session, pytest.raises(ConfigurationError, match="see `flask orders list --all`"):
        order_queries.find(session, receipt)


def test_a_whole_order_shows_what_was_received_read_and_done(shop: Served) -> None:
    receipt = shop.post(order_fields(order_id="A-1", billing_country="Narnia")).content["receipt"]
    shop.settled()
    with shop.kit.database.read() as session:
        whole = order_queries.whole(order_queries.find(session, receipt))
    assert whole["proof"] == {"way": "header", "fingerprint": "b469f92f", "webhook_id": None}
    assert ["order_id", "A-1"] in whole["fields"]
    assert whole["order"]["order_id"] == "A-1"
    assert whole["notes"] == ['billing_country must be an ISO 3166-1 alpha-2 code such as "GB"']
    assert (whole["errors"], whole["copies"], whole["duplicate_of"]) == ([], 0, None)
    assert [(one["name"], one["state"], one["attempts"]) for one in whole["handlers"]] == [
        ("register_customer", "done", 1),
        ("email_customer", "done", 1),
        ("notify_merchant", "done", 1),
    ]
    assert [(mail["to"], mail["state"]) for mail in whole["mails"]] == [
        ("ada@shop.example", "sent"),
        ("merchant@example.com", "sent"),
    ]


def test_an_order_of_which_nothing_was_noted_has_no_notes(shop: Served) -> None:
    receipt = shop.post({"order_id": "A-1"}).content["receipt"]
    with shop.kit.database.read() as session:
        assert order_queries.whole(order_queries.find(session, receipt))["notes"] == []


def test_notes_of_the_card_guard_come_before_those_of_the_reading(serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    receipt = shop.post({"order_id": "A-1", "card_expiry": "12/29", "billing_country": "Narnia"}).content["receipt"]
    with shop.kit.database.read() as session:
        notes = order_queries.whole(order_queries.find(session, receipt))["notes"]
    assert len(notes) == 2
    assert "card_expiry" in notes[0]
    assert "billing_country" in notes[1]


def test_a_parked_order_shows_its_errors_and_no_order(serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    receipt = shop.post({"OrderRef": "A-1"}).content["receipt"]
    with shop.kit.database.read() as session:
        whole = order_queries.whole(order_queries.find(session, receipt))
    assert (whole["state"], whole["order"], whole["handlers"]) == ("parked", None, [])
    assert [error["field"] for error in whole["errors"]] == ["order_id"]
