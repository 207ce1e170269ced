"""Metrics of the handlers: how their attempts ended, how long they took, and which handlers failed."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from receiver.dispatch.handler_rows import NOT_ENDED
from receiver.storage.models import AttemptRow, HandlerRow, OrderRow

#: Rows read at most: for each, its order is looked up, and of an attempt its handler too.
_MOST = 2_000
_AT_MOST = f"the newest {_MOST:,} at most"
#: Which durations are shown: what half of the attempts took at most, what nearly all did, and the longest.
_QUANTILES = ("0.5", "0.95", "1")


def metrics(session: Session, since: datetime) -> Iterator[Metric]:
    """Yield figures of the attempts and the failures since a moment; those on test orders don't count."""
    ended, durations = Counter[tuple[str, str]](), defaultdict[str, list[int]](list)
    for name, state, milliseconds in _attempts(session, since):
        ended[name, state] += 1
        durations[name].append(milliseconds)
    attempts = GaugeMetricFamily(
        "receiver_attempts_past_hour",
        f"Attempts at handlers in the past hour, by how they ended; {_AT_MOST}. Those on test orders don't count.",
        labels=["handler", "state"],
    )
    for labels, number in sorted(ended.items()):
        attempts.add_metric(labels, number)
    yield attempts
    seconds = Metric("receiver_attempt_seconds", "How long these attempts took.", "summary")
    for name, taken in sorted(durations.items()):
        for quantile in _QUANTILES:
            value = sorted(taken)[math.ceil(float(quantile) * len(taken)) - 1] / 1000
            seconds.add_sample(seconds.name, {"handler": name, "quantile": quantile}, value)
    yield seconds
    failed = GaugeMetricFamily(
        "receiver_failed_handlers_past_hour",
        f"Orders on which a handler used up its attempts in the past hour; {_AT_MOST}.",
        labels=["handler"],
    )
    for name, number in _failures(session, since):
        failed.add_metric([name], number)
    yield failed


def _attempts(session: Session, since: datetime) -> Iterator[tuple[str, str, int]]:
    """Yield handler, outcome and duration of the newest attempts."""
    newest = select(AttemptRow).order_by(AttemptRow.id.desc()).limit(_MOST).subquery()
    found = (
        select(HandlerRow.name, newest.c.state, newest.c.milliseconds)
        .join(HandlerRow, HandlerRow.id == newest.c.handler_pk)
        .join(OrderRow, OrderRow.id == HandlerRow.order_pk)
        .where(newest.c.at >= since, newest.c.detail.is_distinct_from(NOT_ENDED), OrderRow.test.is_(False))
    )
    yield from session.execute(found)


def _failures(session: Session, since: datetime) -> Iterator[tuple[str, int]]:
    newest = (
        select(HandlerRow.name, HandlerRow.order_pk)
        .where(HandlerRow.state == "failed", HandlerRow.changed_at >= since)
        .order_by(HandlerRow.changed_at.desc())
        .limit(_MOST)
        .subquery()
    )
    found = select(newest.c.name, func.count()).join(OrderRow, OrderRow.id == newest.c.order_pk)
    counted = found.where(OrderRow.test.is_(False)).group_by(newest.c.name).order_by(newest.c.name)
    yield from session.execute(counted)
