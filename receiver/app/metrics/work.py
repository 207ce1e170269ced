"""Metrics of the jobs that aren't done, and of the processes that run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from receiver.storage.account_models import RegistrationRow
from receiver.storage.models import MailRow, OrderRow, QuarantineRow
from receiver.storage.processes import living
from receiver.storage.relay_models import AlertPostRow, TransmissionRow

#: Each kind of job, and its states that wait for a person, as far as an index counts them.
KINDS: Mapping[str, tuple[type[Any], tuple[str, ...]]] = {
    "orders": (OrderRow, ("parked",)),
    "mails": (MailRow, ("failed",)),
    "transmissions": (TransmissionRow, ("failed", "held")),
    "registrations": (RegistrationRow, ("failed",)),
    "quarantine": (QuarantineRow, ()),
    "alerts": (AlertPostRow, ()),
}


def jobs(session: Session, now: datetime, *, registers: bool) -> Iterator[Metric]:
    """Yield how many jobs wait, and for how long; registrations only if there's a website to register with."""
    waiting = GaugeMetricFamily(
        "receiver_jobs",
        "Jobs that aren't done, by kind and state: due or running, later (mostly another attempt), failed, parked, "
        "held.",
        labels=["kind", "state"],
    )
    oldest = GaugeMetricFamily(
        "receiver_oldest_due_seconds",
        "How long the oldest due job has been due, by kind; 0 if none is.",
        labels=["kind"],
    )
    for kind, (model, states) in KINDS.items():
        if model is RegistrationRow and not registers:
            continue
        is_due = func.count(case((model.due_at <= now, 1)))
        unfinished = select(is_due, func.count(), func.min(model.due_at)).where(model.state == "open")
        due, number, first = session.execute(unfinished).one()
        waiting.add_metric([kind, "due"], due)
        waiting.add_metric([kind, "later"], number - due)
        for state in states:
            counted = select(func.count()).select_from(model).where(model.state == state)
            waiting.add_metric([kind, state], session.scalar(counted) or 0)
        oldest.add_metric([kind], (now - first).total_seconds() if due else 0)
    yield waiting
    yield oldest


def processes(session: Session, now: datetime, *, servers_work: bool) -> Iterator[Metric]:
    """Yield how many processes run, and how many of them run jobs."""
    number = Counter(process.kind for process in living(session, now))
    alive = GaugeMetricFamily(
        "receiver_processes", "Processes that gave a sign of life in the past two minutes, by kind.", labels=["kind"]
    )
    for kind in ("server", "worker"):
        alive.add_metric([kind], number[kind])
    yield alive
    yield GaugeMetricFamily(
        "receiver_workers",
        "Those of these processes that run jobs: every worker, and with EMBEDDED_WORKER every server.",
        number["worker"] + (number["server"] if servers_work else 0),
    )
