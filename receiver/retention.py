"""Purge what is older than RETENTION_DAYS: bodies, mails, outbox files and transmissions of settled orders."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import or_, select

from receiver import purging
from receiver.database import Database
from receiver.mail import MailTransport
from receiver.models import MailRow, OrderRow
from receiver.purging import SETTLED_MAIL, SETTLED_ORDER, SETTLED_TRANSMISSION, Purged
from receiver.relay.tables import TransmissionRow

#: How often the worker's upkeep purges.
EVERY = timedelta(days=1)
#: How long after a failure it begins anew.
AGAIN = timedelta(minutes=10)


class Retention:
    """Keeps no body for longer than the setting says; parked and open orders stay whole whatever their age."""

    def __init__(self, database: Database, transport: MailTransport, *, days: int) -> None:
        self._database = database
        self._transport = transport
        self._days = days
        self._under_way: Iterator[Purged] | None = None
        self._next_at = datetime.min.replace(tzinfo=UTC)

    def look(self) -> None:
        """Purge one batch, if the day's purge is not over yet; the upkeep's other tasks come between."""
        now = datetime.now(UTC)
        if self._under_way is None and now >= self._next_at:
            self._under_way = self.purge(now)
            self._next_at = now + EVERY
        try:
            is_over = self._under_way is None or next(self._under_way, None) is None
        except Exception:
            self._under_way, self._next_at = None, now + AGAIN
            raise
        if is_over:
            self._under_way = None

    def purge(self, now: datetime) -> Iterator[Purged]:
        """Purge all that is old enough, batch by batch; gives what each took away."""
        if not self._days:
            return
        before = now - timedelta(days=self._days)
        yield from purging.empty_orders(self._database, self._old_orders(before))
        are_settled = MailRow.state.in_(SETTLED_MAIL)  # one may be sent again meanwhile
        yield from purging.remove_mails(self._database, self._transport, self._old_mails(before), are_settled)
        yield from purging.remove_transmissions(self._database, self._old_transmissions(before))

    def _old_orders(self, before: datetime) -> list[int]:
        has_body = or_(OrderRow.fields != "[]", OrderRow.order.is_not(None))
        old = OrderRow.received_at < before, OrderRow.state.in_(SETTLED_ORDER), has_body
        with self._database.read() as session:
            return list(session.scalars(select(OrderRow.id).where(*old)))

    def _old_mails(self, before: datetime) -> list[int]:
        of_settled = or_(MailRow.order_pk.is_(None), OrderRow.state.in_(SETTLED_ORDER))
        old = MailRow.created_at < before, MailRow.state.in_(SETTLED_MAIL), of_settled
        with self._database.read() as session:
            return list(session.scalars(select(MailRow.id).outerjoin(OrderRow).where(*old)))

    def _old_transmissions(self, before: datetime) -> list[int]:
        old = TransmissionRow.created_at < before, TransmissionRow.state.in_(SETTLED_TRANSMISSION)
        with self._database.read() as session:
            return list(session.scalars(select(TransmissionRow.id).where(*old)))
