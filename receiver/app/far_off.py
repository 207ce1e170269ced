"""Make far-off jobs due now: if one is due later than any wait allows, the clock was ahead when it was scheduled."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlalchemy.orm import Session

from receiver.dispatch.handler_rows import LONGEST_WAIT
from receiver.intake.quarantine import KEPT_FOR
from receiver.relay.alert_posts import SCHEDULE as ALERT_SCHEDULE
from receiver.relay.transmissions import LONGEST_PAUSE
from receiver.storage.account_models import RegistrationRow
from receiver.storage.columns import Job
from receiver.storage.database import Database
from receiver.storage.leases import Leases
from receiver.storage.models import HandlerRow, MailRow, OrderRow, QuarantineRow
from receiver.storage.relay_models import AlertPostRow, TransmissionRow

#: A past time in a row may be this far ahead of the clock without being wrong.
_SLACK = timedelta(minutes=5)
_LOOK_EVERY_SECONDS = 60.0
#: Orders per statement.
_BATCH = 500

#: For each kind of job, its model and the condition of those that are far off.
Conditions = dict[str, tuple[type[Job], ColumnElement[bool]]]

log = logging.getLogger(__name__)


class FarOff:
    """The upkeep that makes such jobs due; ``schedule`` is the retry schedule in seconds."""

    def __init__(
        self,
        database: Database,
        leases: Leases,
        schedule: Sequence[int],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._leases = leases
        self._schedule = schedule
        self._now = now
        self._steady = steady
        self._look_again_at = 0.0

    def look(self) -> None:
        """Make such jobs due, once a minute. A job that a run has claimed must wait for that run's lease to end."""
        if self._steady() < self._look_again_at:
            return
        self._look_again_at = self._steady() + _LOOK_EVERY_SECONDS
        now = self._now()
        free = {
            name: (model, and_(which, self._leases.free(model)))
            for name, (model, which) in conditions(self._schedule, now).items()
        }
        with self._database.read() as session:
            found = counts(session, free)
        if found:
            said = ", ".join(f"{count} {name}" for name, count in found.items())
            log.warning("due later than any wait, so due now: %s", said)
            with self._database.write() as session:
                _make_due(session, free, now)


def conditions(schedule: Sequence[int], now: datetime) -> Conditions:
    """Return the condition of far-off jobs for each kind, claimed ones included."""
    longest = timedelta(seconds=max([60, *schedule]))
    return {
        "orders": (OrderRow, _order_is_far_off(now, max(longest, LONGEST_WAIT))),
        "mails": (MailRow, _is_far_off(MailRow, now + longest)),
        "transmissions": (TransmissionRow, _is_far_off(TransmissionRow, now + LONGEST_PAUSE)),
        "registrations": (RegistrationRow, _is_far_off(RegistrationRow, now + longest)),
        "asking": (QuarantineRow, _is_far_off(QuarantineRow, now + KEPT_FOR)),
        "alerts": (AlertPostRow, _is_far_off(AlertPostRow, now + timedelta(seconds=max(ALERT_SCHEDULE)))),
    }


def counts(session: Session, far_off: Conditions) -> dict[str, int]:
    """Count these jobs by kind, without the kinds that have none."""
    found = {
        name: session.scalar(select(func.count()).select_from(model).where(which))
        for name, (model, which) in far_off.items()
    }
    return {name: count for name, count in found.items() if count}


def _is_far_off(model: type[Job], latest: datetime) -> ColumnElement[bool]:
    return and_(model.state == "open", model.due_at > latest)


def _order_is_far_off(now: datetime, longest: timedelta) -> ColumnElement[bool]:
    """Return the condition for orders.

    A handler may ask for any wait by RetryLater, so a long wait alone proves nothing. One that was asked for in the
    future does: the clock was ahead.
    """
    waits = HandlerRow.order_pk == OrderRow.id, HandlerRow.state == "retrying", HandlerRow.due_at > now + longest
    asked_for = exists().where(*waits, HandlerRow.changed_at <= now + _SLACK)
    impossible = exists().where(*waits, HandlerRow.changed_at > now + _SLACK)
    return and_(_is_far_off(OrderRow, now + longest), or_(impossible, ~asked_for))


def _make_due(session: Session, far_off: Conditions, now: datetime) -> None:
    _, of_orders = far_off["orders"]
    orders = session.scalars(select(OrderRow.id).where(of_orders)).all()
    for model, which in far_off.values():  # orders before their handlers, by which they are found
        session.execute(update(model).where(which).values(due_at=now).execution_options(synchronize_session=False))
    for start in range(0, len(orders), _BATCH):
        mine, ahead = HandlerRow.order_pk.in_(orders[start : start + _BATCH]), now + _SLACK
        for column, is_ahead in (
            (HandlerRow.due_at, and_(HandlerRow.due_at > ahead, HandlerRow.changed_at > ahead)),
            (HandlerRow.waiting_since, HandlerRow.waiting_since > ahead),
        ):
            to_now = update(HandlerRow).where(mine, is_ahead).values({column: now})
            session.execute(to_now.execution_options(synchronize_session=False))
