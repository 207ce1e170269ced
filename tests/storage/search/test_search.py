"""Orders are found by what's on them, however it's typed; the worker writes the index, and an erasure empties it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, func, select

from receiver.app.components import Kit
from receiver.dispatch.replay import Replay
from receiver.storage import search
from receiver.storage.models import OrderRow, SearchRow
from receiver.storage.search import trigrams
from receiver.storage.search.writing import BATCH, SearchWriting
from tests.served import Served, order_fields
from tests.storage.test_order_queries import store

ORDER: dict[str, Any] = {
    "order_id": "5501",
    "order_number": "MP-2117",
    "customer": {"first_name": "Zoë", "last_name": "Łukasz-Pritchard", "company": "Töchter GmbH"},
    "billing": {"name": "Oluwaseun Adeyemi", "postcode": "SW1A 1AA"},
    "items": [{"sku": "MUG-OAT", "name": "Oatmeal mug 100 %"}, {"name": "Tea_light"}],
}


def found(kit: Kit, words: str, *, most: int = 50, before: int | None = None) -> list[int]:
    with kit.database.read() as session:
        return list(search.ids(session, words, most=most, before=before))


def store_order(kit: Kit, number: int = 1, **changes: Any) -> None:
    values = {"order_id": "5501", "email": "zoe@shop.example", "total": "1115.50", "order": json.dumps(ORDER)}
    store(kit, number, **values | changes)


@pytest.mark.parametrize("is_written", [True, False])
@pytest.mark.parametrize(
    "words",
    [
        *("2117", "mp-2117", "MP-2117", "#2117", "p-21", "5501", "550", "rcp_00000001", "rcp_1", " rcp_1 "),
        *("Pritchard", "pritch", "zoe", "ZOË", "lukasz", "zoe lukasz", "łukasz zoë", "tochter gmbh", "adeyemi"),
        *("mug-oat", "OAT mug", "100 %", "tea_light", "zoe@shop", "SHOP.example", "sw1a 1aa", "SW1A1AA", "sw1"),
        *("1115.50", "£1,115.50", "115.5", "zo", "55", "mp", "zoe l", "5501 m"),
    ],
)
def test_an_order_is_found_by_any_part_of_what_is_on_it(kit: Kit, words: str, is_written: bool) -> None:
    store_order(kit)
    store_order(kit, 2, order_id="7", email="bea@other.example", total="3.00", order=None)
    if is_written:
        kit.search_writing.look()
    assert found(kit, words) == [1]


@pytest.mark.parametrize("is_written", [True, False])
@pytest.mark.parametrize(
    "words", ["2118", "mug tea pritchards", "mug q", "17", "5", "ug", "%", "___", "\x00", "rcp_9", "x" * 999]
)
def test_what_is_on_no_order_finds_none(kit: Kit, words: str, is_written: bool) -> None:
    store_order(kit)
    if is_written:
        kit.search_writing.look()
    assert found(kit, words) == []


def test_one_letter_is_a_whole_line_and_two_begin_one(kit: Kit) -> None:
    for number, order_id in enumerate(("7", "71", "711", "171"), 1):
        store(kit, number, order_id=order_id)
    kit.search_writing.look()
    assert found(kit, "7") == [1]
    assert found(kit, "71") == [3, 2]
    assert found(kit, "711") == [3]


def test_the_newest_come_first_and_only_those_asked_for(kit: Kit) -> None:
    for number in range(1, 5):
        store_order(kit, number, state="failed" if number % 2 else "done")
    kit.search_writing.look()
    store_order(kit, 5, state="failed")
    assert found(kit, "mug") == [5, 4, 3, 2, 1]
    assert found(kit, "mug", before=4) == [3, 2, 1]
    with kit.database.read() as session:
        assert search.ids(session, "mug", OrderRow.state == "failed", most=2) == [5, 3]
        assert search.ids(session, "rcp_1", OrderRow.state == "done", most=2) == []


def test_all_orders_of_a_database_are_written_in_small_batches(kit: Kit) -> None:
    for number in range(1, BATCH + 2):
        store_order(kit, number)
    commits: list[None] = []
    event.listen(kit.database.engine, "commit", lambda _: commits.append(None))
    kit.search_writing.look()
    assert len(commits) == 2
    with kit.database.read() as session:
        assert session.scalar(select(func.count(SearchRow.text))) == BATCH + 1
    kit.search_writing.look()
    assert len(commits) == 2, "nothing was missing"


def test_of_two_processes_that_write_the_same_the_second_writes_nothing(kit: Kit) -> None:
    store_order(kit)
    times = iter([None, kit.search_writing.look])

    def other_is_faster() -> float:
        if look := next(times):
            look()
        return 0

    SearchWriting(kit.database, steady=other_is_faster).look()
    assert found(kit, "pritchard") == [1]


@pytest.mark.sqlite
def test_a_search_looks_into_the_index_and_comes_from_its_end(kit: Kit) -> None:
    looked: list[str] = []
    event.listen(kit.database.engine, "before_cursor_execute", lambda *about: looked.append(about[2]))
    found(kit, "pritchard")
    (statement,) = (one for one in looked if trigrams.FTS5 in one and "LIKE" in one)
    with kit.database.read() as session:
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", ("%pritchard%", 50, 0)).all()
    assert [row[3].endswith(":L0") for row in plan] == [True], "LIKE looks into FTS5, and nothing is sorted after it"


def test_without_an_index_the_same_is_found(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trigrams, "_SINCE", (99,))
    with kit.database.write() as session:
        if kit.database.path is None:
            session.connection().exec_driver_sql("DROP INDEX ix_order_search_trigrams")
        else:
            trigrams.make(session.connection())
    store_order(kit)
    kit.search_writing.look()
    assert found(kit, "pritchard") == [1]
    monkeypatch.undo()
    with kit.database.write() as session:
        assert not trigrams.is_made(session.connection())
        trigrams.make(session.connection())
        assert trigrams.is_made(session.connection())
    assert found(kit, "pritchard") == [1]


def test_an_order_that_is_read_again_is_found_by_what_it_says_now(shop: Served) -> None:
    receipt = shop.post({"OrderRef": "F-77", "Who": "Pritchard"}).content["receipt"]
    shop.wait_for(lambda: [row.text for row in shop.rows(SearchRow)] == [""])
    with (shop.kit.instance / "config.toml").open("a") as file:
        file.write('\n[sources.shopintegrator.fields]\norder_id = "OrderRef"\n"customer.last_name" = "Who"\n')
    shop.wait_for(lambda: shop.kit.sources.get().mapping is not None)
    again = Replay(sources=shop.kit.sources, registry=shop.kit.registry, bodies=shop.kit.bodies)
    assert [one.state for one in again.each(shop.kit.database, [receipt])] == ["open"]
    shop.wait_for(lambda: found(shop.kit, "pritchard") == [1])


def test_the_accept_path_writes_no_text(serve: Callable[..., Served]) -> None:
    shop = serve(work=False)
    shop.post(order_fields(order_id="A-17"))
    assert shop.rows(SearchRow) == []
    assert found(shop.kit, "a-17") == [1]
