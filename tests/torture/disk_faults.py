"""A database that takes no writes: its disk is full, it can only be read, or somebody has locked it for long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import Random

import psycopg

from tests.end_to_end.refusing_disks import files_end_at, foreign_writer, write_lock
from tests.end_to_end.starting import Starter
from tests.served import order_fields
from tests.torture.fleet import ALONE, fleet_at
from tests.torture.places import SQLITE, Place
from tests.torture.results import Result
from tests.torture.scenes import scene_at

#: Seconds for which a disk is full, and a file's size that every database has reached.
_FULL, _SIZE = 0.3, 4096


def full(place: Place, starter: Starter, random: Random, times: int) -> Result:
    """Refuse all processes to write to their files for a moment, again and again."""
    with scene_at(place, starter) as scene:
        for _ in range(times):
            scene.load.wait_until_orders_come_in()
            time.sleep(random.uniform(0, _FULL))
            with files_end_at(_SIZE, *(member.process.pid for member in scene.fleet.members)):
                time.sleep(_FULL)
        return replace(scene.judged(), tried=times)


def read_only(place: Place, starter: Starter, _random: Random, times: int) -> Result:
    """Serve a database that can only be read, then the same one as it should be; nothing may be kept before."""
    with _only_read(place) as url, fleet_at(place, starter, ALONE, DATABASE_URL=url) as fleet:
        statuses = [fleet.post(order_fields()).status for _ in range(times)]
        kept = len(fleet.shop.rows())
    with scene_at(place, starter) as scene:
        scene.load.wait_until_orders_come_in()
        result = scene.judged()
    refused = statuses.count(503)
    return replace(
        result,
        tried=times,
        doubled=result.doubled + kept,
        refused=result.refused + refused,
        errors=result.errors + times - refused,
    )


def locked(place: Place, starter: Starter, _random: Random, seconds: int) -> Result:
    """Lock the database for so many seconds: orders are refused in time, and taken afterwards."""
    with scene_at(place, starter) as scene:
        scene.load.wait_until_orders_come_in()
        for lock in (_locked_out, _locked_by_others):
            with lock(place):
                time.sleep(seconds / 2)
            scene.load.wait_until_orders_come_in()
        return replace(scene.judged(), tried=seconds)


@contextmanager
def _only_read(place: Place) -> Iterator[str]:
    """Give a URL by which the place's database takes no writes."""
    path = place.kit.database.path
    if path:
        yield f"sqlite:///file:{path}?mode=ro&uri=true"
        return
    url = place.settings["DATABASE_URL"]
    yield f"{url}?options=-c%20default_transaction_read_only%3Don"


@contextmanager
def _locked_out(place: Place) -> Iterator[None]:
    """Hold what the kit's own processes take turns by."""
    if place.store == SQLITE:
        with write_lock(place.instance):
            yield
        return
    with psycopg.connect(place.settings["DATABASE_URL"]) as connection:
        connection.execute("LOCK TABLE orders IN SHARE MODE")
        yield


@contextmanager
def _locked_by_others(place: Place) -> Iterator[None]:
    """Be another program that has locked the database, or the table of orders, so that nobody reads it either."""
    if place.store == SQLITE:
        with foreign_writer(place.instance):
            yield
        return
    with psycopg.connect(place.settings["DATABASE_URL"]) as connection:
        connection.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        yield
