"""Email the merchant about each case of a problem, a few an hour of each kind, and then about several together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from sqlalchemy.orm import Session

from receiver.mail import alerts
from receiver.mail.alert_mails import AlertMails
from receiver.mail.alerts import Alert, Case, CaseKind, Plan, SayElsewhere
from receiver.mail.formatting import ENGLISH
from receiver.storage.database import Database

#: Cases that an email about several names.
_MOST_NAMED = 20
_WHAT_FOLLOWS = "If there are more of these within the hour, they come in one email."


class CaseAlerts:
    """What finds new cases of these kinds, and puts emails about them into the outbox."""

    def __init__(
        self,
        database: Database,
        mails: AlertMails,
        kinds: Sequence[CaseKind],
        timezone: str,
        say_elsewhere: SayElsewhere,
    ) -> None:
        self._database = database
        self._mails = mails
        self._zone = ZoneInfo(timezone)
        self._say_elsewhere = say_elsewhere
        self.kinds = kinds

    def look(self, now: datetime) -> None:
        """Email the merchant about new cases."""
        for kind in self.kinds:
            with self._database.read() as session:
                plan = alerts.plan(session, kind, now)
                said = list(self._said(session, kind, plan, now)) if plan else []
            if plan:
                self._tell(kind, plan, said, now)

    def _said(self, session: Session, kind: CaseKind, plan: Plan, now: datetime) -> Iterator[tuple[Case, Alert]]:
        """Yield each alert with the case that names it; of a case that's gone since there's none."""
        if plan.together:
            yield plan.cases[0], self._of_several(session, kind, plan.cases, now)
            return
        for case in plan.cases:
            alert = kind.describe(session, case.pk)
            if alert is not None and plan.is_last and case is plan.cases[-1]:
                alert = replace(alert, lines=(*alert.lines, _WHAT_FOLLOWS))
            if alert is not None:
                yield case, alert

    def _of_several(self, session: Session, kind: CaseKind, cases: Sequence[Case], now: datetime) -> Alert:
        number = len({case.counted for case in cases})
        said = kind.one if number == 1 else kind.several.format(number)
        named = [kind.describe(session, case.pk) for case in cases[:_MOST_NAMED]]
        more = [f"And {len(cases) - _MOST_NAMED} more."] if len(cases) > _MOST_NAMED else []
        return Alert(
            headline=f"{said} since {self._moment(cases[0].since, now)}",
            cases=tuple((one.short, one.buttons[0][1]) for one in named if one is not None),
            lines=(*more, "These were too many for an email each."),
            buttons=(("See all", kind.path),),
        )

    def _moment(self, since: int, now: datetime) -> str:
        """Return a moment in the shop's zone: its time, and another day's date."""
        then, today = datetime.fromtimestamp(since / 1000, UTC).astimezone(self._zone), now.astimezone(self._zone)
        return format_datetime(then, "HH:mm" if then.date() == today.date() else "d MMM, HH:mm", locale=ENGLISH)

    def _tell(self, kind: CaseKind, plan: Plan, said: Sequence[tuple[Case, Alert]], now: datetime) -> None:
        rendered = [(case, alert, self._mails.render(alert)) for case, alert in said]
        with self._database.write() as session:
            if not alerts.is_still_right(session, kind, plan, now):
                return  # another process was quicker; the next look sees what's left
            alerts.note(session, kind, plan, now)
            for case, alert, mail in rendered:
                name = f"{kind.kind}:{case.pk}{':several' if plan.together else ''}"
                self._mails.add(session, mail, name=name, number=case.since, now=now, order_pk=alert.order_pk)
                self._say_elsewhere(session, kind.kind, f"{name}:{case.since}", alert)
