"""The figures for Prometheus, read from the tables, so that every process has the same ones."""

from __future__ import annotations

from datetime import timedelta

from prometheus_client import Metric
from prometheus_client.registry import Collector

from receiver.app.components import Kit
from receiver.app.metrics import arrivals, at_handlers, work
from receiver.storage.clock import utc_now

_HOUR = timedelta(hours=1)


class Metrics(Collector):
    """What Prometheus collects: the figures of one moment.

    A label's value is a name from the code, such as a state or a handler's, and never what somebody sent. A figure of
    the past hour is a gauge: Prometheus takes a counter that goes back for one that began again at 0.
    """

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    def collect(self) -> list[Metric]:
        """Return all metrics; raises Unavailable when the database can't be read."""
        kit, now = self._kit, utc_now()
        with kit.database.read() as session:
            return [
                *arrivals.metrics(session, now - _HOUR),
                *work.jobs(session, now, registers=kit.registrations.registrar is not None),
                *at_handlers.metrics(session, now - _HOUR),
                *work.processes(session, now, servers_work=kit.settings.EMBEDDED_WORKER),
            ]
