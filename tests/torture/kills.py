"""kill -9 of processes under load: at any moment, in a commit, in a handler, while the mail server has an email."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import NamedTuple

from sqlalchemy import select

from receiver.storage.models import MailRow
from tests.end_to_end.starting import Starter
from tests.torture import inside
from tests.torture.fleet import ALONE, REPEATS, Member, Shape
from tests.torture.places import Place
from tests.torture.results import Result
from tests.torture.scenes import Scene, scene_at

#: Longest that a process lives once it has begun a commit, in seconds; most commits take less.
_LONGEST_COMMIT = 0.003


class Killed(NamedTuple):
    """A process that was killed, and whether it was provably where it was meant to be."""

    member: Member
    was_inside: bool = False


#: Kills a process of a scene.
Kill = Callable[[Scene, Random], Killed]


def a_web_process(scene: Scene, random: Random) -> Killed:
    """Kill a web process at any moment."""
    return _at_any_moment(scene, random, random.choice(scene.fleet.webs))


def a_worker(scene: Scene, random: Random) -> Killed:
    """Kill a worker at any moment."""
    return _at_any_moment(scene, random, random.choice(scene.fleet.workers))


def in_a_commit(scene: Scene, random: Random) -> Killed:
    """Have a process kill itself between the beginning of a commit and a moment later."""
    member = random.choice(scene.fleet.members)
    trap = scene.fleet.trap(inside.COMMIT, member)
    trap.done.unlink(missing_ok=True)
    trap.set(f"{random.uniform(0, _LONGEST_COMMIT):.6f}")
    trap.wait()
    time.sleep(2 * _LONGEST_COMMIT)
    scene.fleet.kill(member)
    return Killed(member, was_inside=not trap.done.exists())


def in_a_handler(scene: Scene, random: Random) -> Killed:
    """Kill a process while a handler runs in it, before or after it wrote to the database."""
    member = random.choice(scene.fleet.working)
    trap = scene.fleet.trap(random.choice([inside.BEFORE, inside.AFTER]), member)
    trap.set("wait")
    trap.wait()
    scene.fleet.kill(member)
    return Killed(member, was_inside=True)


def in_data(scene: Scene, random: Random) -> Killed:
    """Kill the process that waits for the answer to an email; the server keeps it or not."""
    message_id = scene.mailbox.hold_next(keeps=random.random() < 0.5)
    with scene.fleet.place.kit.database.read() as session:
        token = session.scalars(select(MailRow.lease_token).where(MailRow.message_id == message_id)).one() or ""
    name = token.partition("/")[0]
    (member,) = (member for member in scene.fleet.working if member.name == name)
    scene.fleet.kill(member)
    scene.mailbox.let_go()
    return Killed(member, was_inside=True)


def _at_any_moment(scene: Scene, random: Random, member: Member) -> Killed:
    time.sleep(random.uniform(0, 0.4))
    scene.fleet.kill(member)
    return Killed(member)


def under_load(
    kill: Kill, place: Place, starter: Starter, random: Random, kills: int, *, shape: Shape | None = None
) -> Result:
    """Kill so many times while orders come in, and compare what's there with what was acknowledged."""
    repeats = was_inside = 0
    with scene_at(place, starter, shape) as scene:
        for _ in range(kills):
            scene.load.wait_until_orders_come_in()
            killed = kill(scene, random)
            was_inside += killed.was_inside
            repeats += killed.member.works * REPEATS
            killed.member.process.start()
            scene.fleet.wait_until_it_works(killed.member)
        result = scene.judged(repeats=repeats)
    return replace(result, tried=kills, notes={"provably inside": was_inside, **result.notes})


def of_some_workers_for_good(place: Place, starter: Starter, random: Random, workers: int) -> Result:
    """Kill half of the workers while they work; the others take their jobs over when the leases have run out."""
    with scene_at(place, starter, Shape(1, 2 * workers, 1), pause=0.02) as scene:
        for dead in random.sample(scene.fleet.workers, workers):
            scene.fleet.wait_until_it_works(dead)
            dead.process.kill()
        result = scene.judged(repeats=REPEATS * workers)
    return replace(result, tried=workers)


def alone(kill: Kill) -> Callable[..., Result]:
    """Return the test of a web process that does the work too, and no other."""
    return lambda *args: under_load(kill, *args, shape=ALONE)
