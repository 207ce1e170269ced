"""The job of asking a shop about its POSTs in quarantine: an order, a refusal, or another try later."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, delete, select
from urllib3 import PoolManager

from receiver.errors import ReceiverError, Unauthenticated, Unavailable, Undecodable, describe_for_log
from receiver.intake import inserting, quarantine
from receiver.intake.authentication import Proof
from receiver.intake.order_row import new_row
from receiver.intake.quarantine import KEPT_FOR, Kept
from receiver.intake.refusals import Refusals
from receiver.orders import decode
from receiver.security import signing
from receiver.security.fixed_hosts import AskLater, FixedHosts
from receiver.security.keyring import Keyring
from receiver.security.shared_secrets import SharedSecrets
from receiver.settings.model import Settings
from receiver.sources.asking import Confirmed, NotConfirmed
from receiver.sources.registry import Sources
from receiver.sources.source import Source
from receiver.storage import jobs
from receiver.storage.clock import utc_now
from receiver.storage.database import Beside, Database
from receiver.storage.job_queue import JobQueue
from receiver.storage.leases import Leases
from receiver.storage.models import OrderRow, QuarantineRow

#: Seconds between two tries; the last one is repeated until the day is over.
SCHEDULE = (10, 30, 120, 600, 1800, 3600)

log = logging.getLogger(__name__)


class Asking(JobQueue[QuarantineRow]):
    """The job that asks."""

    def __init__(
        self,
        database: Database,
        leases: Leases,
        *,
        settings: Settings,
        sources: Sources,
        shared_secrets: SharedSecrets,
        refusals: Refusals,
        pool: PoolManager,
        run_test: Callable[[int], object],
    ) -> None:
        super().__init__(database, leases, QuarantineRow)
        self.settings = settings
        self.sources = sources
        self.shared_secrets = shared_secrets
        self.refusals = refusals
        #: The client; it connects to public addresses only.
        self.pool = pool
        #: Runs the handlers of a test order that was recorded.
        self.run_test = run_test

    def run(self, job: QuarantineRow) -> None:
        """Ask about a POST, and write down what became of it."""
        kept = quarantine.opened(self.settings.SECRET_KEY.get_secret_value(), job.sent)
        self._settle(job, kept, self._outcome(job, kept))

    def _outcome(self, row: QuarantineRow, kept: Kept | None) -> dict[str, Any] | ReceiverError | AskLater:
        """Return the order's row, why the POST is refused, or why there is no answer yet."""
        try:
            source = self.sources.find(row.source)
            if kept is None:
                raise AskLater("It was encrypted under another SECRET_KEY. Put that back.")
            if source is None or source.asks is None:
                raise AskLater(f"The source {row.source} no longer asks its shop. Put its table back.")
            if not source.secrets:
                raise AskLater(f"The source {row.source} has no secret to ask with.")
            shop = FixedHosts(self.pool, source.asks.hosts)
            return self._order(row, kept, source, source.asks.ask(kept.unverified, shop, source.secrets))
        except NotConfirmed as error:
            return Unauthenticated("not_confirmed", str(error))
        except Unavailable as error:  # nothing about the POST
            return AskLater(str(error))
        except (ReceiverError, AskLater) as error:
            return error
        except Exception as error:  # noqa: BLE001 - the question may be the merchant's own
            said = describe_for_log(error)
            log.error("asking about a POST of the source %s failed: %s", row.source, said)
            return AskLater(f"Asking failed: {said}")

    def _order(self, row: QuarantineRow, kept: Kept, source: Source, said: Confirmed) -> dict[str, Any]:
        """Return the row of an order that the shop confirmed; raises ReceiverError, and AskLater."""
        fields, notes, content_type, held_card_data = kept.fields, kept.notes, kept.content_type, kept.held_card_data
        if said.body is not None:
            try:
                decoded = decode(said.body, said.content_type, self.settings.MAX_FIELDS)
            except Undecodable as error:
                raise AskLater(f"What the shop answered can't be read: {error}") from error
            fields, notes, content_type = decoded.fields, list(decoded.notes), said.content_type
            held_card_data = False
        columns = new_row(
            source.with_headers(kept.headers, fields) if source.kept_headers else fields,
            notes=tuple(notes),
            source=source,
            proof=Proof("asked", signing.fingerprint(said.secret)),
            keyring=self._keyring(source),
            secret_key=self.settings.SECRET_KEY.get_secret_value(),
            content_type=content_type,
            end_is_known=True,
            received_at=row.received_at,
        )
        return {**columns, "held_card_data": held_card_data or columns["held_card_data"]}

    def _settle(
        self, row: QuarantineRow, kept: Kept | None, outcome: dict[str, Any] | ReceiverError | AskLater
    ) -> None:
        """Write down what became of it, if this run still holds it."""
        if isinstance(outcome, AskLater):
            now, end = utc_now(), row.received_at + KEPT_FOR
            if now < end:
                due_at = min(now + wait(row.attempts, outcome.retry_after), end)
                values = {"state": "open", "due_at": due_at, "detail": str(outcome)}
                jobs.write_down(self.database, lambda connection: jobs.settle(connection, row, **values))
                return
            outcome = Unauthenticated("never_answered", f"The shop couldn't be asked for 24 hours: {outcome}")
        if isinstance(outcome, ReceiverError):
            keyring = self._keyring(self.sources.find(row.source))  # before anything is deleted: it reads the database
            forgotten = False

            def forget(connection: Connection) -> bool:
                nonlocal forgotten  # by an earlier try, whose commit's answer was lost
                forgotten = _forget(connection, row) or forgotten
                return forgotten

            if jobs.write_down(self.database, forget):
                self._refuse(outcome, row, kept, keyring)
            return
        columns = outcome
        jobs.write_down(self.database, lambda connection: self._record(connection, row, columns), beside=Beside.NOTHING)
        if columns["test"] and columns["state"] == "open" and (pk := self._held_by(columns["lease_token"])):
            self.run_test(pk)

    def _record(self, connection: Connection, row: QuarantineRow, columns: dict[str, Any]) -> None:
        """Record an order in the place of the POST that waited, unless another run holds that."""
        if _forget(connection, row):
            inserting.record(self.database.cursor_on(connection), columns)

    def _held_by(self, lease_token: str) -> int | None:
        """Return the order that was recorded under a lease, by whichever try; None if it's a copy or another run's."""
        with self.database.read() as session:
            is_ours = OrderRow.lease_token == lease_token, OrderRow.lease_until.is_not(None)  # it has an index
            return session.scalar(select(OrderRow.id).where(*is_ours))

    def _keyring(self, source: Source | None) -> Keyring:
        return self.shared_secrets.keyring(source.secrets if source else (), self.sources.secrets)

    def _refuse(self, error: ReceiverError, row: QuarantineRow, kept: Kept | None, keyring: Keyring) -> None:
        self.refusals.add(
            error,
            at=utc_now(),
            source=row.source,
            address=row.address,
            headers=list(kept.headers.items()) if kept else [],
            fields=kept.fields if kept else [],
            keyring=keyring,
        )


def _forget(connection: Connection, row: QuarantineRow) -> bool:
    """Delete a POST that waited; if it came again meanwhile, have it asked about again. False if the lease is lost."""
    is_same = QuarantineRow.times == row.times
    gone = connection.execute(delete(QuarantineRow).where(jobs.holds_lease(QuarantineRow, row), is_same))
    return bool(gone.rowcount) or jobs.settle(connection, row, due_at=utc_now(), attempts=0)


def wait(attempts: int, retry_after: int | None) -> timedelta:
    """Return how long to wait after so many tries, or longer if the shop asked for so many seconds."""
    seconds = SCHEDULE[min(attempts, len(SCHEDULE)) - 1]
    return timedelta(seconds=max(seconds, retry_after or 0))
