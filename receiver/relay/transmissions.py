"""The durable job of sending the orders received to the merchant's server, by schedule until each has arrived."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, aliased
from urllib3 import PoolManager

from receiver.errors import NotPossible
from receiver.orders.sample import dummy_order
from receiver.relay import control_state
from receiver.relay.attempts import attempt, write_down
from receiver.relay.controls import Control, Controls
from receiver.relay.sender import Answer, Outcome
from receiver.security.answers import LONGEST_RETRY_AFTER
from receiver.storage import jobs
from receiver.storage.database import Database
from receiver.storage.leases import Leases
from receiver.storage.relay_models import TransmissionRow

#: Seconds between the attempts of one order: ten attempts over 75 hours and more.
SCHEDULE = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
#: The largest part by which a wait is lengthened, so that many orders do not come at one moment.
JITTER = 0.2
#: The longest time between two attempts.
LONGEST_PAUSE = timedelta(seconds=max(max(SCHEDULE) * (1 + JITTER), LONGEST_RETRY_AFTER))


class Transmissions:
    """The job of sending transmissions, each at least once and always under its own webhook-id."""

    def __init__(
        self,
        database: Database,
        leases: Leases,
        controls: Controls,
        pool: PoolManager,
        *,
        forward_secret: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._leases = leases
        self._controls = controls
        self._pool = pool
        self._forward_secret = forward_secret
        self._now = now

    def is_due(self) -> bool:
        """Return, by a read, whether there is one to send now."""
        return jobs.anything_due(self._database, TransmissionRow, *self._is_free())

    def run_next(self) -> bool:
        """Send the oldest due transmission to a server that is sent no other now; False when there was none."""
        with self._database.write() as session:
            row = jobs.claim(session, TransmissionRow, self._now(), *self._is_free())
        if row is None:
            return False
        control = Control(enabled=True, url=row.target) if row.target else self._controls.read()
        if not control.enabled:
            self._hold(row)
            return True
        began_at = self._now()
        with self._leases.kept(row):
            answer = self._attempt(row, control, began_at)
            jobs.write_down(self._database, lambda session: self._settle(session, row, control, answer, began_at))
        return True

    def _is_free(self) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        """Return the conditions that nobody sends it or another to the same URL: a slow server delays no other."""
        other = aliased(TransmissionRow)
        on_their_way = select(other.target).where(self._leases.leased(TransmissionRow, other))
        return self._leases.free(TransmissionRow), TransmissionRow.target.not_in(on_their_way)

    def _settle(
        self, session: Session, row: TransmissionRow, control: Control, answer: Answer, began_at: datetime
    ) -> None:
        if jobs.settle(session, row, **self._outcome(session, row, control, answer)):
            write_down(session, row, control, answer, at=began_at)

    def _hold(self, row: TransmissionRow) -> None:
        """Hold a claimed order, since HTTP POST was turned off; if it's on again, make it due."""
        with self._database.write() as session:
            is_enabled = control_state.is_enabled(session)
            due_at = self._now() if is_enabled else None
            jobs.settle(session, row, state="open" if is_enabled else "held", due_at=due_at, attempts=0)

    def send_test(self) -> TransmissionRow:
        """Send a new dummy order at once and only once, wait for the answer, and give the transmission.

        Raises NotPossible while no URL is saved.
        """
        control, began_at = self._controls.read(), self._now()
        if not control.url:
            raise NotPossible("No URL is saved yet; enter the URL of your own server and save it first.")
        order = dummy_order(now=began_at, nonce=secrets.token_hex(8))
        row = TransmissionRow(
            event_id=order.event_id,
            order_id=order.order_id,
            test=True,
            order=order.model_dump_json(exclude_none=True),
            created_at=began_at,
            attempts=1,
        )
        answer = self._attempt(row, control, began_at)
        for name, value in self._ended(answer).items():
            setattr(row, name, value)
        with self._database.write() as session:
            session.add(row)
            session.flush()
            write_down(session, row, control, answer, at=began_at)
            if answer.outcome is Outcome.DELIVERED:
                control_state.succeeded(session, url=control.url)
        return row

    def _attempt(self, row: TransmissionRow, control: Control, now: datetime) -> Answer:
        secrets = [self._forward_secret] if row.target else self._controls.active_secrets(now)
        return attempt(row, control, [secret for secret in secrets if secret], pool=self._pool, now=now)

    def _outcome(self, session: Session, row: TransmissionRow, control: Control, answer: Answer) -> dict[str, Any]:
        """Return the columns that the answer leads to, and tell the control, which may disable itself."""
        if answer.outcome is Outcome.DELIVERED:
            control_state.succeeded(session, url=control.url)
        if row.test or answer.outcome in (Outcome.DELIVERED, Outcome.REJECTED):
            return self._ended(answer)
        if row.target:
            return self._retried(row, answer) if answer.outcome is Outcome.RETRY else self._ended(answer)
        gone = answer.cause if answer.outcome is Outcome.GONE else None
        control_state.failed(session, url=control.url, gone=gone, now=self._now())
        if not control_state.is_enabled(session):
            return {"state": "held", "due_at": None, "detail": answer.cause}
        return self._retried(row, answer)

    def _retried(self, row: TransmissionRow, answer: Answer) -> dict[str, Any]:
        if row.attempts > len(SCHEDULE):
            return self._ended(answer)
        return {"state": "open", "due_at": self._now() + _wait(row.attempts, answer), "detail": answer.cause}

    def _ended(self, answer: Answer) -> dict[str, Any]:
        is_delivered = answer.outcome is Outcome.DELIVERED
        state = "delivered" if is_delivered else "failed"
        return {"state": state, "due_at": None, "settled_at": self._now(), "detail": answer.cause or None}


def _wait(attempts: int, answer: Answer) -> timedelta:
    """Return how long to wait after so many attempts; a longer wait that the receiver asks for is kept."""
    seconds = SCHEDULE[attempts - 1] * random.uniform(1, 1 + JITTER)  # noqa: S311 - not for secrets
    return timedelta(seconds=max(seconds, answer.retry_after or 0))
