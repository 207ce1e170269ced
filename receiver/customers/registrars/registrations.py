"""The durable job of telling the website of new and changed customers, by schedule until it has taken each."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, func, select, type_coerce
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from receiver.customers.registrars import Fields, NotRegistered, Registrar, customer_fields
from receiver.errors import NotThere
from receiver.orders.email_addresses import normalised
from receiver.storage import jobs
from receiver.storage.account_models import RegistrationRow
from receiver.storage.columns import milliseconds
from receiver.storage.database import Database
from receiver.storage.leases import Leases
from receiver.storage.models import CustomerRow

_LONGEST_DETAIL = 500
#: Customers of one write transaction: few, so that no accept waits long.
_BATCH = 100

log = logging.getLogger(__name__)


def want(session: Session, customer: CustomerRow, *, now: datetime, again: bool = False) -> bool:
    """Queue the registration of a customer's newest data, in the caller's transaction.

    Gives False, and asks for nothing, when the website was told these very data, unless ``again``.
    """
    row = of_customer(session, customer.id)
    was_told = row.digest if row is not None and row.state == "done" else None
    if not again and was_told == customer_fields.fields_digest(customer_fields.read(session, customer)):
        return False
    asked = {"state": "open", "due_at": now, "attempts": 0, "wanted_at": now, "detail": None, "changed_at": now}
    statement = insert(RegistrationRow).values(customer_pk=customer.id, **asked)
    later = {**asked, "wanted_at": func.max(milliseconds(now), type_coerce(RegistrationRow.wanted_at, BigInteger) + 1)}
    session.execute(statement.on_conflict_do_update(index_elements=["customer_pk"], set_=later))
    return True


class Registrations:
    """The job of registering customers: one run at a time per customer, with their newest data last."""

    def __init__(
        self, database: Database, leases: Leases, registrar: Registrar | None, *, schedule: Sequence[int]
    ) -> None:
        self._database = database
        self._leases = leases
        #: None while customers are handed to no website.
        self.registrar = registrar
        self._schedule = schedule

    def is_due(self) -> bool:
        """Return whether a registration is due."""
        if self.registrar is None:
            return False
        return jobs.anything_due(self._database, RegistrationRow, self._leases.free(RegistrationRow))

    def run_next(self) -> bool:
        """Register the customer who has been due for longest; False when none is due."""
        if self.registrar is None:
            return False
        with self._database.write() as session:
            row = jobs.claim(session, RegistrationRow, datetime.now(UTC), self._leases.free(RegistrationRow))
        if row is None:
            return False
        with self._leases.kept(row):
            with self._database.read() as session:
                customer = session.get(CustomerRow, row.customer_pk)
                fields = customer_fields.read(session, customer) if customer else None
            outcome = self._attempt(row, self.registrar, fields) if fields else {}
            jobs.write_down(self._database, lambda session: _settle(session, row, outcome))
        return True

    def _attempt(self, row: RegistrationRow, registrar: Registrar, fields: Fields) -> dict[str, Any]:
        """Make one attempt and give the columns of its outcome."""
        try:
            said = registrar.register(fields)
        except NotRegistered as error:
            return self._not_registered(row, str(error))
        except Exception as error:  # noqa: BLE001 - what nobody foresaw must not be tried every 30 s for ever
            return self._not_registered(row, f"It could not be carried out: {type(error).__name__}.")
        told = {"digest": customer_fields.fields_digest(fields)}
        return {"state": "done", "due_at": None, "detail": said, "changed_at": datetime.now(UTC), **told}

    def _not_registered(self, row: RegistrationRow, why: str) -> dict[str, Any]:
        now = datetime.now(UTC)
        kept = {"detail": why[:_LONGEST_DETAIL], "changed_at": now}
        if row.attempts > len(self._schedule):
            log.error("a customer could not be registered with the website; see: flask doctor")
            return {"state": "failed", "due_at": None, **kept}
        return {"state": "open", "due_at": now + timedelta(seconds=self._schedule[row.attempts - 1]), **kept}


def _settle(session: Session, row: RegistrationRow, outcome: dict[str, Any]) -> None:
    """Write the outcome; what was asked for meanwhile is due at once."""
    wanted_at = session.scalar(select(RegistrationRow.wanted_at).where(RegistrationRow.id == row.id))
    if wanted_at != row.wanted_at:
        outcome = {**outcome, "state": "open", "due_at": datetime.now(UTC), "attempts": 0}
    jobs.settle(session, row, **outcome)


def ask(session: Session, email: str, *, now: datetime) -> None:
    """Queue the registration of one customer, even if done before; raises NotThere if unknown."""
    customer = session.scalar(select(CustomerRow).where(CustomerRow.email == normalised(email)))
    if customer is None:
        raise NotThere(f"There is no customer {email[:254]}; see `flask customers list`.")
    want(session, customer, now=now, again=True)


def ask_all(database: Database, *, now: datetime) -> int:
    """Queue everyone the website doesn't have up to date, and return how many."""
    asked, last = 0, 0
    while True:
        with database.write() as session:
            following = select(CustomerRow).where(CustomerRow.id > last).order_by(CustomerRow.id)
            batch = list(session.scalars(following.limit(_BATCH)))
            asked += sum(want(session, customer, now=now) for customer in batch)
        if not batch:
            return asked
        last = batch[-1].id


def of_customer(session: Session, customer_pk: int) -> RegistrationRow | None:
    """Return a customer's registration; None when none was asked for."""
    return session.scalar(select(RegistrationRow).where(RegistrationRow.customer_pk == customer_pk))


def counts(session: Session) -> Counter[str]:
    """Count the registrations that are not done, by state."""
    counted = select(RegistrationRow.state, func.count()).where(RegistrationRow.state != "done")
    rows = session.execute(counted.group_by(RegistrationRow.state))
    return Counter({row.state: row[1] for row in rows})


def newest_failed(session: Session) -> RegistrationRow | None:
    """Return the registration that failed last; None when none has."""
    failed = select(RegistrationRow).where(RegistrationRow.state == "failed")
    return session.scalar(failed.order_by(RegistrationRow.changed_at.desc()).limit(1))
