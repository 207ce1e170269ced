"""Make jobs due now that are due later than any wait could put them off: the clock was ahead then."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlalchemy.orm import Session

from receiver.dispatch.handler_rows import LONGEST_WAIT
from receiver.relay.transmissions import LONGEST_PAUSE
from receiver.storage.account_models import RegistrationRow
from receiver.storage.columns import Job
from receiver.storage.database import Database
from receiver.storage.leases import Leases
from receiver.storage.models import HandlerRow, MailRow, OrderRow
from receiver.storage.relay_models import TransmissionRow

#: How far ahead of now a moment may lie that is said to have been.
_SLACK = timedelta(minutes=5)
_LOOK_EVERY_SECONDS = 60.0
#: Orders of one statement.
_BATCH = 500

#: The model of each kind of job, and the condition of those that are far off; by the kind's name.
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
        """Make them due, once a minute; one that a run has claimed, once that run's lease has ended."""
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
    """Return which jobs of each kind are far off, whether or not a run has claimed them."""
    longest = timedelta(seconds=max([60, *schedule]))
    return {
        "orders": (OrderRow, _order_is_far_off(now, max(longest, LONGEST_WAIT))),
        "mails": (MailRow, _is_far_off(MailRow, now + longest)),
        "transmissions": (TransmissionRow, _is_far_off(TransmissionRow, now + LONGEST_PAUSE)),
        "registrations": (RegistrationRow, _is_far_off(RegistrationRow, now + longest)),
    }


def counts(session: Session, far_off: Conditions) -> dict[str, int]:
    """Count them by the name of their kind; kinds that have none are left out."""
    found = {
        name: session.scalar(select(func.count()).select_from(model).where(which))
        for name, (model, which) in far_off.items()
    }
    return {name: count for name, count in found.items() if count}


def _is_far_off(model: type[Job], latest: datetime) -> ColumnElement[bool]:
    return and_(model.state == "open", model.due_at > latest)


def _order_is_far_off(now: datetime, longest: timedelta) -> ColumnElement[bool]:
    """Return the condition of orders; a handler may ask for any wait by RetryLater, but not at a moment to come."""
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
