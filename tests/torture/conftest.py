"""Fixtures: a fresh place on the store that the tests run on, and what starts its processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path

import pytest

from tests.end_to_end.starting import Starter
from tests.redis_servers import RedisServer, redis_server
from tests.stores import ON_POSTGRESQL, PostgreSQLServer
from tests.torture.places import POSTGRESQL, SQLITE, Place, place_in


@pytest.fixture(scope="session")
def starter() -> Iterator[Starter]:
    with closing(Starter()) as starter:
        yield starter


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer | None]:
    folder = tmp_path_factory.mktemp("redis")
    with redis_server(folder) if ON_POSTGRESQL else nullcontext() as server:
        yield server


@pytest.fixture
def place(
    tmp_path: Path, database_url: str, database_server: PostgreSQLServer | None, redis: RedisServer | None
) -> Iterator[Place]:
    """Give an instance of the test's own."""
    store = POSTGRESQL if database_server else SQLITE
    with place_in(tmp_path, store, database_url, database_server, redis) as place:
        yield place
