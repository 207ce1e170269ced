"""What a test finds: a place that's served, orders that come in, and a mail server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from tests.end_to_end.starting import Starter
from tests.torture.fleet import Fleet, Shape, fleet_at
from tests.torture.judging import judge
from tests.torture.mailbox import CountingMailbox, counting_mailbox
from tests.torture.places import Place
from tests.torture.results import Result
from tests.torture.senders import Load, load_on


class Scene(NamedTuple):
    """A fleet under load."""

    fleet: Fleet
    load: Load
    mailbox: CountingMailbox

    def judged(self, *, repeats: int = 0) -> Result:
        """Get everything acknowledged and worked on, and count what's lost and doubled; so many emails may be twice."""
        self.load.finish()
        self.fleet.let_leases_of_the_dead_run_out()
        return judge(self.fleet, self.load.sent, self.mailbox.taken, repeats=repeats)


@contextmanager
def scene_at(
    place: Place, starter: Starter, shape: Shape | None = None, *, pause: float = 0.2, **settings: Any
) -> Iterator[Scene]:
    """Serve a place, by default as its store is for, and send orders to it until the block ends."""
    with (
        counting_mailbox() as (mailbox, mail_settings),
        fleet_at(place, starter, shape, **mail_settings, **settings) as fleet,
        load_on(fleet.post, pause=pause) as load,
    ):
        yield Scene(fleet, load, mailbox)
