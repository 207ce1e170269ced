"""Ready means that an order could be written down now, and asking loads nothing."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from receiver.app import readiness
from receiver.storage.models import OrderRow
from tests.damage import NEVER_FILLED, change, damage_the_page_of, fill
from tests.served import Served, order_fields
from tests.waiting import SOON


@pytest.fixture
def shop(serve: Callable[..., Served]) -> Served:
    return serve(work=False)


def ask(shop: Served) -> int:
    return shop.request("GET", "/readyz").status


def written(instance: Path) -> int:
    """Give how far the log has been written; nothing takes from it while the test runs."""
    return (instance / "receiver.sqlite-wal").stat().st_size


@contextmanager
def write_lock(instance: Path) -> Iterator[None]:
    descriptor = os.open(instance / "write.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@pytest.mark.sqlite
def test_asking_writes_more_than_an_ordinary_order_to_the_disk(shop: Served, instance: Path) -> None:
    shop.post(order_fields())
    before = written(instance)
    shop.post(order_fields())
    ordinary = written(instance) - before

    assert ask(shop) == 200

    assert written(instance) - before - ordinary > max(65_536, ordinary)


@pytest.mark.sqlite
def test_however_many_ask_within_a_second_one_row_is_written(
    shop: Served, instance: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "_HOLDS", 60.0)
    shop.kit.database.checkpoint()
    assert ask(shop) == 200
    before = written(instance)

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(lambda _: ask(shop), range(200))) == {200}

    assert written(instance) == before


@pytest.mark.sqlite
def test_an_old_verdict_is_not_given_again(shop: Served, instance: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(shop) == 200
    before = written(instance)
    monkeypatch.setattr(readiness, "_HOLDS", 0.0)
    assert ask(shop) == 200
    assert written(instance) > before


def test_a_proof_leaves_no_row_and_takes_no_receipt(shop: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "_HOLDS", 0.0)
    for _ in range(3):
        assert ask(shop) == 200
    assert shop.rows(OrderRow) == []
    assert shop.post(order_fields()).content["receipt"] == "rcp_00000001"


@pytest.mark.sqlite
def test_while_the_write_lock_is_kept_it_says_so_and_is_ready_afterwards(
    shop: Served, instance: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "_HOLDS", 0.2)
    with write_lock(instance):
        assert ask(shop) == 503
    shop.wait_for(lambda: ask(shop) == 200)


@pytest.mark.sqlite
def test_while_one_proof_waits_the_others_are_answered_at_once(
    shop: Served, instance: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else those who ask could keep every thread of a server, and no order got one."""
    assert ask(shop) == 200
    monkeypatch.setattr(readiness, "_HOLDS", 0.0)
    monkeypatch.setattr(readiness, "_PATIENCE", SOON)
    with ThreadPoolExecutor(1) as pool:
        with write_lock(instance):
            waiting = pool.submit(ask, shop)
            shop.wait_for(shop.kit.readiness._mutex.locked)
            assert all(ask(shop) == 200 for _ in range(10))
            assert not waiting.done()
        assert waiting.result(SOON) == 200


def test_a_table_that_takes_no_order_is_not_ready(shop: Served) -> None:
    change(shop.kit, NEVER_FILLED)
    assert ask(shop) == 503


def test_without_room_for_the_largest_order_it_is_not_ready(serve: Callable[..., Served], tmp_path: Path) -> None:
    """The setting stands for a disk that is nearly full: four times this is more than any has."""
    assert ask(serve(work=False, MAX_BODY_BYTES=2**62)) == 503


@pytest.mark.sqlite
def test_orders_that_a_damaged_page_refused_are_remembered(shop: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the proof writes lies on other pages, so it alone would find nothing."""
    monkeypatch.setattr(readiness, "_HOLDS", 0.0)
    fill(shop.kit)
    damage_the_page_of(shop.kit, b"evt_999")
    assert ask(shop) == 200

    assert shop.post(order_fields(event_id="zzz")).status == 503

    assert ask(shop) == 503
    monkeypatch.setattr(readiness, "_REMEMBERED", 0.0)
    assert ask(shop) == 200
