"""The processes that serve a place: web processes, each with a port of its own, and workers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import cycle
from typing import Any, NamedTuple

from sqlalchemy import false, or_, update
from urllib3.exceptions import HTTPError

from receiver.storage.models import MailRow, OrderRow
from tests.end_to_end.processes import granian, server_environment
from tests.end_to_end.starting import Restarting, Starter
from tests.served import Reply, Served
from tests.smtp_servers import free_port
from tests.torture import inside
from tests.torture.places import POSTGRESQL, Place
from tests.torture.traps import Trap
from tests.waiting import wait_for

#: Of each process, and how many of its emails may go out twice when it's killed: one for every two threads.
THREADS, REPEATS = 2, 1
#: A handler that every kill meets isn't given up, nor does it wait for longer.
RETRIES = ",".join(["1"] * 40)


class Shape(NamedTuple):
    """What processes there are. Without workers, those of the one web process do the work."""

    webs: int
    workers: int
    #: Of each web process.
    served_by: int


ALONE, WITH_A_WORKER, MACHINES = Shape(1, 0, 2), Shape(1, 1, 2), Shape(2, 2, 1)


class Member(NamedTuple):
    """One process of a fleet, with those below it."""

    name: str
    process: Restarting
    #: Of a web process.
    shop: Served | None
    #: How many processes in it run jobs.
    works: int


class Fleet:
    """The processes of a place, which are killed and started again one by one."""

    def __init__(
        self, place: Place, starter: Starter, shape: Shape, settings: Mapping[str, object], port: int = 0
    ) -> None:
        self.place = place
        self._starter = starter
        self._dead: list[str] = []
        common = {
            **place.settings,
            "EMBEDDED_WORKER": not shape.workers,
            "WORKER_THREADS": THREADS,
            "RETRY_SCHEDULE": RETRIES,
            **settings,
        }
        self.webs = [self._web(number, shape, common, port) for number in range(shape.webs)]
        self.workers = [self._worker(number, common) for number in range(shape.workers)]
        self._next = cycle([web.shop for web in self.webs if web.shop])

    def post(self, fields: Mapping[str, str]) -> Reply:
        """Send an order to the web processes in turn."""
        return next(self._next).post(fields)

    @property
    def shop(self) -> Served:
        """The first web process, by which the database is read too."""
        return next(web.shop for web in self.webs if web.shop)

    @property
    def members(self) -> list[Member]:
        return [*self.webs, *self.workers]

    @property
    def working(self) -> list[Member]:
        """The processes that run jobs."""
        return [member for member in self.members if member.works]

    def trap(self, point: str, member: Member) -> Trap:
        return Trap(self.place.folder, point, member.name)

    def kill(self, member: Member) -> None:
        """Kill a process, and let its leases run out, as they have half a minute later."""
        member.process.kill()
        self._dead.append(inside.lease_prefix(member.name, member.process.pid))
        self.let_leases_of_the_dead_run_out()

    def let_leases_of_the_dead_run_out(self) -> None:
        """Free what the killed had claimed; a server may have ended their last commit after they were dead."""
        with self.place.kit.database.write() as session:
            for model in (OrderRow, MailRow):
                theirs = or_(false(), *(model.lease_token.startswith(prefix) for prefix in self._dead))
                session.execute(update(model).where(theirs).values(lease_token=None, lease_until=None))

    def wait_until_it_works(self, member: Member) -> None:
        """Wait until a process that was started answers, or runs the handler."""
        beat = inside.beat(self.place.folder, member.name)
        beat.unlink(missing_ok=True)
        wait_for(beat.exists if member.works else lambda: answers(member.shop))

    def end(self) -> None:
        for member in self.members:
            member.process.end()
            if member.shop:
                member.shop.close()

    @property
    def log(self) -> str:
        """Everything that the processes have printed."""
        logs = [self.place.folder / f"{member.name}.log" for member in self.members]
        return "".join(log.read_text("utf-8", "backslashreplace") for log in logs if log.exists())

    def _web(self, number: int, shape: Shape, settings: Mapping[str, object], port: int) -> Member:
        port, name = port or free_port(), f"web-{number}"
        shop = Served(f"http://127.0.0.1:{port}", self.place.kit)
        process = self._process(name, granian(port, workers=shape.served_by), settings)
        return Member(name, process, shop, works=0 if shape.workers else shape.served_by)

    def _worker(self, number: int, settings: Mapping[str, object]) -> Member:
        name = f"worker-{number}"
        return Member(name, self._process(name, ["flask", "worker"], settings), None, works=1)

    def _process(self, name: str, command: Sequence[str], settings: Mapping[str, object]) -> Restarting:
        names = {inside.FOLDER: str(self.place.folder), inside.NAME: name}
        return Restarting(
            command, server_environment(**settings) | names, self.place.folder / f"{name}.log", self._starter
        )


def answers(shop: Served | None) -> bool:
    """Return whether a web process answers."""
    with suppress(HTTPError):
        return shop is not None and shop.request("GET", "/healthz").status == 200
    return False


@contextmanager
def fleet_at(
    place: Place, starter: Starter, shape: Shape | None = None, *, port: int = 0, **settings: Any
) -> Iterator[Fleet]:
    """Serve a place until the block ends, by default as its store is for; a ``port`` is of the one web process."""
    shape = shape or (MACHINES if place.store == POSTGRESQL else WITH_A_WORKER)
    fleet = Fleet(place, starter, shape, settings, port)
    try:
        for web in fleet.webs:
            wait_for(lambda web=web: answers(web.shop))  # type: ignore[misc]
        yield fleet
    finally:
        fleet.end()
