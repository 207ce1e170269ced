"""Who may enter an account: passwords, the sign-ins that are alive, and a limit on guessing."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash, generate_password_hash

from receiver.customers.account_links import AccountLinks
from receiver.orders.digests import digest
from receiver.orders.email_addresses import normalised
from receiver.security.devices import MOST_IN_A_MINUTE, Devices
from receiver.security.guesses import SKEW, network
from receiver.security.sign_ins import SESSION
from receiver.storage.account_models import AccountAttemptRow, AccountRow, AccountSessionRow
from receiver.storage.database import Database
from receiver.storage.models import CustomerRow

#: Most attempts in a period: from one address, and on one account.
LIMITS = ((timedelta(minutes=1), 10, 5), (timedelta(hours=1), 60, 20))


class TooManyAttempts(Exception):
    """Says that so much was tried that nothing is looked at now."""

    def __str__(self) -> str:
        """Say what to do."""
        return "Too many attempts. Wait a few minutes, then try again."


class Accounts:
    """Holds passwords and sign-ins in the database, so that all processes agree on them."""

    def __init__(self, database: Database, links: AccountLinks, devices: Devices) -> None:
        self._database = database
        self._links = links
        self._devices = devices

    def sign_in(
        self, email: str, password: str, address: str | None, now: datetime, cookie: str | None = None
    ) -> str | None:
        """Give the token of a new sign-in, or None for a wrong e-mail or password; raises TooManyAttempts.

        The attempt is written before the password is looked at, so that guesses made at the same time are counted
        too. An unknown e-mail takes as long as a wrong password. ``cookie`` may be that of a device that this customer
        has signed in on before; it has a limit of its own.
        """
        email = normalised(email)
        with self._database.read() as session:
            theirs = select(CustomerRow.id, AccountRow.password_hash).join(AccountRow)
            found = session.execute(theirs.where(CustomerRow.email == email)).first()
        customer_pk, password_hash = found or (None, None)
        device = self._devices.known(cookie, str(customer_pk), password_hash or "")
        with self._database.write() as session:
            attempt = count_attempt(session, address, email, now, device)
        is_right = check_password_hash(password_hash or _nobodys_hash(), password)
        if customer_pk is None or password_hash is None or not is_right:
            return None
        with self._database.write() as session:
            if session.scalar(select(AccountRow.password_hash).where(AccountRow.customer_pk == customer_pk)) != (
                password_hash
            ):
                return None  # it was changed, or the account erased, in this very moment
            session.execute(delete(AccountAttemptRow).where(AccountAttemptRow.id == attempt))
            return _begin(session, customer_pk, now)

    def claim(self, token: str, password: str, now: datetime) -> str:
        """Set the password of a link's customer and give the token of a new sign-in; raises LinkRefused.

        The link and every other sign-in end with it.
        """
        password_hash = generate_password_hash(password)
        with self._database.write() as session:
            return self._set(session, self._links.owner(session, token), password_hash, now)

    def change(self, customer_pk: int, password: str, now: datetime) -> str:
        """Set a signed-in customer's password and give the token of a new sign-in; every other one ends."""
        password_hash = generate_password_hash(password)
        with self._database.write() as session:
            return self._set(session, session.get_one(CustomerRow, customer_pk), password_hash, now)

    def who(self, token: str, now: datetime) -> CustomerRow | None:
        """Give the customer whose sign-in this is; None when it has ended."""
        alive = AccountSessionRow.token_digest == digest(token), AccountSessionRow.ends_at > now
        with self._database.read() as session:
            return session.scalar(select(CustomerRow).join(AccountSessionRow).where(*alive))

    def device_cookie(self, token: str, now: datetime) -> str:
        """Make the cookie by which the device of this sign-in is known from now on."""
        theirs = select(AccountRow.customer_pk, AccountRow.password_hash).join(
            AccountSessionRow, AccountSessionRow.customer_pk == AccountRow.customer_pk
        )
        alive = AccountSessionRow.token_digest == digest(token), AccountSessionRow.ends_at > now
        with self._database.read() as session:
            found = session.execute(theirs.where(*alive)).first()
        customer_pk, password_hash = found or (None, None)
        return self._devices.cookie(str(customer_pk), password_hash or "")

    def end(self, token: str) -> None:
        """End one sign-in."""
        with self._database.write() as session:
            session.execute(delete(AccountSessionRow).where(AccountSessionRow.token_digest == digest(token)))

    def end_all(self, customer_pk: int) -> None:
        """End every sign-in of a customer, on every device."""
        with self._database.write() as session:
            _end_all(session, customer_pk)

    def _set(self, session: Session, customer: CustomerRow, password_hash: str, now: datetime) -> str:
        account = session.get_one(AccountRow, customer.id)
        account.password_hash = password_hash
        account.link_made_at = None
        customer.claimed_at = customer.claimed_at or now
        _end_all(session, customer.id)
        session.execute(delete(AccountAttemptRow).where(AccountAttemptRow.account == digest(customer.email)))
        return _begin(session, customer.id, now)


def count_attempt(
    session: Session, address: str | None, email: str | None, now: datetime, device: str | None = None
) -> int:
    """Write an attempt in the caller's transaction and give its id; raises TooManyAttempts.

    One of a known device counts for that device alone, so strangers who guess do not keep its owner out.
    """
    no_longer = or_(AccountAttemptRow.at < now - timedelta(hours=1), AccountAttemptRow.at > now + SKEW)
    session.execute(delete(AccountAttemptRow).where(no_longer))
    if device is not None:
        row = AccountAttemptRow(at=now, device=device)
        _refuse(session, now - timedelta(minutes=1), MOST_IN_A_MINUTE, AccountAttemptRow.device == device)
    else:
        row = AccountAttemptRow(at=now, address=network(address), account=None if email is None else digest(email))
        for period, most_of_address, most_of_account in LIMITS:
            strangers = AccountAttemptRow.device.is_(None)
            _refuse(session, now - period, most_of_address, strangers, AccountAttemptRow.address == row.address)
            if row.account is not None:
                _refuse(session, now - period, most_of_account, AccountAttemptRow.account == row.account)
    session.add(row)
    session.flush()
    return row.id


def _refuse(session: Session, since: datetime, most: int, *conditions: ColumnElement[bool]) -> None:
    counted = select(func.count()).where(AccountAttemptRow.at > since, *conditions)
    if (session.scalar(counted) or 0) >= most:
        raise TooManyAttempts


def _begin(session: Session, customer_pk: int, now: datetime) -> str:
    token = secrets.token_urlsafe(32)
    session.execute(delete(AccountSessionRow).where(AccountSessionRow.ends_at <= now))
    session.add(AccountSessionRow(token_digest=digest(token), customer_pk=customer_pk, ends_at=now + SESSION))
    return token


def _end_all(session: Session, customer_pk: int) -> None:
    session.execute(delete(AccountSessionRow).where(AccountSessionRow.customer_pk == customer_pk))


@cache
def _nobodys_hash() -> str:
    return generate_password_hash(hashlib.sha256(secrets.token_bytes()).hexdigest())
