"""Metrics of what came in and what was refused, and of the emails made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from receiver.intake import refusals
from receiver.orders.states import LATER
from receiver.storage.models import IS_LATER, MailRow, OrderRow, RefusalRow

#: Rows of the past hour that are counted at most: reading takes as long in a busy hour as after a million orders.
_MOST = 10_000
_AT_MOST = f"the newest {_MOST:,} at most"
_ORDER_STATES = ("open", "done", "failed", "parked", "ignored", "duplicate")
_MAIL_STATES = ("open", "sent", "failed")


def metrics(session: Session, since: datetime) -> Iterator[Metric]:
    """Yield how much ever came in, and what of it since a moment."""
    # By the highest ids: counting takes longer with each row. Of both tables the newest row is never deleted.
    yield CounterMetricFamily(
        "receiver_receipts",
        "Deliveries kept so far: the number of the newest receipt. On PostgreSQL copies take numbers too.",
        session.scalar(select(func.max(OrderRow.id))) or 0,
    )
    yield CounterMetricFamily(
        "receiver_refusals",
        "Refused POSTs so far, set-up pings counted too.",
        session.scalar(select(func.max(RefusalRow.id))) or 0,
    )
    of_hour = OrderRow.received_at >= since, OrderRow.test.is_(False)
    kept = select(OrderRow.state, OrderRow.copies).where(*of_hour).order_by(OrderRow.received_at.desc())
    newest = kept.limit(_MOST).subquery()
    by_state = select(newest.c.state, func.count(), func.sum(newest.c.copies)).group_by(newest.c.state)
    found = session.execute(by_state).all()
    yield _by(
        "state",
        dict.fromkeys(_ORDER_STATES, 0) | {state: number for state, number, _ in found},
        "receiver_deliveries_past_hour",
        f"Deliveries kept in the past hour, by their state now; {_AT_MOST}. Test orders don't count.",
    )
    yield GaugeMetricFamily(
        "receiver_copies_past_hour",
        "How often these deliveries have come again.",
        sum(copies for _, _, copies in found),
    )
    events = select(OrderRow.decided).where(IS_LATER, *of_hour).order_by(OrderRow.received_at.desc())
    yield _by(
        "event",
        dict.fromkeys(sorted(LATER), 0) | _counted(session, events),
        "receiver_later_events_past_hour",
        f"Refunds, cancellations and changes kept in the past hour; {_AT_MOST}.",
    )
    yield _by(
        "reason",
        refusals.counts_since(session, since),
        "receiver_refusals_past_hour",
        f"POSTs refused in the past hour, by reason; the newest {refusals.KEPT} of each at most.",
    )
    mails = select(MailRow.state).where(MailRow.created_at >= since, MailRow.test.is_(False))
    yield _by(
        "state",
        dict.fromkeys(_MAIL_STATES, 0) | _counted(session, mails.order_by(MailRow.created_at.desc())),
        "receiver_mails_past_hour",
        f"Emails made in the past hour, by their state now; {_AT_MOST}. Those of test orders don't count.",
    )


def _counted(session: Session, newest_first: Select[Any]) -> dict[str, int]:
    """Return how often each value is among the first rows that a statement selects."""
    newest = newest_first.limit(_MOST).subquery()
    value = newest.c[0]
    return dict(session.execute(select(value, func.count()).group_by(value)).all())


def _by(label: str, found: Mapping[str, int], name: str, meaning: str) -> Metric:
    gauge = GaugeMetricFamily(name, meaning, labels=[label])
    for value, number in found.items():
        gauge.add_metric([value], number)
    return gauge
