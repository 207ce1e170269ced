"""Purge what is older than RETENTION_DAYS: bodies, emails, outbox files and transmissions of settled orders."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, or_, select

from receiver.customers import parked_purge, purging
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
    """The deletion of old personal data; open orders are kept whatever their age, parked ones until a warning is old.

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
        self._next_at = 0.0  # by the steady clock: somebody may set the other one

    def look(self) -> None:
        """Purge one batch, if the day's purge isn't over yet; the upkeep's other tasks come between."""
        steady = self._steady()
        if self._under_way is None and steady >= self._next_at:
            self._next_at = steady + AGAIN.total_seconds()
            now = self._now()
            if self.suspension(now) is None:
                self._under_way = self.purge(now)
                self._next_at = steady + EVERY.total_seconds()
        try:
            if self._under_way is not None and next(self._under_way, None) is None:
                self._under_way = None
        except Exception:
            self._under_way, self._next_at = None, steady + AGAIN.total_seconds()
            raise

    def suspension(self, now: datetime) -> clock.Suspension | None:
        """Return why nothing may be deleted now; None when it may, or when RETENTION_DAYS is 0."""
        if not self._length:
            return None
        with self._database.read() as session:
            return clock.suspension(session, now)

    def purge(self, now: datetime, *, trust_clock: bool = False) -> Iterator[Purged]:
        """Purge all that is old enough, batch by batch, and yield what each took away.

        Nothing while the clock isn't believed, unless ``trust_clock``: then the dates alone count.
        """
        if not self._length:
            return
        database, has_body = (
            self._database,
            or_(OrderRow.fields != "[]", OrderRow.body.is_not(None), OrderRow.order.is_not(None)),
        )
        orders = self._old("orders", select(OrderRow.id).where(SETTLED_ORDER, has_body), now, trust_clock)
        yield from purging.empty_orders(database, orders, SETTLED_ORDER)
        yield from self._purge_parked(now, trust_clock)
        of_settled = MailRow.order_pk.is_(None) | SETTLED_ORDER
        sent = select(MailRow.id).outerjoin(OrderRow).where(SETTLED_MAIL, of_settled)
        mails = self._old("mails", sent, now, trust_clock)
        yield from purging.remove_mails(database, self._transport, mails, SETTLED_MAIL)
        delivered = select(TransmissionRow.id).where(SETTLED_TRANSMISSION)
        yield from purging.remove_transmissions(database, self._old("transmissions", delivered, now, trust_clock))

    def _purge_parked(self, now: datetime, trust_clock: bool) -> Iterator[Purged]:
        """Take away what old parked orders hold, once the merchant has been warned for long enough."""
        if not trust_clock and self.suspension(now):
            return
        with self._database.write() as session:
            if not parked_purge.may_purge(session, now, self._length):
                return
        is_parked = OrderRow.state == "parked"
        old = self._old("orders", select(OrderRow.id).where(is_parked), now, trust_clock)
        yield from purging.empty_orders(self._database, old, is_parked, state="ignored", decided=None, errors=None)

    def _old(self, name: str, which: Select[int], now: datetime, trust_clock: bool) -> Sequence[int]:
        """Return the ids of a table's rows that are old enough, of those that a statement selects."""
        with self._database.read() as session:
            if trust_clock:
                _, date = clock.DATED[name]
                is_old: ColumnElement[bool] = date < now - self._length
            elif clock.suspension(session, now):  # it may have begun since the purge did
                return []
            else:
                is_old = ages.old(session, name, now, self._length)
            return session.scalars(which.where(is_old)).all()
