"""What's beside what: later events and their order, by order id or payment, of one source, tests beside tests."""

from __future__ import annotations

from typing import Any

from receiver.app.components import Kit
from receiver.storage import later_events
from receiver.storage.models import OrderRow
from tests.storage.test_order_queries import store

ADA = "ada@shop.example"


def of(kit: Kit, pk: int) -> tuple[int | None, list[int]]:
    """Return the id of the order that a row is about, and those of its later events."""
    with kit.database.read() as session:
        row = session.get_one(OrderRow, pk)
        order = later_events.order_of(session, row)
        return order.id if order else None, [one.id for one in later_events.of_orders(session, [row])[pk]]


def add(kit: Kit, pk: int, decided: str, order_id: str | None = "A-1", **changes: Any) -> None:
    store(kit, pk, id=pk, order_id=order_id, decided=decided, **changes)


def test_they_are_tied_by_the_order_id_of_one_source_whichever_came_first(kit: Kit) -> None:
    add(kit, 1, "cancelled")
    add(kit, 2, "completed")
    add(kit, 3, "refunded", state="failed")
    add(kit, 4, "refunded", source="other")
    add(kit, 5, "refunded", test=True)
    add(kit, 6, "refunded", order_id="A-2")
    add(kit, 7, "refunded", state="parked")
    add(kit, 8, "pending", state="ignored")
    assert of(kit, 2)[1] == [1, 3]
    assert [of(kit, pk)[0] for pk in (1, 3, 4, 5, 6)] == [2, 2, None, None, None]


def test_a_test_is_beside_tests(kit: Kit) -> None:
    add(kit, 1, "completed", test=True)
    add(kit, 2, "refunded", test=True)
    assert (of(kit, 1)[1], of(kit, 2)[0]) == ([2], 1)


def test_a_payment_names_an_order_of_the_same_customer(kit: Kit) -> None:
    order = '{"payment_reference": "pi_1"}'
    add(kit, 1, "completed", order_id="cs_0", email=ADA, source="other", order=order)
    add(kit, 2, "completed", order_id="cs_1", email=ADA, order=order)
    add(kit, 3, "refunded", order_id="pi_1", email=ADA)
    add(kit, 4, "refunded", order_id="pi_1")
    assert [of(kit, pk)[0] for pk in (3, 4)] == [2, None]
    assert of(kit, 2)[1] == [3, 4]


def test_what_names_nothing_is_tied_to_nothing(kit: Kit) -> None:
    add(kit, 1, "completed", order_id=None, email=ADA)
    add(kit, 2, "refunded", order_id=None, email=ADA)
    assert (of(kit, 1), of(kit, 2)) == ((None, []), (None, []))
    with kit.database.read() as session:
        assert later_events.of_orders(session, []) == {}
