"""The inbox: one row for one key, whatever arrives at once."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from receiver.errors import SecretsChanged
from receiver.inbox import Inbox, Recorded
from receiver.kit import Kit
from receiver.models import OrderRow


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
        "notes": "[]",
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
    assert first.receipt == second.receipt == "rcp_00000001"
    (stored,) = rows(kit)
    assert (stored.copies, stored.differing_copies) == (1, 0)
    assert stored.received_at == datetime(2026, 11, 23, tzinfo=UTC)


def test_a_copy_that_differs_is_noted_and_changes_nothing(kit: Kit) -> None:
    inbox = Inbox(kit.database)
    inbox.record(row("k"), [])

    assert inbox.record(row("k", digest="other"), []).is_copy

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
    assert len({recorded.receipt for recorded in found}) == 5
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


def parked(key: str) -> dict[str, object]:
    return {**row(key), "state": "parked", "order_id": None, "errors": "[1]"}


def test_what_is_understood_takes_the_place_of_what_stands_parked_under_its_key(kit: Kit) -> None:
    inbox = Inbox(kit.database)
    inbox.record(parked("k"), [])

    corrected = {**row("k", digest="new"), "state": "open", "order_id": "A-2", "notes": '["one"]', "fields": "[2]"}
    assert inbox.record(corrected, []) == Recorded(1, "A-2", is_copy=False)
    assert inbox.record(corrected, []) == Recorded(1, "A-2", is_copy=True)

    (stored,) = rows(kit)
    assert (stored.state, stored.errors, stored.fields, stored.fields_digest) == ("open", None, "[2]", "new")
    assert json.loads(stored.notes)[0] == "one"
    assert "took its place" in json.loads(stored.notes)[1]
    assert (stored.copies, stored.differing_copies) == (1, 0)


def test_what_is_no_better_understood_is_a_copy_of_what_stands_parked(kit: Kit) -> None:
    inbox = Inbox(kit.database)
    inbox.record(parked("k"), [])

    assert inbox.record({**parked("k"), "fields_digest": "new"}, []).is_copy

    (stored,) = rows(kit)
    assert (stored.state, stored.fields_digest, stored.differing_copies) == ("parked", "d", 1)


def test_of_many_corrections_at_once_one_takes_over_and_the_others_are_copies(kit: Kit) -> None:
    inbox = Inbox(kit.database)
    inbox.record(parked("k"), [])
    corrected = {**row("k"), "state": "open"}

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: inbox.record(corrected, []), range(40)))

    assert sum(not recorded.is_copy for recorded in found) == 1
    (stored,) = rows(kit)
    assert (stored.state, stored.copies) == ("open", 39)


def test_what_was_proven_by_other_secrets_than_those_of_the_commit_is_not_recorded(kit: Kit) -> None:
    inbox = Inbox(kit.database)

    def outcome(number: int) -> str:
        try:
            return inbox.record(row(f"k{number}"), [] if number % 2 else [("revoked meanwhile", None, "added")]).receipt
        except SecretsChanged as error:
            return str(error)

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(outcome, range(40)))

    assert set(found[::2]) == {"The shared secrets are being changed; try again."}
    assert len({text for text in found[1::2] if text.startswith("rcp_")}) == 20
    assert {stored.key for stored in rows(kit)} == {f"k{number}" for number in range(1, 40, 2)}
