"""Of an erased or purged order nothing is left in what it was found by, not even pieces of three letters."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select, text

from receiver.app.components import Kit
from receiver.customers import privacy
from receiver.customers.retention import Retention
from receiver.storage.models import SearchRow
from receiver.storage.search.writing import BATCH
from tests import stores
from tests.storage.search.test_search import found, store_order

EMAIL = "qxv.jvq@kunde.de"
#: Made of letters that no other order has.
WORDS = ("qxvjvq", "vxqjv", "jxqvv", "xqv-jjq")
ORDER = {
    "order_id": "5501",
    "customer": {"email": EMAIL, "last_name": "Vxqjv"},
    "shipping": {"postcode": "JXQ VV"},
    "items": [{"sku": "XQV-JJQ", "name": "Mug"}],
}
#: The ends of their pieces. A page leaves out how a piece begins if the one before it begins so too.
ENDS = {word[at + 1 : at + 3].encode() for word in ("qxv", "jvq", *WORDS[1:]) for at in range(len(word) - 2)}
MINE = [BATCH + 20, 20]


@pytest.fixture
def filled(kit: Kit) -> Kit:
    """Give a kit with orders of others before and after the person's, written into the index bit by bit."""
    for number in range(1, BATCH * 2):
        mine = {"email": EMAIL, "total": "2.00", "order": json.dumps(ORDER)}
        store_order(kit, number, **(mine if number in MINE else {}))
        if number % 40 == 0:
            kit.search_writing.look()
    kit.search_writing.look()
    assert [found(kit, word) for word in (EMAIL, *WORDS[1:])] == [MINE] * len(WORDS)
    assert kit.database.path is None or len(ends_in_pages(kit)) > len(ENDS) / 2
    return kit


def ends_in_pages(kit: Kit) -> set[bytes]:
    """Return which ends of the person's pieces FTS5's own pages hold."""
    if kit.database.path is None:
        return set()
    with kit.database.read() as session:
        pages = b"\n".join(session.scalars(text("SELECT block FROM order_trigrams_data")))
    return {end for end in ENDS if end in pages}


def erase(kit: Kit) -> None:
    privacy.erase(kit.database, kit.transport, EMAIL, secret_key=kit.secret_key)


def purge(kit: Kit) -> None:
    retention = Retention(kit.database, kit.transport, days=1)
    list(retention.purge(datetime(2100, 1, 1, tzinfo=UTC), trust_clock=True))


@pytest.mark.parametrize("take_away", [erase, purge])
def test_nothing_is_left_of_the_person_in_the_index(
    filled: Kit, take_away: Callable[[Kit], None], instance: Path
) -> None:
    take_away(filled)
    assert ends_in_pages(filled) == set()
    with filled.database.read() as session:
        assert session.scalars(select(SearchRow.text).where(SearchRow.id.in_(MINE))).all() == [None, None]
        if filled.database.path:
            assert session.scalars(text("PRAGMA integrity_check")).all() == ["ok"]

    filled.search_writing.look()
    assert [found(filled, word) for word in WORDS[1:]] == [[], [], []]
    assert found(filled, EMAIL) == ([] if take_away is erase else MINE), "a purge leaves the email for the books"
    assert found(filled, "5501", most=200)[-20:] == list(range(20, 0, -1)), "its number is left"
    filled.database.empty_log()
    left = [word for word in WORDS[1:] if word in stores.stored(instance).lower()]
    assert left == []


def test_what_is_erased_before_it_was_written_is_never_written(kit: Kit) -> None:
    store_order(kit, 1, email=EMAIL, order=json.dumps(ORDER))
    erase(kit)
    kit.search_writing.look()
    assert found(kit, "vxqjv") == []
    assert found(kit, "5501") == [1]
