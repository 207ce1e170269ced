"""Alerts about single cases of a problem: what each says, and which cases the merchant hasn't been emailed about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Select, Text, cast, delete, exists, func, literal, select
from sqlalchemy.orm import Session

from receiver.storage import pages
from receiver.storage.columns import milliseconds, table_of, upsert
from receiver.storage.models import NoticeRow

#: The most emails about cases of one kind within an hour. What doesn't fit goes into one email.
MOST_AN_HOUR = 5
HOUR = timedelta(hours=1)
#: Older cases are no news.
_LOOK_BACK = timedelta(days=14)
#: The most that one look tells of, as senders of orders wait while it's written down.
_MOST_AT_ONCE = 10_000
#: How long it's kept which cases the merchant was emailed about.
_KEPT = timedelta(days=28)


@dataclass(frozen=True, kw_only=True)
class Alert:
    """What's said about one case, or about several."""

    headline: str
    #: The headline in an email about several cases: it names no person, as that email isn't any order's.
    short: str = ""
    #: Labels and values.
    facts: tuple[tuple[str, str], ...] = ()
    lines: tuple[str, ...] = ()
    #: Labels, and pages of the console: what follows ``/admin/``.
    buttons: tuple[tuple[str, str], ...] = ()
    #: What each of several cases is, and its page.
    cases: tuple[tuple[str, str], ...] = ()
    #: The order that it's about. Erasing its customer takes the email too.
    order_pk: int | None = None


class Case(NamedTuple):
    """One case: its id, since when it is one in milliseconds, and the id of what an email about several counts."""

    pk: int
    since: int
    counted: int


@dataclass(frozen=True, kw_only=True)
class CaseKind:
    """One kind of problem each case of which has an alert of its own."""

    kind: str
    #: Selects the columns of the cases: ``pk``, ``since`` and ``counted``.
    cases: Select[int, int, int]
    #: Returns what to say about a case; None once it's gone.
    describe: Callable[[Session, int], Alert | None]
    #: What's said of one, and of several: with their number in place of ``{}``.
    one: str
    several: str
    #: The page that lists them.
    path: str
    most_an_hour: int = MOST_AN_HOUR


#: Takes the kind, the name and the text of an alert in the transaction that emails it, to have it said elsewhere too.
SayElsewhere = Callable[[Session, str, str, Alert], None]


class Plan(NamedTuple):
    """What to email about now."""

    cases: tuple[Case, ...]
    #: How many emails of the kind the hour has room for.
    room: int

    @property
    def together(self) -> bool:
        """Whether they share one email, since one each would be too many."""
        return len(self.cases) > self.room

    @property
    def emails(self) -> int:
        """How many emails that makes."""
        return 1 if self.together else len(self.cases)

    @property
    def is_last(self) -> bool:
        """Whether none of the kind can follow within the hour."""
        return self.emails == self.room


_ADD = upsert(table_of(NoticeRow))
_NOTE = _ADD.on_conflict_do_update(
    index_elements=["kind"], set_={name: _ADD.excluded[name] for name in ("last_seen", "mailed_at")}
)


def plan(session: Session, kind: CaseKind, now: datetime) -> Plan | None:
    """Return what to email about now: the cases that nobody was told of, as far as the hour has room."""
    lately = pages.begins_with(NoticeRow.kind, _name(kind)), NoticeRow.mailed_at.between(now - HOUR, now)
    room = kind.most_an_hour - (session.scalar(select(func.count()).where(*lately)) or 0)
    cases = _untold(session, kind, now) if room > 0 else ()
    return Plan(cases, room) if cases else None


def is_still_right(session: Session, kind: CaseKind, made: Plan, now: datetime) -> bool:
    """Return whether the cases of a plan are still untold, and the hour has room; more may have come meanwhile."""
    again = plan(session, kind, now)
    return again is not None and made.emails <= again.room and set(made.cases) <= set(again.cases)


def note(session: Session, kind: CaseKind, told: Plan, now: datetime) -> None:
    """Write down that the merchant is told, in the transaction that puts the emails into the outbox."""
    rows = [{"kind": _name(kind, case.pk), "last_seen": case.since, "mailed_at": now} for case in told.cases]
    for row in rows[1:] if told.together else ():
        row["mailed_at"] = None  # so that the emails of the hour can be counted
    session.execute(_NOTE, rows)
    old = NoticeRow.last_seen < milliseconds(now - _KEPT)
    session.execute(delete(NoticeRow).where(pages.begins_with(NoticeRow.kind, _name(kind)), old))


def _untold(session: Session, kind: CaseKind, now: datetime) -> tuple[Case, ...]:
    found = kind.cases.subquery()
    name = literal(_name(kind)).concat(cast(found.c.pk, Text))
    is_told = exists().where(NoticeRow.kind == name, NoticeRow.last_seen >= found.c.since)
    since = found.c.since >= milliseconds(now - _LOOK_BACK)
    columns = found.c.pk, found.c.since, found.c.counted
    oldest = select(*columns).where(since, ~is_told).order_by(*columns[1::-1]).limit(_MOST_AT_ONCE)
    return tuple(Case(*row) for row in session.execute(oldest))


def _name(kind: CaseKind, pk: int | str = "") -> str:
    return f"{kind.kind}:{pk}"
