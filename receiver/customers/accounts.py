"""Customers' accounts: who may sign in, and how passwords are set."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.security import generate_password_hash

from receiver.customers.account_links import AccountLinks
from receiver.orders.email_addresses import normalised
from receiver.orders.idempotency import digest
from receiver.security import guesses
from receiver.security.sign_ins import Owner, SignIns, end_all
from receiver.storage.account_models import AccountRow
from receiver.storage.database import Database
from receiver.storage.models import CustomerRow


class Accounts:
    """The customers' passwords, and how they are set."""

    def __init__(self, database: Database, links: AccountLinks, sign_ins: SignIns) -> None:
        self._database = database
        self._links = links
        self._sign_ins = sign_ins

    def owner(self, email: str) -> Owner:
        """Return the owner of the account with this email; without one, a stand-in whose password is never right."""
        email = normalised(email)
        theirs = select(CustomerRow.id, AccountRow.password_hash).join(AccountRow).where(CustomerRow.email == email)
        with self._database.read() as session:
            found = session.execute(theirs).first()
        customer_pk, password_hash = found or (None, None)
        return Owner(customer_pk, password_hash, digest(email))

    def claim(self, token: str, password: str, now: datetime) -> str:
        """Set the password of a link's customer and return the token of a new sign-in; raises LinkRefused.

        The link and every other sign-in end with it.
        """
        password_hash = generate_password_hash(password)
        with self._database.write() as session:
            return self._set(session, self._links.owner(session, token), password_hash, now)

    def change(self, customer_pk: int, password: str, now: datetime) -> str:
        """Set a signed-in customer's password and return the token of a new sign-in; every other one ends."""
        password_hash = generate_password_hash(password)
        with self._database.write() as session:
            return self._set(session, session.get_one(CustomerRow, customer_pk), password_hash, now)

    def who(self, token: str, now: datetime) -> CustomerRow | None:
        """Return the customer whose sign-in this is; None when it has ended."""
        with self._database.read() as session:
            row = self._sign_ins.find(session, token, now)
            return session.get_one(CustomerRow, row.customer_pk) if row and row.customer_pk else None

    def _set(self, session: Session, customer: CustomerRow, password_hash: str, now: datetime) -> str:
        account = session.get_one(AccountRow, customer.id)
        account.password_hash = password_hash
        account.link_made_at = None
        customer.claimed_at = customer.claimed_at or now
        end_all(session, guesses.ACCOUNT, customer.id)
        guesses.forget_all(session, guesses.ACCOUNT, account=digest(customer.email))
        return self._sign_ins.begin(session, customer.id, now)
