"""The emails of alerts: rendered outside a transaction, put into the outbox in one."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from sqlalchemy.orm import Session

from receiver.mail import outbox
from receiver.mail.alerts import Alert
from receiver.mail.message import Draft, deterministic_message_id
from receiver.mail.templates import MailTemplates, Rendered
from receiver.settings.model import Settings


class AlertMails:
    """What writes alerts as emails to the merchant."""

    def __init__(self, templates: MailTemplates, settings: Settings) -> None:
        self._templates = templates
        self._settings = settings

    def render(self, alert: Alert) -> Rendered:
        """Render an alert. A merchant's template may be slow, so no transaction may be open."""
        console = f"{self._settings.PUBLIC_URL.rstrip('/')}/admin/"
        return self._templates.render(
            "merchant_alert",
            order=None,
            headline=alert.headline,
            facts=[(label, value) for label, value in alert.facts if value],
            lines=alert.lines,
            buttons=[(label, console + path) for label, path in alert.buttons],
            cases=[(said, console + path) for said, path in alert.cases],
            console_url=console + (alert.buttons[0][1] if alert.buttons else ""),
        )

    def add(
        self,
        session: Session,
        rendered: Rendered,
        *,
        name: str,
        number: int,
        now: datetime,
        order_pk: int | None = None,
    ) -> None:
        """Put a rendered alert into the outbox. Its ``name`` and ``number`` make its Message-ID."""
        draft = Draft(
            message_id=deterministic_message_id(
                event_id=str(number), handler=name, run=1, ordinal=1, sender=self._settings.MAIL_DEFAULT_SENDER
            ),
            recipient=self._settings.MERCHANT_EMAIL,
            **asdict(rendered),
        )
        outbox.add(session, draft, now=now, order_pk=order_pk)
