"""Who may enter the console: the password, and the sign-ins that are alive."""

from __future__ import annotations

import secrets
import time
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from werkzeug.security import check_password_hash

from receiver.orders.digests import digest
from receiver.security import guesses
from receiver.storage.console_models import SessionRow, SignInFailureRow
from receiver.storage.database import Database
from receiver.storage.models import AdministratorRow

#: How long a sign-in lasts.
SESSION = timedelta(hours=8)


class SignIns:
    """Holds the sign-ins in the database, so that all processes agree on them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, password: str, address: str | None, now: datetime, device: str | None = None) -> str | None:
        """Give the token of a new sign-in, or None for a wrong password; raises TooManyFailures.

        ``now`` is aware UTC.
        """
        if not self.is_password(password, address, now, device):
            return None
        return self.begin_known(now)

    def begin_known(self, now: datetime) -> str:
        """Give the token of a new sign-in of somebody whose password was right a moment ago."""
        token = secrets.token_urlsafe(32)
        with self._database.write() as session:
            session.execute(delete(SessionRow).where(SessionRow.ends_at <= now))
            session.add(SessionRow(token_digest=digest(token), begun_at=now, ends_at=now + SESSION))
        return token

    def is_password(self, password: str, address: str | None, now: datetime, device: str | None = None) -> bool:
        """Tell whether this is the administrator's password; raises TooManyFailures.

        ``device`` is the name of one that the administrator has signed in on before; it has a limit of its own.
        """
        with self._database.write() as session:
            failure, wait = guesses.foresee_failure(session, address, device, now)
        time.sleep(wait.total_seconds())
        password_hash = self.password_hash()
        if password_hash is None or not check_password_hash(password_hash, password):
            return False
        with self._database.write() as session:
            session.execute(delete(SignInFailureRow).where(SignInFailureRow.id == failure))
        return True

    def password_hash(self) -> str | None:
        """Give the hash of the administrator's password; None before there is one."""
        with self._database.read() as session:
            return session.scalar(select(AdministratorRow.password_hash).where(AdministratorRow.id == 1))

    def is_alive(self, token: str, now: datetime) -> bool:
        """Tell whether a sign-in with this token goes on."""
        with self._database.read() as session:
            ends_at = session.scalar(select(SessionRow.ends_at).where(SessionRow.token_digest == digest(token)))
        return ends_at is not None and ends_at > now

    def end(self, token: str) -> None:
        """End one sign-in."""
        with self._database.write() as session:
            session.execute(delete(SessionRow).where(SessionRow.token_digest == digest(token)))

    def end_all(self) -> None:
        """End every sign-in, on every device."""
        with self._database.write() as session:
            session.execute(delete(SessionRow))
