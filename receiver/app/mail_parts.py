"""The parts that write emails and send them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from receiver.customers import clock_notice
from receiver.customers.registrars import Registrar, account_url
from receiver.customers.registrars.troubles import FAILED
from receiver.intake import alarms
from receiver.intake.card_data_notice import CAME_WITH_ORDER
from receiver.intake.held_back_notice import HELD_BACK
from receiver.mail import brand
from receiver.mail.customisation import OwnMails
from receiver.mail.notices import Notices, Standing, Trouble
from receiver.mail.outbox import Outbox
from receiver.mail.templates import MailTemplates
from receiver.mail.transport import MailTransport
from receiver.relay import notices as relay_notices
from receiver.settings.model import Settings
from receiver.storage.database import Database
from receiver.storage.leases import Leases


class MailParts(NamedTuple):
    """What writes emails and sends them."""

    templates: MailTemplates
    own_mails: OwnMails
    transport: MailTransport
    outbox: Outbox
    notices: Notices


def build(
    instance: Path, settings: Settings, database: Database, leases: Leases, registrar: Registrar | None
) -> MailParts:
    """Build these parts from the settings."""
    templates = MailTemplates(
        instance / "templates",
        settings.DEFAULT_LOCALE,
        ZoneInfo(settings.TIMEZONE),
        shop_name=settings.SHOP_NAME,
        brand=brand.from_settings(settings),
        language=settings.MAIL_LANGUAGE,
    )
    own_mails = OwnMails(templates, account_url=account_url(settings.REGISTRAR, settings.ACCOUNT_URL))
    transport = MailTransport(settings, instance)
    outbox = Outbox(database, leases, transport, schedule=settings.RETRY_SCHEDULE)
    notices = Notices(database, templates, settings, _standing_elsewhere(settings, own_mails, registrar))
    return MailParts(templates, own_mails, transport, outbox, notices)


def _standing_elsewhere(settings: Settings, own_mails: OwnMails, registrar: Registrar | None) -> Standing:
    """Return what finds the troubles of which the notices themselves know nothing."""

    def standing(session: Session) -> list[Trouble]:
        return [
            *relay_notices.standing(session),
            CAME_WITH_ORDER,
            *([FAILED] if registrar else []),
            HELD_BACK,
            *own_mails.troubles(),
            *alarms.standing(session, settings),
            *clock_notice.standing(session, settings),
        ]

    return standing
