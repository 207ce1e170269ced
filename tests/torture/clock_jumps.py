"""The wall clock of all processes jumps under load, by hours and by years; nobody else's does."""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import func, select

from receiver.storage.models import MailRow, OrderRow
from tests.end_to_end.processes import server_environment
from tests.end_to_end.starting import Restarting, Starter
from tests.torture.places import Place
from tests.torture.results import Result
from tests.torture.scenes import Scene, scene_at
from tests.waiting import wait_for

_RIGHT = timedelta()
#: How far the clock is off, by turns. Two years ahead is next to 400 days behind, the furthest way that one jump goes.
_JUMPS = timedelta(days=730), timedelta(days=-400), timedelta(hours=1), timedelta(hours=-1), _RIGHT
#: Seconds until an email is tried again: by then the clock has jumped once more.
_RETRIES = ",".join(["20"] * 40)
#: A time on disk is by the clock if it's no further from it.
_NEAR = timedelta(minutes=5)


def under_load(place: Place, starter: Starter, _random: Random, times: int) -> Result:
    """Let the clock jump so many times and come back; no body and no email may be purged by any of these clocks."""
    with _skewed(place.folder) as (clock, skewed), scene_at(place, skewed, RETRY_SCHEDULE=_RETRIES) as scene:
        for number in range(times):
            scene.load.wait_until_orders_come_in()
            clock.jump(_JUMPS[number % len(_JUMPS)])
            wait_for(lambda: clock.dates_newest_of(scene))
            _put_an_email_off(scene)
            _prune(place, skewed)
        clock.jump(_RIGHT)
        wait_for(lambda: clock.dates_newest_of(scene))
        result = scene.judged()
        mails = len(scene.fleet.shop.rows(MailRow))
        log = _prune(place, skewed)
        purged = mails - len(scene.fleet.shop.rows(MailRow)) + _emptied(scene)
    return replace(result, tried=times, lost=result.lost + purged, errors=result.errors + log.count("Traceback"))


class _Clock:
    """The clock of the processes that were started with it."""

    def __init__(self, offset: Path) -> None:
        self._offset = offset
        self._ahead = _RIGHT
        offset.write_bytes(struct.pack("@l", 0))

    def jump(self, ahead: timedelta) -> None:
        """Be so far ahead of the machine's clock."""
        self._ahead = ahead
        with self._offset.open("r+b") as file:  # it's mapped, so it may not be emptied
            file.write(struct.pack("@l", round(ahead.total_seconds())))

    def dates_newest_of(self, scene: Scene) -> bool:
        """Return whether the newest order on disk is dated by this clock."""
        with scene.fleet.place.kit.database.read() as session:
            newest = session.scalar(select(OrderRow.received_at).order_by(OrderRow.id.desc()).limit(1))
        return newest is not None and abs(newest - datetime.now(UTC) - self._ahead) < _NEAR


@contextmanager
def _skewed(folder: Path) -> Iterator[tuple[_Clock, Starter]]:
    """Give a clock, and what starts processes by it as long as the block runs."""
    library, offset = folder / "skewed_clock.so", folder / "clock"
    compiler = shutil.which("cc")
    if compiler is None:
        raise RuntimeError("there's no C compiler to skew clocks with; on Debian: apt-get install gcc libc6-dev")
    source = Path(__file__).with_name("skewed_clock.c")
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    clock = _Clock(offset)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LD_PRELOAD", str(library))
        patch.setenv("SKEWED_CLOCK", str(offset))
        with closing(Starter()) as starter:
            yield clock, starter


def _put_an_email_off(scene: Scene) -> None:
    """Refuse an email for now, so that it's due again by the clock of this moment."""
    message_id = scene.mailbox.hold_next(keeps=False)
    scene.mailbox.let_go()

    def is_put_off() -> bool:
        with scene.fleet.place.kit.database.read() as session:
            mail = session.scalars(select(MailRow).where(MailRow.message_id == message_id)).one()
        return mail.state == "open" and mail.lease_token is None and bool(mail.detail)

    wait_for(is_put_off)


def _prune(place: Place, starter: Starter) -> str:
    """Purge what's old by the clock, as the upkeep does once a day; return all that was said so far."""
    log = place.folder / "prune.log"
    process = Restarting(["flask", "prune"], server_environment(**place.settings), log, starter)
    wait_for(lambda: not process.is_running)
    process.end()
    return log.read_text("utf-8", "backslashreplace")


def _emptied(scene: Scene) -> int:
    """Return how many orders have lost their bodies."""
    with scene.fleet.place.kit.database.read() as session:
        return session.scalar(select(func.count()).where(OrderRow.fields == "[]")) or 0
