"""A limit on guessing the admin password, over all processes: strangers share one, a known device has its own."""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.orm import Session

from receiver.security.devices import MOST_IN_A_MINUTE
from receiver.storage.console_models import SignInFailureRow, SignInTurnRow

_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
#: Most wrong passwords of strangers from one address in a period.
LIMITS = ((_MINUTE, 5), (_HOUR, 20))
#: From so many wrong passwords of strangers in an hour on, their passwords are looked at one by one.
COMMON = 200
#: Between two looks then.
PAUSE = timedelta(seconds=1)
#: Nobody waits longer for a look: each who waits holds one of the server's threads.
LONGEST_WAIT = timedelta(seconds=3)
#: What is dated later than this was written under a wrong clock; requests that wait for a lock differ by less.
SKEW = timedelta(seconds=10)


class TooManyFailures(Exception):
    """Says that so many passwords were wrong within ``period`` that none is looked at now."""

    def __init__(self, period: timedelta) -> None:
        super().__init__(period)
        self._period = period

    def __str__(self) -> str:
        """Say what to do."""
        if self._period < _MINUTE:
            return "Many wrong passwords come in from elsewhere, so each has to wait. Try again in a few seconds."
        wait = "a minute" if self._period == _MINUTE else "up to an hour"
        return f"Too many wrong passwords. Wait {wait}, then try again."


def foresee_failure(session: Session, address: str | None, device: str | None, now: datetime) -> tuple[int, timedelta]:
    """Write a failure before the password is looked at; give its id and how long to wait before the look.

    Guesses that are made at the same time in many processes are counted too. A known device has only its own limit.
    Raises TooManyFailures.
    """
    no_longer = or_(SignInFailureRow.at < now - _HOUR, SignInFailureRow.at > now + SKEW)
    session.execute(delete(SignInFailureRow).where(no_longer))
    source, wait = None, timedelta()
    if device is not None:
        _refuse(session, now - _MINUTE, MOST_IN_A_MINUTE, _MINUTE, SignInFailureRow.device == device)
    else:
        source, strangers = network(address), SignInFailureRow.device.is_(None)
        for period, most in LIMITS:
            _refuse(session, now - period, most, period, strangers, SignInFailureRow.address == source)
        if _count(session, now - _HOUR, strangers) >= COMMON:
            wait = _take_turn(session, now)
    row = SignInFailureRow(at=now, address=source, device=device)
    session.add(row)
    session.flush()
    return row.id, wait


def forget_all(session: Session) -> None:
    """Forget every failure and who waits, so that the owner's next try is looked at."""
    session.execute(delete(SignInFailureRow))
    session.execute(delete(SignInTurnRow))


def network(address: str | None) -> str | None:
    """Give what is counted as one address: of IPv6 the /64, which one household has whole."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return None
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)


def _refuse(session: Session, since: datetime, most: int, period: timedelta, *conditions: ColumnElement[bool]) -> None:
    if _count(session, since, *conditions) >= most:
        raise TooManyFailures(period)


def _count(session: Session, since: datetime, *conditions: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).where(SignInFailureRow.at > since, *conditions)) or 0


def _take_turn(session: Session, now: datetime) -> timedelta:
    """Give how long it is to the next look that nobody has taken; raises TooManyFailures when that is too long."""
    row = session.get(SignInTurnRow, 1)
    turn = max(row.next_at, now) if row else now
    if turn > now + LONGEST_WAIT + PAUSE + SKEW:  # written under a wrong clock
        turn = now
    if turn > now + LONGEST_WAIT:
        raise TooManyFailures(PAUSE)
    session.merge(SignInTurnRow(id=1, next_at=turn + PAUSE))
    return turn - now
