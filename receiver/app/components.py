"""What views and commands work with: the parts of one app, and the engine that runs its jobs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from flask import current_app
from sqlalchemy.orm import Session

from receiver.app.engine import Engine, Jobs, Kind
from receiver.app.far_off import FarOff
from receiver.app.hints import choosing as hints
from receiver.app.hold import Hold
from receiver.app.wiring import Parts
from receiver.customers import clock_notice, parked_purge
from receiver.customers.registrars.failed_alerts import REGISTRATION_FAILED
from receiver.customers.registrars.registrations import FAILED
from receiver.dispatch.failed_alerts import HANDLER_FAILED
from receiver.errors import Unavailable
from receiver.handlers.append_csv import CsvSettings
from receiver.intake import alarms, cancelled_first, changed_orders, parked_alerts, unanswered
from receiver.intake.held_back import HeldBack
from receiver.intake.parked_alerts import ORDER_PARKED
from receiver.intake.refused_alerts import CARD_DATA, WRONG_SECRET
from receiver.intake.silence import Silences
from receiver.mail.alerts import CaseKind
from receiver.mail.failed_mails import MAIL_FAILED
from receiver.mail.notices import Notices, Trouble
from receiver.relay import notices as relay_notices
from receiver.settings.reading import Reading
from receiver.sources import proofs
from receiver.storage.clock import utc_now
from receiver.storage.heartbeat import Heartbeat
from receiver.storage.search.writing import SearchWriting


class Kit(Parts):
    """The parts of one app, and the engine that runs its jobs."""

    def __init__(self, instance: Path, read: Reading) -> None:
        super().__init__(instance, read)
        self.silences = Silences(self.sources)
        self.notices = Notices(
            self.database,
            self.templates,
            self.settings,
            self._troubles_elsewhere,
            self._told_by_case(),
            self.alert_posts.add,
        )
        self.heartbeat = Heartbeat(self.database, days=self.settings.RETENTION_DAYS)
        self.search_writing = SearchWriting(self.database)
        self.hold = Hold(self.database)
        self.engine = self._engine()

    def _engine(self) -> Engine:
        """Return the engine of the jobs and the upkeep; kinds of jobs that wait for a setting don't run."""
        database, threads, waiting = self.database, self.settings.WORKER_THREADS, self.waiting
        most: dict[str, tuple[Jobs, int]] = {
            "orders": (self.processor, threads),
            "asking": (self.asking, max(threads // 2, 1)),
            "mails": (self.outbox, max(threads // 2, 1)),
            "transmissions": (self.transmissions, max(threads // 2, 1)),
            "registrations": (self.registrations, max(threads // 4, 1)),
            "alerts": (self.alert_posts, 1),
        }
        registrations = ("registrations",) if self.registrations.registrar else ()
        made = {"orders": ("mails", "transmissions", *registrations), "asking": ("orders", "mails")}
        return Engine(
            {
                name: Kind(jobs, 0 if name in waiting else at_once, made.get(name, ()))
                for name, (jobs, at_once) in most.items()
            },
            [
                self.refusals.flush,
                database.checkpoint,
                HeldBack(database).look,
                self.presence.sign,
                self.heartbeat.look,
                self.retention.look,
                FarOff(database, self.leases, self.settings.RETRY_SCHEDULE).look,
                self._write_search,
            ],
            # In threads of their own: a slow template of the merchant's must not keep a lease from being renewed.
            beside={
                "leases": [self.leases.renew, self.leases.watch],
                "notices": [self.own_mails.check, *([] if "mails" in waiting else [self.notices.look])],
            },
            threads=threads,
            elsewhere=hints.between_processes(self.settings),
            held=self.hold.kinds,
        )

    def _write_search(self) -> None:
        """Write what orders are found by, where jobs run."""
        if self.engine.works:
            self.search_writing.look()

    def _told_by_case(self) -> list[CaseKind]:
        """Return the problems that the merchant is emailed about case by case."""
        registration = [REGISTRATION_FAILED] if self.registrations.registrar else []
        return [HANDLER_FAILED, MAIL_FAILED, ORDER_PARKED, WRONG_SECRET, CARD_DATA, *registration]

    def _troubles_elsewhere(self, session: Session) -> list[Trouble]:
        """Return the problems that the notices don't look for themselves."""
        return [
            *relay_notices.standing(session),
            *([FAILED] if self.registrations.registrar else []),
            *self.own_mails.troubles(),
            *parked_alerts.standing(session, utc_now()),
            *alarms.standing(session, self.settings),
            *changed_orders.standing(session, utc_now()),
            *cancelled_first.standing(session, utc_now()),
            *self.silences.standing(session, utc_now()),
            *unanswered.standing(session, utc_now()),
            *clock_notice.standing(session, self.settings),
            *parked_purge.standing(session, self.settings),
        ]

    @property
    def setting_warnings(self) -> Sequence[str]:
        """A sentence for each name in the file or the environment that isn't a setting and has no effect."""
        of_registrar = self.registrars.without_effect(self.settings.REGISTRAR, self.settings.registrar)
        return [*self._unknown_settings, *of_registrar, *self.sources.warnings, *self._source_warnings]

    @property
    def _source_warnings(self) -> Sequence[str]:
        """A sentence for each source that takes no POST, or whose secret is short."""
        self.sources.look_again()
        required = self.settings.REQUIRE_SIGNATURE
        said = [said for one in self.sources.known for said in proofs.warnings(one, require_signature=required)]
        return [*self.sources.shadowed, *said]

    @property
    def csv_file(self) -> str:
        """The path of the file that ``append_csv`` keeps; empty while it keeps none.

        Raises Unavailable while its settings are wrong, because then it's unknown which file that is.
        """
        own = self.registry.own["append_csv"]
        if own.problem:
            raise Unavailable(own.problem)
        return str(own.values.file) if isinstance(own.values, CsvSettings) else ""

    @property
    def problems(self) -> list[str]:
        """What keeps orders from being taken now; serving with any leaves /orders answering 503."""
        return self.obstacles.known()


def current_kit() -> Kit:
    """Return the current app's kit."""
    kit: Kit = current_app.extensions["receiver"]
    return kit
