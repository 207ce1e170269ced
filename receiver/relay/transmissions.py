"""The job of sending recorded orders to the merchant's servers, by a schedule until each one arrives or has failed."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, select
from sqlalchemy.orm import Session, aliased
from urllib3 import PoolManager

from receiver.errors import NotPossible
from receiver.orders import Order
from receiver.orders.sample import dummy_order
from receiver.relay import control_state
from receiver.relay.controls import Control, Controls
from receiver.relay.failures import Outcome, of_kind
from receiver.relay.recording import record_attempt
from receiver.relay.sender import Answer, post
from receiver.security.answers import LONGEST_RETRY_AFTER
from receiver.storage import jobs
from receiver.storage.clock import utc_now
from receiver.storage.database import Database, session_on
from receiver.storage.job_queue import JobQueue
from receiver.storage.leases import Leases
from receiver.storage.relay_models import TransmissionRow

#: Seconds between the attempts of one order: ten attempts over at least 75 hours.
SCHEDULE = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
#: How much longer a wait may be, as a part of it, so that many orders don't come at the same moment.
JITTER = 0.2
#: The longest time between two attempts.
LONGEST_PAUSE = timedelta(seconds=max(max(SCHEDULE) * (1 + JITTER), LONGEST_RETRY_AFTER))
#: The field with the secret itself, for merchants who compare it by hand.
SECRET_FIELD = "shared_secret"  # noqa: S105 - a field's name, no secret


class Transmissions(JobQueue[TransmissionRow]):
    """The job of sending transmissions: each at least once, always with the same webhook-id."""

    def __init__(
        self,
        database: Database,
        leases: Leases,
        controls: Controls,
        pool: PoolManager,
        *,
        forward_secret: str,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        super().__init__(database, leases, TransmissionRow)
        self._controls = controls
        self._pool = pool
        self._forward_secret = forward_secret
        self._now = now

    def now(self) -> datetime:
        """Return the time by this queue's clock, aware UTC."""
        return self._now()

    def conditions(self) -> Sequence[ColumnElement[bool]]:
        """Return the condition that no other one is on its way to the same URL: a slow server delays only its own."""
        other = aliased(TransmissionRow)
        on_their_way = select(other.target).where(self.leases.leased(TransmissionRow, other))
        return (TransmissionRow.target.not_in(on_their_way),)

    def run(self, job: TransmissionRow) -> None:
        """Send a transmission once, and write down what became of it."""
        control = Control(enabled=True, url=job.target) if job.target else self._controls.read()
        if not control.enabled:
            self._hold(job)
            return
        began_at = self._now()
        answer = self._attempt(job, control, began_at)
        jobs.write_down(self.database, lambda connection: self._settle(connection, job, control, answer, began_at))

    def _settle(
        self, connection: Connection, row: TransmissionRow, control: Control, answer: Answer, began_at: datetime
    ) -> None:
        with session_on(connection) as session:
            if jobs.settle(session, row, **self._outcome(session, row, control, answer)):
                record_attempt(session, row, control, answer, at=began_at)

    def _hold(self, row: TransmissionRow) -> None:
        """Hold a claimed order because HTTP POST was turned off; if it's on again by now, make the order due."""
        with self.database.write() as session:
            is_enabled = control_state.is_enabled(session)
            due_at = self._now() if is_enabled else None
            jobs.settle(session, row, state="open" if is_enabled else "held", due_at=due_at, attempts=0)

    def send_test(self) -> TransmissionRow:
        """Send a new test order now, once, and return its transmission. Raises NotPossible if no URL is saved."""
        control, began_at = self._controls.read(), self._now()
        if not control.url:
            raise NotPossible("No URL is saved yet. Enter the URL of your own server and save it first.")
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
        with self.database.write() as session:
            session.add(row)
            session.flush()
            record_attempt(session, row, control, answer, at=began_at)
            if answer.outcome is Outcome.DELIVERED:
                control_state.succeeded(session, url=control.url)
        return row

    def _attempt(self, row: TransmissionRow, control: Control, now: datetime) -> Answer:
        """Send a transmission once. Whatever goes wrong is an Answer too."""
        signing = [self._forward_secret] if row.target else self._controls.active_secrets(now)
        if not any(signing):
            return Answer(**asdict(of_kind("forward_secret" if row.target else "secret")))
        try:
            return post(
                control.url,
                signing,
                Order.model_validate_json(row.order),
                pool=self._pool,
                encoding=control.encoding,
                secret_field=SECRET_FIELD if control.sends_secret_field else None,
                now=now,
            )
        except ValueError:
            failure = of_kind("order")
        except Exception as error:  # noqa: BLE001 - else it would be tried every 30 s, when its lease ends, for ever
            failure = of_kind("unforeseen", type(error).__name__)  # its text may hold personal data
        return Answer(**asdict(failure))

    def _outcome(self, session: Session, row: TransmissionRow, control: Control, answer: Answer) -> dict[str, Any]:
        """Return the columns that the answer leads to. Failures may disable the Order Controls."""
        if answer.outcome is Outcome.DELIVERED:
            control_state.succeeded(session, url=control.url)
        is_final = row.test or answer.outcome in (Outcome.DELIVERED, Outcome.REJECTED)
        is_own = not row.target
        if is_own and not is_final:
            gone = answer.cause if answer.outcome is Outcome.GONE else None
            control_state.failed(session, url=control.url, gone=gone, now=self._now())
            if not control_state.is_enabled(session):
                return {"state": "held", "due_at": None, "detail": answer.cause}
        # After a 410 the Order Controls are still enabled only if their URL was changed meanwhile: so try the new one.
        if is_final or (answer.outcome is Outcome.GONE and not is_own) or row.attempts > len(SCHEDULE):
            return self._ended(answer)
        return {"state": "open", "due_at": self._now() + _wait(row.attempts, answer), "detail": answer.cause}

    def _ended(self, answer: Answer) -> dict[str, Any]:
        state = "delivered" if answer.outcome is Outcome.DELIVERED else "failed"
        return {"state": state, "due_at": None, "settled_at": self._now(), "detail": answer.cause or None}


def _wait(attempts: int, answer: Answer) -> timedelta:
    """Return how long to wait after this many attempts, or longer if the receiver asks for it."""
    seconds = SCHEDULE[attempts - 1] * random.uniform(1, 1 + JITTER)  # noqa: S311 - not for secrets
    return timedelta(seconds=max(seconds, answer.retry_after or 0))
