"""A limit on guessing passwords, over all processes: strangers share one, a known device has its own."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.orm import Session

from receiver.storage.account_models import SignInAttemptRow, SignInTurnRow

_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)
#: Most wrong passwords of one known device in a minute: its own, whatever strangers do.
MOST_OF_DEVICE = 5
#: From so many wrong passwords of strangers in an hour on, their passwords are looked at one by one.
COMMON = 200
#: Between two looks then.
PAUSE = timedelta(seconds=1)
#: Nobody waits longer for a look: each who waits holds one of the server's threads.
LONGEST_WAIT = timedelta(seconds=3)
#: What is dated later than this was written under a wrong clock; requests that wait for a lock differ by less.
SKEW = timedelta(seconds=10)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The most attempts of strangers at one kind of sign-in, each in a minute and in an hour."""

    kind: str
    of_address: tuple[int, int]
    #: None where there is one account alone: strangers would keep its owner out.
    of_account: tuple[int, int] | None = None
    #: Whether many strangers are looked at one by one.
    in_turn: bool = False


CONSOLE = Limits(kind="console", of_address=(5, 20), in_turn=True)
ACCOUNT = Limits(kind="account", of_address=(10, 60), of_account=(5, 20))


class TooManyAttempts(Exception):
    """Raised after too many attempts within ``period``: no password is checked now."""

    def __init__(self, period: timedelta) -> None:
        super().__init__(period)
        self._period = period

    def __str__(self) -> str:
        """Return what to do."""
        if self._period < _MINUTE:
            return "Many wrong passwords are coming in from elsewhere. Wait a few seconds, then try again."
        wait = "a minute" if self._period == _MINUTE else "up to an hour"
        return f"Too many attempts. Wait {wait}, then try again."


def count_attempt(
    session: Session,
    limits: Limits,
    now: datetime,
    *,
    address: str | None,
    account: str | None = None,
    device: str | None = None,
) -> tuple[int, timedelta]:
    """Record an attempt before its password is checked; return its id and how long to wait before the check.

    So guesses that are made at the same time in many processes are counted too. An attempt of a known device counts
    for that device alone. Raises TooManyAttempts.
    """
    session.execute(
        delete(SignInAttemptRow).where(or_(SignInAttemptRow.at < now - _HOUR, SignInAttemptRow.at > now + SKEW))
    )
    wait = timedelta()
    if device is not None:
        row = SignInAttemptRow(at=now, kind=limits.kind, device=device)
        _refuse(session, now, _MINUTE, MOST_OF_DEVICE, SignInAttemptRow.device == device)
    else:
        row = SignInAttemptRow(at=now, kind=limits.kind, address=network(address), account=account)
        _refuse_strangers(session, limits, row, now)
        if limits.in_turn and _count(session, now - _HOUR, *_of_strangers(limits)) >= COMMON:
            wait = _take_turn(session, now)
    session.add(row)
    session.flush()
    return row.id, wait


def take_back(session: Session, attempt: int) -> None:
    """Forget an attempt whose password was right."""
    session.execute(delete(SignInAttemptRow).where(SignInAttemptRow.id == attempt))


def forget_all(session: Session, limits: Limits, *, account: str | None = None) -> None:
    """Forget the attempts on one account or on all, and who waits, so that the owner's next try is checked."""
    tried = delete(SignInAttemptRow).where(SignInAttemptRow.kind == limits.kind)
    session.execute(tried if account is None else tried.where(SignInAttemptRow.account == account))
    if limits.in_turn:
        session.execute(delete(SignInTurnRow))


def network(address: str | None) -> str | None:
    """Return what counts as one address: of IPv6 the /64, because one household has all of it."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return None
    if parsed.version == 4:
        return str(parsed)
    # One listener for both versions names a visitor of IPv4 so; all of them would be in one /64.
    return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))


def _refuse_strangers(session: Session, limits: Limits, row: SignInAttemptRow, now: datetime) -> None:
    counted = [(SignInAttemptRow.address == row.address, limits.of_address)]
    if row.account is not None and limits.of_account is not None:
        counted.append((SignInAttemptRow.account == row.account, limits.of_account))
    for number, period in enumerate((_MINUTE, _HOUR)):
        for condition, most in counted:
            _refuse(session, now, period, most[number], condition, *_of_strangers(limits))


def _of_strangers(limits: Limits) -> tuple[ColumnElement[bool], ...]:
    return SignInAttemptRow.kind == limits.kind, SignInAttemptRow.device.is_(None)


def _refuse(session: Session, now: datetime, period: timedelta, most: int, *conditions: ColumnElement[bool]) -> None:
    if _count(session, now - period, *conditions) >= most:
        raise TooManyAttempts(period)


def _count(session: Session, since: datetime, *conditions: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).where(SignInAttemptRow.at > since, *conditions)) or 0


def _take_turn(session: Session, now: datetime) -> timedelta:
    """Return how long to wait for the next free turn. Raises TooManyAttempts if that's too long."""
    row = session.get(SignInTurnRow, 1)
    turn = max(row.next_at, now) if row else now
    if turn > now + LONGEST_WAIT + PAUSE + SKEW:  # written under a wrong clock
        turn = now
    if turn > now + LONGEST_WAIT:
        raise TooManyAttempts(PAUSE)
    session.merge(SignInTurnRow(id=1, next_at=turn + PAUSE))
    return turn - now
