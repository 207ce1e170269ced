"""Purge what is older than RETENTION_DAYS: bodies, mails, outbox files and transmissions of settled orders."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, false, or_, select
from sqlalchemy.orm import Session

from receiver.customers import purging
from receiver.customers.purging import SETTLED_MAIL, SETTLED_ORDER, SETTLED_TRANSMISSION, Purged
from receiver.mail.transport import MailTransport
from receiver.storage import ages, clock
from receiver.storage.database import Database
from receiver.storage.models import MailRow, OrderRow
from receiver.storage.relay_models import TransmissionRow

#: How often the worker's upkeep purges.
EVERY = timedelta(days=1)
#: How long after a failure, or while nothing may be purged, it tries again.
AGAIN = timedelta(minutes=10)


class Retention:
    """The deletion of old personal data; parked and open orders are kept whatever their age.

    Nothing is purged while the clock disagrees with the upkeep's heartbeat.
    """

    def __init__(
        self,
        database: Database,
        transport: MailTransport,
        *,
        days: int,
        now: Callable[[], datetime] = clock.utc_now,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._transport = transport
        self._length = timedelta(days=days)
        self._now = now
        self._steady = steady
        self._under_way: Iterator[Purged] | None = None
        self._next_at = 0.0  # of the steady clock: the other one may be set

    def look(self) -> None:
        """Purge one batch, if the day's purge is not over yet; the upkeep's other tasks come between."""
        steady = self._steady()
        if self._under_way is None and steady >= self._next_at:
            self._next_at = steady + AGAIN.total_seconds()
            now = self._now()
            if self.suspension(now) is None:
                self._under_way = self.purge(now)
                self._next_at = steady + EVERY.total_seconds()
        try:
            is_over = self._under_way is None or next(self._under_way, None) is None
        except Exception:
            self._under_way, self._next_at = None, steady + AGAIN.total_seconds()
            raise
        if is_over:
            self._under_way = None

    def suspension(self, now: datetime) -> clock.Suspension | None:
        """Return why nothing may be deleted now; None when it may, or when RETENTION_DAYS is 0."""
        if not self._length:
            return None
        with self._database.read() as session:
            return clock.suspension(session, now)

    def purge(self, now: datetime, *, trust_clock: bool = False) -> Iterator[Purged]:
        """Purge all that is old enough, batch by batch; gives what each took away.

        Nothing while the clock is not believed, unless told to ``trust_clock``: then the dates alone count.
        """
        if not self._length:
            return
        old = _Old(now, self._length, trust_clock)
        yield from purging.empty_orders(self._database, self._old_orders(old))
        are_settled = MailRow.state.in_(SETTLED_MAIL)  # one may be sent again meanwhile
        yield from purging.remove_mails(self._database, self._transport, self._old_mails(old), are_settled)
        yield from purging.remove_transmissions(self._database, self._old_transmissions(old))

    def _old_orders(self, old: _Old) -> list[int]:
        has_body = or_(OrderRow.fields != "[]", OrderRow.order.is_not(None))
        with self._database.read() as session:
            which = old.rows(session, "orders"), OrderRow.state.in_(SETTLED_ORDER), has_body
            return list(session.scalars(select(OrderRow.id).where(*which)))

    def _old_mails(self, old: _Old) -> list[int]:
        of_settled = or_(MailRow.order_pk.is_(None), OrderRow.state.in_(SETTLED_ORDER))
        with self._database.read() as session:
            which = old.rows(session, "mails"), MailRow.state.in_(SETTLED_MAIL), of_settled
            return list(session.scalars(select(MailRow.id).outerjoin(OrderRow).where(*which)))

    def _old_transmissions(self, old: _Old) -> list[int]:
        with self._database.read() as session:
            which = old.rows(session, "transmissions"), TransmissionRow.state.in_(SETTLED_TRANSMISSION)
            return list(session.scalars(select(TransmissionRow.id).where(*which)))


class _Old:
    """The conditions for rows that are old enough when a purge begins."""

    def __init__(self, now: datetime, length: timedelta, trust_clock: bool) -> None:
        self._now = now
        self._length = length
        self._trust_clock = trust_clock

    def rows(self, session: Session, name: str) -> ColumnElement[bool]:
        """Return the condition that a row of this table is old."""
        if self._trust_clock:
            _, date = clock.DATED[name]
            by_date: ColumnElement[bool] = date < self._now - self._length
            return by_date
        if clock.suspension(session, self._now):  # it may have begun since the purge did
            return false()
        return ages.old(session, name, self._now, self._length)
