"""Count recent orders, their results and the waiting jobs; test orders never count."""

from __future__ import annotations

from bisect import bisect
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any

from sqlalchemy import BigInteger, func, select, type_coerce
from sqlalchemy.orm import Session

from receiver.intake import refusals
from receiver.storage.columns import milliseconds, receipt_of
from receiver.storage.models import IS_LATER, IS_TEST, HandlerRow, MailRow, OrderRow, QuarantineRow
from receiver.storage.relay_models import AlertPostRow, TransmissionRow

#: Milliseconds of a quarter of an hour: every time zone's hours and days begin at one.
_QUARTER = 15 * 60 * 1000
#: The kinds of jobs that may wait.
_JOBS: tuple[tuple[type[Any], str], ...] = (
    (OrderRow, "order"),
    (MailRow, "mail"),
    (TransmissionRow, "transmission"),
    (QuarantineRow, "question to a shop"),
    (AlertPostRow, "alert to post"),
)


@dataclass(frozen=True)
class Figures:
    """The counts of a period, and the orders received in each part of it; a refund of one is no order."""

    starts: Sequence[datetime]
    orders: Sequence[int]
    #: By state: done, failed, parked…
    states: Counter[str]
    #: Later events of orders: refunded, cancelled, updated.
    later: Counter[str]
    refused: int
    #: Whether more were refused than are kept, and so counted.
    refused_more: bool
    mails: Counter[str]

    @property
    def received(self) -> int:
        """The number of orders that came in."""
        return sum(self.orders)


@dataclass(frozen=True)
class Waiting:
    """The job that has been due for longest: an order by its receipt, or another one by its kind."""

    what: str
    receipt: str | None
    since: datetime


@dataclass(frozen=True)
class HandlerFigures:
    """When a handler last ran, and how many orders it finished in which state."""

    #: None before the first.
    last_run: datetime | None
    states: Counter[str]


def lately(session: Session, now: datetime, zone: tzinfo) -> tuple[Figures, Figures]:
    """Count this hour and the 23 before it, and today and the six days before it in this time zone."""
    return _count(session, _hours(now, zone)), _count(session, _days(now, zone))


def longest_due(session: Session, now: datetime) -> Waiting | None:
    """Return the unfinished job that has been due for longest, or None if none is due."""
    found = []
    for model, what in _JOBS:
        due = model.state == "open", model.due_at <= now
        oldest = session.execute(select(model.id, model.due_at).where(*due).order_by(model.due_at).limit(1)).first()
        if oldest is not None:
            receipt = receipt_of(oldest.id) if what == "order" else None
            found.append(Waiting(what, receipt, oldest.due_at))
    return min(found, key=lambda waiting: waiting.since, default=None)


def of_handler(session: Session, name: str, since: datetime) -> HandlerFigures:
    """Return a handler's last run, and its results since a time (aware UTC)."""
    tests = select(OrderRow.id).where(IS_TEST)
    ran = HandlerRow.name == name, HandlerRow.attempts > 0, HandlerRow.order_pk.not_in(tests)
    last_run = select(HandlerRow.changed_at).where(*ran).order_by(HandlerRow.changed_at.desc()).limit(1)
    results = select(HandlerRow.state, func.count()).where(*ran, HandlerRow.changed_at >= since)
    counted = session.execute(results.group_by(HandlerRow.state)).all()
    return HandlerFigures(session.scalar(last_run), Counter(dict(counted)))


def _hours(now: datetime, zone: tzinfo) -> list[datetime]:
    this = now.astimezone(zone).replace(minute=0, second=0, microsecond=0).astimezone(UTC)
    return [(this - timedelta(hours=number)).astimezone(zone) for number in range(23, -1, -1)]


def _days(now: datetime, zone: tzinfo) -> list[datetime]:
    today = now.astimezone(zone).date()
    return [datetime.combine(today - timedelta(days=number), time(), zone) for number in range(6, -1, -1)]


def _count(session: Session, starts: Sequence[datetime]) -> Figures:
    quarter = (type_coerce(OrderRow.received_at, BigInteger) // _QUARTER).label("quarter")
    real = OrderRow.received_at >= starts[0], OrderRow.test.is_(False)
    counted = select(quarter, OrderRow.state, func.count()).where(*real).group_by(quarter, OrderRow.state)
    edges = [milliseconds(start) for start in starts]
    orders, states = [0] * len(starts), Counter[str]()
    for number, state, found in session.execute(counted):
        states[state] += found
        orders[bisect(edges, number * _QUARTER) - 1] += found
    later = Counter[str]()
    # By an index of its own: in the one of all orders what was decided would cost each of them a bit.
    events = select(OrderRow.decided, quarter, OrderRow.state, func.count()).where(IS_LATER, *real)
    for decided, number, state, found in session.execute(events.group_by(OrderRow.decided, quarter, OrderRow.state)):
        later[str(decided)] += found
        states[state] -= found
        orders[bisect(edges, number * _QUARTER) - 1] -= found
    mails = MailRow.created_at >= starts[0], MailRow.test.is_(False)
    # An expression, so that SQLite uses the index of creation times and not the one of states, which holds all emails.
    mail_state = MailRow.state.op("||")("")
    refused = refusals.counts_since(session, starts[0])
    return Figures(
        starts=starts,
        orders=orders,
        states=states,
        later=later,
        refused=sum(refused.values()),
        refused_more=any(number >= refusals.KEPT for number in refused.values()),
        mails=Counter(dict(session.execute(select(mail_state, func.count()).where(*mails).group_by(mail_state)).all())),
    )
