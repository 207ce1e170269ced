"""The servers behind the kit fail under load: PostgreSQL is restarted, Redis is flushed, frozen and killed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from random import Random

from tests.end_to_end.starting import Starter
from tests.torture.places import Place
from tests.torture.results import Result
from tests.torture.scenes import scene_at

#: Seconds that each failure lasts.
_GONE = 0.3


def restart_postgresql(place: Place, starter: Starter, random: Random, times: int) -> Result:
    """Stop the database as a crash does, and start it again, while orders come in and are worked on."""
    server = place.postgresql
    assert server

    @contextmanager
    def gone() -> Iterator[None]:
        server.stop()
        yield
        server.start()
        place.kit.database.engine.dispose()  # our connections were to the server as it was

    return _failing(place, starter, [gone for _ in range(times)], random)


def fail_redis(place: Place, starter: Starter, random: Random, times: int) -> Result:
    """Flush Redis, freeze it and kill it by turns."""
    redis = place.redis
    assert redis

    @contextmanager
    def flushed() -> Iterator[None]:
        redis.flush()
        yield

    @contextmanager
    def frozen() -> Iterator[None]:
        redis.freeze()
        yield
        redis.thaw()

    @contextmanager
    def gone() -> Iterator[None]:
        redis.kill()
        yield
        redis.start()

    kinds = flushed, frozen, gone
    return _failing(place, starter, [kinds[number % len(kinds)] for number in range(times)], random)


def _failing(
    place: Place, starter: Starter, failures: Sequence[Callable[[], AbstractContextManager[None]]], random: Random
) -> Result:
    with scene_at(place, starter) as scene:
        for failure in failures:
            scene.load.wait_until_orders_come_in()
            time.sleep(random.uniform(0, _GONE))
            with failure():
                time.sleep(_GONE)
        scene.load.wait_until_orders_come_in()
        return replace(scene.judged(), tried=len(failures))
