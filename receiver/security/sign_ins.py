"""Signing in, to the console and to customer accounts: passwords, the sign-ins that are alive, known devices."""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash, generate_password_hash

from receiver.orders.idempotency import digest
from receiver.security import guesses
from receiver.security.guesses import Limits
from receiver.storage.account_models import AccountRow, SignInRow
from receiver.storage.database import Database
from receiver.storage.models import AdministratorRow

#: How long a sign-in lasts.
SESSION = timedelta(hours=8)
#: How long a device is known after its last sign-in.
DEVICE_LASTS = timedelta(days=365)
#: Fewest characters of a new password.
SHORTEST_PASSWORD = 12


@dataclass(frozen=True)
class Owner:
    """Somebody who has a password: the administrator or, with ``customer_pk``, a customer."""

    customer_pk: int | None
    #: None for nobody, and for an account that has no password yet: whatever is typed is wrong.
    password_hash: str | None
    #: What attempts are counted by; None where there is one account alone.
    account: str | None = None

    @property
    def name(self) -> str:
        """Name the owner in a device's cookie."""
        return "administrator" if self.customer_pk is None else str(self.customer_pk)


def administrator(database: Database) -> Owner:
    """Find the console's one administrator."""
    with database.read() as session:
        return Owner(None, _password_hash(session, None))


class SignIns:
    """The sign-ins of one kind, kept in the database, so that all processes agree on them."""

    def __init__(self, database: Database, secret_key: str, limits: Limits) -> None:
        self._database = database
        self._limits = limits
        self._devices = URLSafeTimedSerializer(
            secret_key,
            salt=f"receiver device {limits.kind}",
            signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
        )

    def sign_in(
        self, owner: Owner, password: str, address: str | None, now: datetime, cookie: str | None = None
    ) -> str | None:
        """Return the token of a new sign-in, or None for a wrong password; raises TooManyAttempts."""
        if not self.is_password(owner, password, address, now, cookie):
            return None
        with self._database.write() as session:
            if _password_hash(session, owner.customer_pk) != owner.password_hash:
                return None  # it was changed, or the account erased, in this very moment
            return self.begin(session, owner.customer_pk, now)

    def is_password(
        self, owner: Owner, password: str, address: str | None, now: datetime, cookie: str | None = None
    ) -> bool:
        """Return whether this is the owner's password; raises TooManyAttempts.

        ``now`` is aware UTC. Nobody's password takes as long as a wrong one. ``cookie`` may be that of a device that
        the owner has signed in on before; it has a limit of its own.
        """
        device = self.known_device(cookie, owner)
        with self._database.write() as session:
            attempt, wait = guesses.count_attempt(
                session, self._limits, now, address=address, account=owner.account, device=device
            )
        time.sleep(wait.total_seconds())
        is_right = check_password_hash(owner.password_hash or _nobodys_hash(), password)
        if not is_right or owner.password_hash is None:
            return False
        with self._database.write() as session:
            guesses.take_back(session, attempt)
        return True

    def begin(self, session: Session, customer_pk: int | None, now: datetime) -> str:
        """Return the token of a new sign-in, written in the caller's transaction."""
        token = secrets.token_urlsafe(32)
        session.execute(delete(SignInRow).where(SignInRow.ends_at <= now))
        row = SignInRow(token_digest=digest(token), kind=self._limits.kind, customer_pk=customer_pk)
        row.ends_at = now + SESSION
        session.add(row)
        return token

    def find(self, session: Session, token: str, now: datetime) -> SignInRow | None:
        """Find the sign-in that has this token; None when it has ended."""
        row = session.get(SignInRow, digest(token))
        return row if row is not None and row.kind == self._limits.kind and row.ends_at > now else None

    def end(self, token: str) -> None:
        """End one sign-in."""
        with self._database.write() as session:
            session.execute(delete(SignInRow).where(SignInRow.token_digest == digest(token)))

    def end_all(self, customer_pk: int | None) -> None:
        """End every sign-in of an owner, on every device."""
        with self._database.write() as session:
            end_all(session, self._limits, customer_pk)

    def device_cookie(self, owner: Owner) -> str:
        """Return the cookie of a device on which this owner has just signed in."""
        return str(self._devices.dumps([_state(owner), secrets.token_urlsafe(16)]))

    def known_device(self, cookie: str | None, owner: Owner) -> str | None:
        """Return the device's name; None for a cookie that isn't ours, or of another owner or password."""
        try:
            state, name = self._devices.loads(cookie or "", max_age=int(DEVICE_LASTS.total_seconds()))
        except (BadSignature, ValueError, TypeError):
            return None
        return str(name) if state == _state(owner) else None


def end_all(session: Session, limits: Limits, customer_pk: int | None) -> None:
    """End every sign-in of an owner in the caller's transaction."""
    theirs = SignInRow.kind == limits.kind, SignInRow.customer_pk.is_not_distinct_from(customer_pk)
    session.execute(delete(SignInRow).where(*theirs))


def _password_hash(session: Session, customer_pk: int | None) -> str | None:
    if customer_pk is None:
        return session.scalar(select(AdministratorRow.password_hash).where(AdministratorRow.id == 1))
    return session.scalar(select(AccountRow.password_hash).where(AccountRow.customer_pk == customer_pk))


def _state(owner: Owner) -> str:
    """Return what a cookie is bound to; it doesn't reveal the password's hash."""
    return digest(f"{owner.name}\n{owner.password_hash or ''}")[:32]


@cache
def _nobodys_hash() -> str:
    return generate_password_hash(secrets.token_urlsafe(32))
