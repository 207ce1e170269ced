"""The inbox: one row for one key, whatever arrives at once."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from receiver.app.components import Kit
from receiver.errors import SecretsChanged
from receiver.intake.inbox import Inbox
from receiver.intake.inserting import Recorded
from receiver.storage.columns import receipt_of
from receiver.storage.models import OrderRow


def row(key: str, *, digest: str = "d") -> dict[str, object]:
    return {
        "source": "shopintegrator",
        "key": key,
        "state": "ignored",
        "test": False,
        "order_id": "A-1",
        "encoding": "json",
        "fields": "[]",
        "fields_digest": digest,
        "content_digest": digest,
        "may_be_cut": False,
        "notes": "[]",
        "held_card_data": False,
        "proof": "field",
        "fingerprint": "00000000",
        "received_at": datetime(2026, 11, 23, tzinfo=UTC),
        "attempts": 0,
    }


def rows(kit: Kit) -> list[OrderRow]:
    with kit.database.read() as session:
        return session.query(OrderRow).order_by(OrderRow.id).all()


def test_a_second_one_with_the_same_key_is_a_copy_of_the_first(kit: Kit) -> None:
    inbox = Inbox(kit.database)

    first, second = inbox.record(row("k"), []), inbox.record(row("k"), [])

    assert first == Recorded(1, "A-1", is_copy=False)
    assert second == Recorded(1, "A-1", is_copy=True)
    assert first.pk == second.pk == 1
    (stored,) = rows(kit)
    assert (stored.copies, stored.differing_copies) == (1, 0)
    assert stored.received_at == datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.sqlite
def test_a_copy_uses_up_no_receipt(kit: Kit) -> None:
    inbox = Inbox(kit.database)
    for key in ("a", "a", "a", "b", "a", "b", "c"):
        inbox.record(row(key), [])

    assert [stored.receipt for stored in rows(kit)] == ["rcp_00000001", "rcp_00000002", "rcp_00000003"]


def test_a_copy_with_other_fields_is_noted_and_changes_nothing(kit: Kit) -> None:
    inbox = Inbox(kit.database)
    inbox.record(row("k"), [])

    assert inbox.record({**row("k"), "fields_digest": "other"}, []).is_copy

    (stored,) = rows(kit)
    assert (stored.copies, stored.differing_copies, stored.fields_digest) == (1, 1, "d")


def test_the_same_key_of_another_source_is_another_order(kit: Kit) -> None:
    inbox = Inbox(kit.database)
    inbox.record(row("k"), [])

    assert not inbox.record({**row("k"), "source": "elsewhere"}, []).is_copy
    assert len(rows(kit)) == 2


def test_of_many_copies_at_once_exactly_one_is_new(kit: Kit) -> None:
    inbox = Inbox(kit.database)
    found: list[Recorded] = []

    def record(number: int) -> None:
        found.append(inbox.record(row(f"k{number % 5}"), []))

    threads = [threading.Thread(target=record, args=(number,)) for number in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(not recorded.is_copy for recorded in found) == 5
    assert len({recorded.pk for recorded in found}) == 5
    assert sorted(stored.copies for stored in rows(kit)) == [11] * 5


@pytest.mark.parametrize("known", [(), (7, 8, 41)])
def test_each_of_a_group_gets_the_receipt_of_its_own_row(kit: Kit, known: tuple[int, ...]) -> None:
    inbox = Inbox(kit.database)
    entries = [{**row(f"k{number}"), "order_id": f"A-{number}"} for number in range(60)]
    for number in known:
        inbox.record(entries[number], [])

    with ThreadPoolExecutor(len(entries)) as pool:
        with kit.database.write():  # all queue behind this one
            waiting = [pool.submit(inbox.record, entry, []) for entry in entries]
            time.sleep(0.2)
        found = [future.result() for future in waiting]

    stored = {order.id: order.order_id for order in rows(kit)}
    assert [stored[recorded.pk] for recorded in found] == [f"A-{number}" for number in range(60)]
    assert [recorded.is_copy for recorded in found] == [number in known for number in range(60)]


def parked(key: str, **changes: object) -> dict[str, object]:
    return {**row(key, digest="p"), "state": "parked", "order_id": "A-2", "errors": "[1]", **changes}


def an_open(key: str, **changes: object) -> dict[str, object]:
    return {**row(key, digest="o"), "state": "open", "decided": "completed", "order_id": "A-2", **changes}


def test_the_order_that_a_parked_one_was_meant_to_be_supersedes_it_and_overwrites_nothing(kit: Kit) -> None:
    inbox = Inbox(kit.database)
    first = inbox.record(parked("k", fields='["malformed"]'), [])

    corrected = an_open("k", order_id="A-2", fields='["whole"]')
    order, again = inbox.record(corrected, []), inbox.record(corrected, [])

    assert (order.is_copy, again.is_copy, order.pk == again.pk, order.pk == first.pk) == (False, True, True, False)
    superseded, stored = rows(kit)
    assert (superseded.state, superseded.duplicate_of, superseded.fields) == (
        "duplicate",
        receipt_of(order.pk),
        '["malformed"]',
    )
    assert (stored.state, stored.key, stored.fields, stored.same_id_as) == ("open", "k.o", '["whole"]', None)


def test_a_malformed_body_that_comes_again_is_a_copy_of_the_superseded_one(kit: Kit) -> None:
    inbox = Inbox(kit.database)
    first = inbox.record(parked("k"), [])
    inbox.record(an_open("k"), [])

    assert inbox.record(parked("k"), []) == first._replace(is_copy=True)
    assert [stored.state for stored in rows(kit)] == ["duplicate", "open"]


@pytest.mark.parametrize("changes", [{"test": True}, {"state": "ignored", "decided": "unpaid"}, {"order_id": "A-9"}])
def test_what_is_not_the_order_that_was_parked_leaves_it_parked(kit: Kit, changes: dict[str, object]) -> None:
    inbox = Inbox(kit.database)
    inbox.record(parked("k", order_id="A-1"), [])

    assert not inbox.record(an_open("k", **changes), []).is_copy
    kept, other = rows(kit)
    assert (kept.state, other.same_id_as) == ("parked", kept.id)


def test_of_many_corrections_at_once_one_is_recorded_and_the_others_are_copies(kit: Kit) -> None:
    inbox = Inbox(kit.database)
    inbox.record(parked("k"), [])

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: inbox.record(an_open("k"), []), range(40)))

    assert sum(not recorded.is_copy for recorded in found) == 1
    assert [(stored.state, stored.copies) for stored in rows(kit)] == [("duplicate", 0), ("open", 39)]


def test_two_contents_under_one_id_in_one_group_are_two_rows(kit: Kit) -> None:
    inbox = Inbox(kit.database)
    entries = [an_open("k", content_digest=f"d{number % 3}", order_id=f"A-{number % 3}") for number in range(30)]

    with ThreadPoolExecutor(len(entries)) as pool:
        with kit.database.write():  # all queue behind this one
            waiting = [pool.submit(inbox.record, entry, []) for entry in entries]
            time.sleep(0.2)
        found = [future.result() for future in waiting]

    stored = {order.id: order for order in rows(kit)}
    assert sorted(order.copies for order in stored.values()) == [9, 9, 9]
    assert [stored[recorded.pk].order_id for recorded in found] == [f"A-{number % 3}" for number in range(30)]
    first = min(stored)
    assert [order.same_id_as for order in stored.values()] == [None, first, first]


def test_what_is_left_of_a_purged_row_decides_where_it_has_no_digest(kit: Kit) -> None:
    inbox = Inbox(kit.database)
    inbox.record(an_open("k", content_digest=None), [])

    assert inbox.record(an_open("k"), []).is_copy
    for changes in ({"order_id": "A-3"}, {"decided": "unpaid"}, {"test": True}):
        assert not inbox.record(an_open("k", content_digest=str(changes), **changes), []).is_copy


def test_what_was_proven_by_other_secrets_than_those_of_the_commit_is_not_recorded(kit: Kit) -> None:
    inbox = Inbox(kit.database)

    def outcome(number: int) -> str | int:
        try:
            return inbox.record(row(f"k{number}"), [] if number % 2 else [("revoked meanwhile", None, "added")]).pk
        except SecretsChanged as error:
            return str(error)

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(outcome, range(40)))

    assert set(found[::2]) == {"The shared secrets are being changed. Try again."}
    assert len({pk for pk in found[1::2] if isinstance(pk, int)}) == 20
    assert {stored.key for stored in rows(kit)} == {f"k{number}" for number in range(1, 40, 2)}
