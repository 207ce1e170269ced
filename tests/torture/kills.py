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
from tests.torture.fleet import ALONE, REPEATS, Fleet, Member, Shape, fleet_at
from tests.torture.judging import judge
from tests.torture.mailbox import CountingMailbox, counting_mailbox
from tests.torture.places import Place
from tests.torture.results import Result
from tests.torture.senders import Load, load_on

#: Longest that a process lives once it has begun a commit, in seconds; most commits take less.
_LONGEST_COMMIT = 0.003


class Scene(NamedTuple):
    """What a kill meets."""

    fleet: Fleet
    load: Load
    mailbox: CountingMailbox
    random: Random


class Killed(NamedTuple):
    """A process that was killed, and whether it was provably where it was meant to be; None if that was anywhere."""

    member: Member
    was_inside: bool | None = None


#: Kills a process of a scene.
Kill = Callable[[Scene], Killed]


def a_web_process(scene: Scene) -> Killed:
    """Kill a web process at any moment."""
    return _at_any_moment(scene, scene.random.choice(scene.fleet.webs))


def a_worker(scene: Scene) -> Killed:
    """Kill a worker at any moment."""
    return _at_any_moment(scene, scene.random.choice(scene.fleet.workers))


def in_a_commit(scene: Scene) -> Killed:
    """Have a process kill itself between the beginning of a commit and a moment later."""
    member = scene.random.choice(scene.fleet.members)
    trap = scene.fleet.trap(inside.COMMIT, member)
    trap.done.unlink(missing_ok=True)
    trap.set(f"{scene.random.uniform(0, _LONGEST_COMMIT):.6f}")
    trap.wait()
    time.sleep(2 * _LONGEST_COMMIT)
    scene.fleet.kill(member)
    return Killed(member, was_inside=not trap.done.exists())


def in_a_handler(scene: Scene) -> Killed:
    """Kill a process while a handler runs in it, before or after it wrote to the database."""
    member = scene.random.choice(scene.fleet.working)
    trap = scene.fleet.trap(scene.random.choice([inside.BEFORE, inside.AFTER]), member)
    trap.set("wait")
    trap.wait()
    scene.fleet.kill(member)
    return Killed(member, was_inside=True)


def in_data(scene: Scene) -> Killed:
    """Kill the process that waits for the answer to an email; the server keeps it or not."""
    message_id = scene.mailbox.hold_next(keeps=scene.random.random() < 0.5)
    with scene.fleet.place.kit.database.read() as session:
        token = session.scalars(select(MailRow.lease_token).where(MailRow.message_id == message_id)).one() or ""
    name = token.partition("/")[0]
    (member,) = (member for member in scene.fleet.working if member.name == name)
    scene.fleet.kill(member)
    scene.mailbox.let_go()
    return Killed(member, was_inside=True)


def _at_any_moment(scene: Scene, member: Member) -> Killed:
    time.sleep(scene.random.uniform(0, 0.4))
    scene.fleet.kill(member)
    return Killed(member)


def under_load(
    kill: Kill, place: Place, starter: Starter, random: Random, kills: int, *, shape: Shape | None = None
) -> Result:
    """Kill so many times while orders come in, and compare what's there with what was acknowledged."""
    repeats = was_inside = 0
    with (
        counting_mailbox() as (mailbox, settings),
        fleet_at(place, starter, shape, **settings) as fleet,
        load_on(fleet.post) as load,
    ):
        for _ in range(kills):
            load.wait_until_orders_come_in()
            killed = kill(Scene(fleet, load, mailbox, random))
            was_inside += bool(killed.was_inside)
            repeats += killed.member.works * REPEATS
            killed.member.process.start()
            fleet.wait_until_it_works(killed.member)
        load.finish()
        fleet.let_leases_of_the_dead_run_out()
        result = judge(fleet, load, mailbox.taken, repeats=repeats)
    return replace(result, tried=kills, notes={"provably inside": was_inside, **result.notes})


def of_some_workers_for_good(place: Place, starter: Starter, random: Random, workers: int) -> Result:
    """Kill half of the workers while they work; the others take their jobs over when the leases have run out."""
    with (
        counting_mailbox() as (mailbox, settings),
        fleet_at(place, starter, Shape(1, 2 * workers, 1), **settings) as fleet,
        load_on(fleet.post, pause=0.02) as load,
    ):
        for dead in random.sample(fleet.workers, workers):
            fleet.wait_until_it_works(dead)
            dead.process.kill()
        load.finish()
        result = judge(fleet, load, mailbox.taken, repeats=REPEATS * workers)
    return replace(result, tried=workers)


def alone(kill: Kill) -> Callable[..., Result]:
    """Return the test of a web process that does the work too, and no other."""
    return lambda *args: under_load(kill, *args, shape=ALONE)
