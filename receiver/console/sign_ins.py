"""Who may enter the console: the password, the sign-ins that are alive, and a limit on guessing."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from werkzeug.security import check_password_hash

from receiver.console.tables import SessionRow, SignInFailureRow
from receiver.database import Database
from receiver.models import AdministratorRow

#: How long a sign-in lasts.
SESSION = timedelta(hours=8)
#: Most wrong passwords: from one address in a minute and in an hour, and from all addresses in an hour.
LIMITS = ((timedelta(minutes=1), 5, True), (timedelta(hours=1), 20, True), (timedelta(hours=1), 200, False))


class TooManyFailures(Exception):
    """Says that so many passwords were wrong within ``period`` that none is looked at now."""

    def __init__(self, period: timedelta) -> None:
        super().__init__(period)
        self._period = period

    def __str__(self) -> str:
        """Say what to do."""
        wait = "a minute" if self._period == timedelta(minutes=1) else "up to an hour"
        return f"Too many wrong passwords. Wait {wait}, then try again."


class SignIns:
    """Holds the sign-ins in the database, so that all processes agree on them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, password: str, address: str | None, now: datetime) -> str | None:
        """Give the token of a new sign-in, or None for a wrong password; raises TooManyFailures.

        ``now`` is aware UTC.
        """
        if not self.is_password(password, address, now):
            return None
        return self.begin_known(now)

    def begin_known(self, now: datetime) -> str:
        """Give the token of a new sign-in of somebody whose password was right a moment ago."""
        token = secrets.token_urlsafe(32)
        with self._database.write() as session:
            session.execute(delete(SessionRow).where(SessionRow.ends_at <= now))
            session.add(SessionRow(token_digest=digest(token), begun_at=now, ends_at=now + SESSION))
        return token

    def is_password(self, password: str, address: str | None, now: datetime) -> bool:
        """Tell whether this is the administrator's password; raises TooManyFailures.

        The failure is written before the password is looked at, so that guesses made at the same time in many
        processes are counted too.
        """
        failure = self._foresee_failure(network(address), now)
        with self._database.read() as session:
            administrator = session.get(AdministratorRow, 1)
        if administrator is None or not check_password_hash(administrator.password_hash, password):
            return False
        with self._database.write() as session:
            session.execute(delete(SignInFailureRow).where(SignInFailureRow.id == failure))
        return True

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

    def _foresee_failure(self, network: str | None, now: datetime) -> int:
        with self._database.write() as session:
            session.execute(delete(SignInFailureRow).where(SignInFailureRow.at < now - timedelta(hours=1)))
            for period, most, of_one_address in LIMITS:
                failures = select(func.count()).where(SignInFailureRow.at > now - period)
                if of_one_address:
                    failures = failures.where(SignInFailureRow.address == network)
                if (session.scalar(failures) or 0) >= most:
                    raise TooManyFailures(period)
            row = SignInFailureRow(at=now, address=network)
            session.add(row)
            session.flush()
            return row.id


def digest(token: str) -> str:
    """Give what is kept of a token instead of it."""
    return hashlib.sha256(token.encode()).hexdigest()


def network(address: str | None) -> str | None:
    """Give what is counted as one address: of IPv6 the /64, which one household has whole."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return None
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)
