"""Email the merchant about problems: about each case or, of other kinds, at the first one and then once a day."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from sqlalchemy import BigInteger, ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from receiver.mail.alert_mails import AlertMails
from receiver.mail.alerts import Alert, CaseKind, SayElsewhere
from receiver.mail.case_alerts import CaseAlerts
from receiver.mail.message import ANOTHER_ADDRESS
from receiver.mail.reported import HAD_CARD_DATA, HAD_WRONG_SECRET, MAIL_HAS_FAILED
from receiver.mail.templates import MailTemplates, Rendered
from receiver.settings.model import Settings
from receiver.storage import same_id
from receiver.storage.clock import utc_now
from receiver.storage.database import Database
from receiver.storage.models import HandlerRow, MailRow, NoticeRow, OrderRow, RefusalRow

#: The shortest time between two alerts of one kind.
EVERY = timedelta(days=1)
#: The most alerts of one kind in that time, whatever they're about.
MOST_OF_A_KIND = 10
_LOOK_EVERY_SECONDS = 15.0

#: Returns a number that grows with each new case of a problem; 0 if there's none.
Newest = Callable[[Session], int]
#: Returns whether a problem still exists at a time.
Stands = Callable[[Session, datetime], bool]


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """One kind of problem: how it's found, and the alert's text."""

    kind: str
    newest: Newest
    headline: str
    lines: tuple[str, ...]
    #: Without it, the problem exists while there's a case.
    stands: Stands | None = None
    #: What has this problem, where several can have one of this kind, each with alerts of its own: such as a source.
    about: str = ""
    #: The console's page to fix it on, if it isn't the first one: what follows ``/admin/``.
    path: str = ""

    @classmethod
    def found(
        cls,
        kind: str,
        newest: int | Newest,
        headline: str,
        *lines: str,
        stands: Stands | None = None,
        about: str = "",
        path: str = "",
    ) -> Self:
        """Return a problem of which the newest case is known or can be looked up."""
        look_up = newest if callable(newest) else lambda _session: newest
        return cls(kind=kind, newest=look_up, headline=headline, lines=lines, stands=stands, about=about, path=path)

    @property
    def name(self) -> str:
        """Its kind, and what has it."""
        return f"{self.kind}:{self.about}" if self.about else self.kind


#: Returns the problems that exist now.
Standing = Callable[[Session], Sequence[Trouble]]


def highest(column: Any, *conditions: ColumnElement[bool]) -> Newest:
    """Return a function that reads the highest id, or time in milliseconds, of the rows that meet the conditions."""
    statement = select(func.max(column, type_=BigInteger)).where(*conditions)
    return lambda session: session.scalar(statement) or 0


def _refused_lately(newest: Newest) -> Stands:
    """Return a function that reads whether the newest such refusal is less than a day old. Nobody can undo it later."""

    def stands(session: Session, now: datetime) -> bool:
        refusal = session.get(RefusalRow, newest(session))
        return refusal is not None and now - refusal.at < EVERY

    return stands


_newest_wrong_secret = highest(RefusalRow.id, *HAD_WRONG_SECRET)
_newest_card_data = highest(RefusalRow.id, *HAD_CARD_DATA)

TROUBLES = (
    Trouble.found(
        "handler_failed",
        highest(
            HandlerRow.changed_at,
            HandlerRow.state == "failed",
            exists().where(OrderRow.id == HandlerRow.order_pk, OrderRow.test.is_(False)),
        ),
        "A handler failed on an order",
        "It failed on every attempt. The order itself is safe.",
        "Find it with: flask orders list --state failed, then: flask orders show RECEIPT",
        "Once you've fixed the cause, run it again with: flask orders replay RECEIPT",
    ),
    Trouble.found(
        "mail_failed",
        highest(MailRow.id, *MAIL_HAS_FAILED),
        "An email about an order couldn't be sent",
        "Its handler is done, and sending won't be retried automatically.",
        "See why with: flask mail list --state failed",
        "Once you've fixed the cause, send it with: flask mail resend ID",
        f"If the address was wrong, send it to another one: {ANOTHER_ADDRESS}",
    ),
    Trouble.found(
        "same_id",
        same_id.newest_of_orders,
        "Two different orders have the same id",
        "Both were stored and processed. Check whether the later one corrects the first or is another order.",
        "See them in the console under Orders → Filters → Same id, or with: flask orders list --same-id",
        "If they have an event_id: the shop uses it for several orders, or your mapping reads the wrong parameter.",
        "If not: the shop sent the same order_id again with different items or a different total.",
        stands=same_id.came_today,
    ),
    Trouble.found(
        "wrong_secret",
        _newest_wrong_secret,
        "A POST was refused because of a wrong shared secret",
        "If orders are missing, the service and this server no longer share the same secret.",
        "Copy the secret from the service's Order Controls, then run: flask secret add SECRET",
        "If the source has secrets of its own, enter it under Settings → Sources, or in its table in config.toml.",
        "For the exact reasons, run: flask doctor",
        stands=_refused_lately(_newest_wrong_secret),
    ),
    Trouble.found(
        "card_data",
        _newest_card_data,
        "A POST was refused because it contained card data",
        "Card numbers and security codes must never be sent. Nothing was stored.",
        "Ask whoever sends the orders to leave that field out. To see which one, run: flask doctor",
        stands=_refused_lately(_newest_card_data),
    ),
)


class Notices:
    """What finds problems, those above and those of ``others``, and puts alerts about them into the outbox."""

    def __init__(
        self,
        database: Database,
        templates: MailTemplates,
        settings: Settings,
        others: Standing,
        kinds: Sequence[CaseKind],
        say_elsewhere: SayElsewhere,
    ) -> None:
        self._database = database
        self._mails = AlertMails(templates, settings)
        self._cases = CaseAlerts(database, self._mails, kinds, settings.TIMEZONE, say_elsewhere)
        self._say_elsewhere = say_elsewhere
        self._others = others
        self._look_again_at = 0.0  # in monotonic seconds: the wall clock may be set back

    def standing(self, session: Session, now: datetime) -> list[Trouble]:
        """Return the problems that still exist at this time."""
        return [
            trouble
            for trouble in (*TROUBLES, *self._others(session))
            if (trouble.stands(session, now) if trouble.stands else trouble.newest(session) > 0)
        ]

    def look(self) -> None:
        """Email the merchant about new cases, and about new problems whose last alert is a day old or more."""
        if time.monotonic() < self._look_again_at:
            return
        self._look_again_at = time.monotonic() + _LOOK_EVERY_SECONDS
        now = utc_now()
        self._cases.look(now)
        by_case = {kind.kind for kind in self._cases.kinds}
        with self._database.read() as session:
            everything = (one for one in (*TROUBLES, *self._others(session)) if one.kind not in by_case)
            news = [trouble for trouble in everything if _is_news(session, trouble, now)]
        for trouble in news:
            alert = _alert(trouble)
            rendered = self._mails.render(alert)
            with self._database.write() as session:
                if _is_news(session, trouble, now):
                    self._tell(session, trouble, alert, rendered, now)

    def _tell(self, session: Session, trouble: Trouble, alert: Alert, rendered: Rendered, now: datetime) -> None:
        newest = trouble.newest(session)
        session.merge(NoticeRow(kind=trouble.name, last_seen=newest, mailed_at=now))
        self._mails.add(session, rendered, name=trouble.name, number=newest, now=now)
        self._say_elsewhere(session, trouble.kind, f"{trouble.name}:{newest}", alert)


def _alert(trouble: Trouble) -> Alert:
    return Alert(headline=trouble.headline, lines=trouble.lines, buttons=(("Open the console", trouble.path),))


def _is_news(session: Session, trouble: Trouble, now: datetime) -> bool:
    last = session.get(NoticeRow, trouble.name)
    if last is not None and last.mailed_at is not None and timedelta(0) <= now - last.mailed_at < EVERY:
        return False  # an alert of the future was sent while the clock was wrong, so it doesn't count
    if trouble.about and _mailed_lately(session, trouble.kind, now) >= MOST_OF_A_KIND:
        return False
    return trouble.newest(session) > (last.last_seen if last else 0)


def _mailed_lately(session: Session, kind: str, now: datetime) -> int:
    of_kind = NoticeRow.kind.startswith(f"{kind}:", autoescape=True), NoticeRow.mailed_at.between(now - EVERY, now)
    return session.scalar(select(func.count()).where(*of_kind)) or 0
