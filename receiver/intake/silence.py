"""Sources that have gone quiet against their own history: shops stop sending after failures, and nobody hears of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from receiver.intake import quarantine
from receiver.intake.authentication import IMPORTED, IMPORTED_TO_RUN
from receiver.intake.refusals import PING
from receiver.mail.notices import Trouble
from receiver.sources.registry import Sources
from receiver.sources.source import Source
from receiver.storage.clock import ClockJumpRow, UpkeepRow, suspension
from receiver.storage.columns import milliseconds
from receiver.storage.models import OrderRow, RefusalRow

#: How far back a source's pauses are compared, and after how long it's no longer expected to send.
HISTORY = timedelta(days=60)
#: Fewer orders than this show no habit.
FEWEST = 20
#: The shortest silence that counts, so that a busy shop's quiet night is none.
SHORTEST = timedelta(days=1)
#: What to look for at a shop of which nothing special is known.
_AT_ANY_SHOP = "See whether its webhook, or whatever posts its orders, is still switched on and has the right address."


@dataclass(frozen=True)
class Silence:
    """A source that has gone quiet."""

    source: Source
    last: datetime
    #: How long it has lasted, and the longest pause between two orders in the 60 days before.
    length: timedelta
    longest: timedelta
    #: POSTs of it that were refused since then, as far as they're kept, and that wait in quarantine now.
    refused: int
    quarantined: int

    @property
    def headline(self) -> str:
        """What happened, in a line."""
        return f"No orders from {self.source.name} for {_words(self.length)}"

    @property
    def lines(self) -> tuple[str, ...]:
        """What that means, and what to look for."""
        last, longest = f"{self.last:%Y-%m-%d} at {self.last:%H:%M} UTC", _words(self.longest)
        refused = f"{self.refused} of its POSTs were refused since then. To see why, run: flask doctor"
        waiting = f"{self.quarantined} of its POSTs wait in quarantine. To see why, run: flask doctor"
        return (
            f"The last one arrived on {last}. In the {HISTORY.days} days before, its longest pause was {longest}.",
            *([refused] if self.refused else []),
            *([waiting] if self.quarantined else []),
            (self.source.guide.when_quiet if self.source.guide else "") or _AT_ANY_SHOP,
            f"What you missed can be imported from its export: flask orders import FILE --as {self.source.name}",
            "If the shop is just closed or slow, there's nothing to do: you're told once.",
        )


class Silences:
    """What finds the silences of the sources; each look reads only what has arrived since the one before."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        #: The id of the newest row that was looked at, when each source last sent, and its pauses while it's quiet.
        self._seen = 0
        self._last: dict[str, datetime] = {}
        self._pauses: dict[str, _Pauses] = {}

    def found(self, session: Session, now: datetime) -> list[Silence]:
        """Return the sources that are quiet for longer than ever and than twice their longest pause but one.

        Compared with single pauses, and not with an average, a shop that rests at night and at weekends has rests of
        that length in its history. Twice that covers a holiday beside a weekend. The longest pause alone isn't
        doubled: an earlier breakdown would hide the next one. While the clock can't be believed, there's none.
        """
        self._look(session, now)
        if session.get(UpkeepRow, 1) is not None and suspension(session, now) is not None:
            return []
        jumped_at = session.scalar(select(func.max(ClockJumpRow.at)).where(ClockJumpRow.at <= now))
        return [
            silence
            for source in self._sources.known
            if (silence := self._of(session, source, jumped_at, now)) is not None
        ]

    def standing(self, session: Session, now: datetime) -> list[Trouble]:
        """Return an alert for each silence; there's one until the source sends again."""
        return [
            Trouble.found(
                "source_quiet",
                milliseconds(one.last),
                one.headline,
                *one.lines,
                about=one.source.name,
                path=f"sources/{quote(one.source.name)}",
            )
            for one in self.found(session, now)
        ]

    def _look(self, session: Session, now: datetime) -> None:
        newest = session.scalar(select(func.max(OrderRow.id))) or 0
        if newest == self._seen:
            return
        arrived = select(OrderRow.source, func.max(OrderRow.received_at)).where(*_SENT, OrderRow.received_at <= now)
        # At the first look by time, whose index knows what is recent; then by id.
        is_new = OrderRow.id > self._seen if self._seen else OrderRow.received_at >= now - HISTORY
        for source, last in session.execute(arrived.where(is_new).group_by(OrderRow.source)):
            self._last[source] = max(last, self._last.get(source, last))
            self._pauses.pop(source, None)
        self._seen = newest

    def _of(self, session: Session, source: Source, jumped_at: datetime | None, now: datetime) -> Silence | None:
        last = self._last.get(source.name)
        if last is None:
            return None
        # Nobody knows how much time a jump of the clock stands for.
        length = now - max(last, jumped_at or last)
        if not SHORTEST <= length <= HISTORY:
            return None
        pauses = self._pauses.get(source.name)
        if pauses is None or pauses.before != last:
            pauses = self._pauses[source.name] = _pauses(session, source.name, last)
        if not pauses.show_habit or length <= max(pauses.longest, 2 * pauses.but_one):
            return None
        its = RefusalRow.source == quote(source.name, safe=""), RefusalRow.reason != PING
        refused = session.scalar(select(func.count()).where(RefusalRow.at > last, *its))
        waiting = quarantine.counts(session).get(source.name, 0)
        return Silence(source, last, length, pauses.longest, refused or 0, waiting)


#: A POST that the shop itself sent.
_SENT = OrderRow.test.is_(False), OrderRow.proof.not_in((IMPORTED, IMPORTED_TO_RUN))


class _Pauses(NamedTuple):
    """The two longest pauses of a source before its last order, and whether it sent enough to show a habit."""

    before: datetime
    longest: timedelta
    but_one: timedelta
    show_habit: bool


def _pauses(session: Session, name: str, last: datetime) -> _Pauses:
    mine = OrderRow.source == name, OrderRow.received_at.between(last - HISTORY, last)
    times = select(OrderRow.received_at).where(*_SENT, *mine).order_by(OrderRow.received_at)
    number, longest, but_one, before = 0, timedelta(0), timedelta(0), last
    for at in session.scalars(times.execution_options(yield_per=1000)):
        number += 1
        longest, but_one, _ = sorted((longest, but_one, at - before), reverse=True)
        before = at
    return _Pauses(last, longest, but_one, number >= FEWEST)


def _words(length: timedelta) -> str:
    """Return a length of time in days, or in hours if it's shorter than two days."""
    hours = round(length / timedelta(hours=1))
    if hours >= 48:
        return f"{hours // 24} days"
    return "an hour" if hours <= 1 else f"{hours} hours"
