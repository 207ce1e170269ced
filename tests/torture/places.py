"""The stores, and a fresh instance on one of them for each piece of a test."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import text

from receiver import create_app
from receiver.app.components import Kit
from receiver.app.instance import set_up
from tests.redis_servers import RedisServer, redis_server
from tests.served import SECRET
from tests.stores import PostgreSQLServer, database_of_its_own, postgresql_server
from tests.torture.inside import PACK_PARCEL, PARCELS

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL + Redis"
#: What they're called in a command.
STORES = {"sqlite": SQLITE, "postgresql": POSTGRESQL}


class Place(NamedTuple):
    """An instance with the handler whose work is counted, and what reads its database."""

    store: str
    folder: Path
    kit: Kit
    #: The settings of every process.
    settings: Mapping[str, str]
    #: The servers behind it; None on SQLite.
    postgresql: PostgreSQLServer | None = None
    redis: RedisServer | None = None

    @property
    def instance(self) -> Path:
        return self.folder / "instance"


class Servers:
    """The servers that the places of a run share, each started when it's first needed."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    @cached_property
    def postgresql(self) -> PostgreSQLServer:
        return self._stack.enter_context(postgresql_server())

    @cached_property
    def redis(self) -> RedisServer:
        folder = self._stack.enter_context(tempfile.TemporaryDirectory())
        return self._stack.enter_context(redis_server(Path(folder)))


@contextmanager
def place_on(store: str, servers: Servers) -> Iterator[Place]:
    """Make a place on a store, and remove it at the end."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="torture-")))
        if store == SQLITE:
            yield stack.enter_context(place_in(folder, store))
            return
        url = stack.enter_context(database_of_its_own(servers.postgresql, like="template0"))
        yield stack.enter_context(place_in(folder, store, url, servers.postgresql, servers.redis))


def kit_of(settings: Mapping[str, str]) -> Kit:
    """Build what reads and sets up the database that processes with these settings use."""
    overrides = {name: value for name, value in settings.items() if name not in {"INSTANCE_PATH", "SHARED_SECRETS"}}
    kit: Kit = create_app(overrides, instance_path=settings["INSTANCE_PATH"]).extensions["receiver"]
    return kit


@contextmanager
def place_in(
    folder: Path,
    store: str,
    url: str = "",
    postgresql: PostgreSQLServer | None = None,
    redis: RedisServer | None = None,
) -> Iterator[Place]:
    """Make an instance in a folder, on an empty database if it's not SQLite's."""
    settings = {"INSTANCE_PATH": str(folder / "instance"), "SHARED_SECRETS": SECRET}
    settings |= {"DATABASE_URL": url} if url else {}
    settings |= {"QUEUE_URL": redis.url} if redis else {}
    kit = kit_of(settings)
    list(set_up(kit, "the password of the torture"))
    (folder / "instance" / "handlers" / "pack_parcel.py").write_text(PACK_PARCEL, "ascii")
    with kit.database.write() as session:
        session.execute(text(PARCELS))
    try:
        yield Place(store, folder, kit, settings, postgresql, redis)
    finally:
        kit.database.engine.dispose()
