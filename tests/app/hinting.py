"""Engines as if each were of another process: they share nothing but a server that carries hints."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psycopg
import pytest

from receiver.app.engine import Engine
from receiver.app.hints.messenger import Hints, Transport
from receiver.app.hints.notifications import Notifications
from receiver.app.hints.redis_list import RedisList
from tests.app.work import Work
from tests.customers.registrars.websites import SERVERS
from tests.redis_servers import shared_server
from tests.waiting import wait_for

POSTGRESQL = SERVERS["postgresql"].replace("+psycopg", "")

StartProcess = Callable[..., Engine]


def carrier(kind: str, mark: str) -> Transport:
    """Carry the hints of the shop with this mark by a server of the machine's."""
    if kind == "redis":
        return RedisList(shared_server(), mark)
    try:
        psycopg.connect(POSTGRESQL).close()
    except psycopg.OperationalError as error:
        pytest.skip(f"no PostgreSQL server answers: {error}")
    return Notifications(POSTGRESQL, mark)


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Iterator[StartProcess]:
    """Start what one process has, with the sweep far off unless a test asks for it; without ``work`` it only hints."""
    with ExitStack() as stack:

        def start(transport: Transport, work: Work | None = None, *, threads: int = 2, every: float = 3600) -> Engine:
            monkeypatch.setattr("receiver.app.engine.UPKEEP_EVERY", every)
            engine = Engine({"orders": (work or Work()).kind(threads)}, (), threads=threads, elsewhere=Hints(transport))
            stack.callback(engine.stop)
            engine.start(work=work is not None)
            return engine

        yield start


def wake_up(web: Engine, work: Work) -> None:
    """Hint until the process with this work has heard of it."""

    def has_heard() -> bool:
        web.hint("orders")
        return work.looked > 0

    wait_for(has_heard)


def threads() -> set[str]:
    """Return the names of the threads that send or receive hints."""
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("hints")}
