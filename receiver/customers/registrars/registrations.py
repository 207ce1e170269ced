"""The job that registers new and changed customers on the website, retried by schedule, and its failures."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    delete,
    exists,
    false,
    func,
    literal,
    select,
    true,
    type_coerce,
)
from sqlalchemy.orm import Session

from receiver.customers.purging import batches
from receiver.customers.registrars import Fields, NotRegistered, Registrar, customer_fields
from receiver.customers.registrars.repeated_values import without_values
from receiver.errors import NotThere
from receiver.mail.notices import Trouble
from receiver.orders.email_addresses import normalised
from receiver.storage import jobs
from receiver.storage.account_models import RegistrationRow
from receiver.storage.columns import larger, milliseconds, upsert
from receiver.storage.database import Database
from receiver.storage.job_queue import JobQueue
from receiver.storage.leases import Leases
from receiver.storage.models import CustomerRow

_LONGEST_DETAIL = 500

log = logging.getLogger(__name__)


def want(session: Session, customer: CustomerRow, *, now: datetime, again: bool = False) -> bool:
    """Queue the registration of a customer's newest data, in the caller's transaction.

    Returns False, and queues nothing, when the website has these very data, unless ``again``.
    """
    row = of_customer(session, customer.id)
    has = row.digest if row is not None and row.state == "done" else None
    if not again and has == customer_fields.fields_digest(customer_fields.read(session, customer)):
        return False
    asked = {"state": "open", "due_at": now, "attempts": 0, "wanted_at": now, "detail": None, "changed_at": now}
    statement = upsert(RegistrationRow).values(customer_pk=customer.id, **asked)
    # A run under way sees by wanted_at that its data are old; two requests within a millisecond must differ too.
    before = type_coerce(RegistrationRow.wanted_at, BigInteger)
    later = {
        **asked,
        "wanted_at": larger(literal(milliseconds(now), BigInteger), before + 1),
    }
    session.execute(statement.on_conflict_do_update(index_elements=["customer_pk"], set_=later))
    return True


class Registrations(JobQueue[RegistrationRow]):
    """The job of registering customers: one run at a time per customer, with their newest data last."""

    def __init__(
        self, database: Database, leases: Leases, registrar: Registrar | None, *, schedule: Sequence[int]
    ) -> None:
        super().__init__(database, leases, RegistrationRow)
        #: None while customers are registered on no website.
        self.registrar = registrar
        self._schedule = schedule

    def conditions(self) -> Sequence[ColumnElement[bool]]:
        """Return the condition that there's a website to register with."""
        return (true() if self.registrar is not None else false(),)

    def run(self, job: RegistrationRow) -> None:
        """Register a customer as they are now, and write down what became of it."""
        assert self.registrar is not None  # noqa: S101 - or nothing was claimed
        with self.database.read() as session:
            customer = session.get(CustomerRow, job.customer_pk)
            fields = customer_fields.read(session, customer) if customer else None
        outcome = self._attempt(job, self.registrar, fields) if fields else {}
        jobs.write_down(self.database, lambda connection: _settle(connection, job, outcome))

    def _attempt(self, row: RegistrationRow, registrar: Registrar, fields: Fields) -> dict[str, Any]:
        """Make one attempt and return the columns of its outcome."""
        try:
            said = registrar.register(fields)
        except NotRegistered as error:
            said = str(error)
        except Exception as error:  # noqa: BLE001 - a merchant's class may fail in any way, and must not stop the worker
            said = f"It could not be carried out: {type(error).__name__}."
        else:
            done = {"state": "done", "due_at": None, "digest": customer_fields.fields_digest(fields)}
            return {**done, "detail": said, "changed_at": datetime.now(UTC)}
        now = datetime.now(UTC)
        kept = {"detail": without_values(said, fields)[:_LONGEST_DETAIL], "changed_at": now}
        if row.attempts > len(self._schedule):
            log.error("a customer could not be registered with the website; see: flask doctor")
            return {"state": "failed", "due_at": None, **kept}
        return {"state": "open", "due_at": now + timedelta(seconds=self._schedule[row.attempts - 1]), **kept}


def _settle(connection: Connection, row: RegistrationRow, outcome: dict[str, Any]) -> None:
    """Write the outcome; if newer data were queued meanwhile, the job is due again at once."""
    # Locked, or they could be queued between this statement and the next one.
    wanted = select(RegistrationRow.wanted_at).where(RegistrationRow.id == row.id).with_for_update()
    wanted_at = connection.scalar(wanted)
    if wanted_at != row.wanted_at:
        outcome = {**outcome, "state": "open", "due_at": datetime.now(UTC), "attempts": 0}
    jobs.settle(connection, row, **outcome)


def ask(session: Session, email: str, *, now: datetime) -> None:
    """Queue the registration of one customer, even if it's done; raises NotThere if unknown."""
    customer = session.scalar(select(CustomerRow).where(CustomerRow.email == normalised(email)))
    if customer is None:
        raise NotThere(f"There is no customer {email[:254]}; see `flask customers list`.")
    want(session, customer, now=now, again=True)


def ask_all(database: Database, *, now: datetime) -> int:
    """Queue everyone whose newest data the website doesn't have, and return how many."""
    with database.read() as session:
        pks = session.scalars(select(CustomerRow.id)).all()
    asked = 0
    for batch in batches(pks):
        with database.write() as session:
            customers = session.scalars(select(CustomerRow).where(CustomerRow.id.in_(batch))).all()
            asked += sum(want(session, customer, now=now) for customer in customers)
    return asked


def of_customer(session: Session, customer_pk: int) -> RegistrationRow | None:
    """Return a customer's registration; None when none was ever queued."""
    return session.scalar(select(RegistrationRow).where(RegistrationRow.customer_pk == customer_pk))


def being_registered(customer_pk: Any) -> ColumnElement[bool]:
    """Return the condition that the customer with this id is being registered now."""
    return exists().where(RegistrationRow.customer_pk == customer_pk, RegistrationRow.lease_until.is_not(None))


def forget(session: Session, email: str) -> None:
    """Forget a customer's registration, so that none begins; one that's being carried out stays."""
    theirs = select(CustomerRow.id).where(CustomerRow.email == email).scalar_subquery()
    idle = RegistrationRow.customer_pk == theirs, RegistrationRow.lease_until.is_(None)
    session.execute(delete(RegistrationRow).where(*idle))


def counts(session: Session) -> Counter[str]:
    """Count the registrations that aren't done, by state."""
    counted = select(RegistrationRow.state, func.count()).where(RegistrationRow.state != "done")
    return Counter(dict(session.execute(counted.group_by(RegistrationRow.state)).all()))


def newest_failed(session: Session) -> RegistrationRow | None:
    """Return the registration that failed last, or None."""
    failed = select(RegistrationRow).where(RegistrationRow.state == "failed")
    return session.scalar(failed.order_by(RegistrationRow.changed_at.desc()).limit(1))


def _newest_failure(session: Session) -> int:
    newest = newest_failed(session)
    return milliseconds(newest.changed_at) if newest else 0


#: The merchant is emailed that a customer couldn't be registered.
FAILED = Trouble(
    kind="registration_failed",
    newest=_newest_failure,
    headline="A customer couldn't be registered on your website",
    lines=(
        "It failed on every attempt. The order is safe, and the customer is stored here.",
        "See what's wrong with: flask doctor",
        "Once it's fixed, register everyone who's missing with: flask customers register --all",
    ),
)
