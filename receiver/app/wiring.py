"""Build the parts of one app from its settings and wire them together."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from receiver.app.components import Kit
from receiver.app.engine import Engine, Kind
from receiver.app.far_off import FarOff
from receiver.app.readiness import Readiness
from receiver.customers import clock_notice
from receiver.customers.account_links import AccountLinks
from receiver.customers.registrars import Registrar, choice
from receiver.customers.registrars.registrations import Registrations
from receiver.customers.registrars.troubles import FAILED
from receiver.customers.retention import Retention
from receiver.dispatch.processor import Processor
from receiver.dispatch.trial import HandlerTrials
from receiver.handlers.context import Services
from receiver.handlers.registry import load
from receiver.intake import alarms
from receiver.intake.card_data_notice import CAME_WITH_ORDER
from receiver.intake.held_back import HeldBack
from receiver.intake.held_back_notice import HELD_BACK
from receiver.intake.inbox import Inbox
from receiver.intake.reception import Reception
from receiver.intake.refusals import Refusals
from receiver.mail import brand
from receiver.mail.customisation import OwnMails
from receiver.mail.notices import Notices, Trouble
from receiver.mail.outbox import Outbox
from receiver.mail.templates import MailTemplates
from receiver.mail.transport import MailTransport
from receiver.relay import notices as troubles
from receiver.relay.controls import Controls
from receiver.relay.forwarding import Forwarding
from receiver.relay.transmissions import Transmissions
from receiver.security.http_client import new_pool
from receiver.security.shared_secrets import SharedSecrets
from receiver.settings.model import SETTINGS, Settings, is_secret, plain
from receiver.settings.reading import Reading
from receiver.sources.registry import Sources
from receiver.storage import jobs
from receiver.storage.clock import Heartbeat
from receiver.storage.columns import Job
from receiver.storage.database import Database
from receiver.storage.leases import Leases
from receiver.storage.models import MailRow, OrderRow
from receiver.storage.processes import Presence
from receiver.storage.registration_models import RegistrationRow
from receiver.storage.relay_models import TransmissionRow


def build(instance: Path, read: Reading) -> Kit:
    """Build all parts from the settings; starts nothing and touches no database."""
    settings = read.settings
    database = Database(settings.DATABASE_URL, instance / "write.lock")
    sources = Sources(instance, settings.sources, database)
    shared_secrets = SharedSecrets(
        database, secret_key=settings.SECRET_KEY.get_secret_value(), from_settings=plain(settings.SHARED_SECRETS)
    )
    templates = _templates(instance / "templates", settings)
    account_links = AccountLinks(
        secret_key=settings.SECRET_KEY.get_secret_value(),
        public_url=settings.PUBLIC_URL,
        is_on=settings.REGISTRAR == "accounts",
    )
    shown = _shown(settings)
    registry = load(instance, settings.HANDLERS, shown)
    refusals = Refusals(database)
    inbox = Inbox(database)
    transport = MailTransport(settings, instance)
    is_production = settings.PUBLIC_URL.startswith("https:")
    allow_private = settings.RELAY_ALLOW_PRIVATE and not is_production
    pool = new_pool(allow_private=allow_private, https_only=is_production)
    forward_secret = settings.FORWARD_SECRET.get_secret_value().strip()
    forwarding = Forwarding(
        secret=forward_secret,
        public_url=settings.PUBLIC_URL,
        https_only=is_production,
        allow_private=allow_private,
    )
    leases = Leases(database, (OrderRow, MailRow, TransmissionRow, RegistrationRow))
    services = Services(
        database=database,
        templates=templates,
        http=pool,
        account_links=account_links,
        forwarding=forwarding,
        settings=shown,
    )
    processor = Processor(database, leases, registry, services, schedule=settings.RETRY_SCHEDULE)
    outbox = Outbox(
        database,
        leases,
        transport,
        sender=(settings.SHOP_NAME, settings.MAIL_DEFAULT_SENDER),
        schedule=settings.RETRY_SCHEDULE,
    )
    controls = Controls(
        database,
        secret_key=settings.SECRET_KEY.get_secret_value(),
        https_only=is_production,
        allow_private=allow_private,
    )
    transmissions = Transmissions(database, leases, controls, pool, forward_secret=forward_secret)
    registrar, wrong = choice.chosen(settings.REGISTRAR, settings.registrar, os.environ)
    registrations = Registrations(database, leases, registrar, schedule=settings.RETRY_SCHEDULE)
    own_mails = OwnMails(templates, account_url=choice.account_url(settings.REGISTRAR, settings.ACCOUNT_URL))
    notices = Notices(database, templates, settings, _standing_elsewhere(settings, own_mails, registrar))
    heartbeat = Heartbeat(database, days=settings.RETENTION_DAYS)
    retention = Retention(database, transport, days=settings.RETENTION_DAYS)
    presence = Presence(database)
    threads = settings.WORKER_THREADS
    engine = Engine(
        {
            "orders": Kind(_is_due(database, leases, OrderRow), processor.run_next, threads),
            "mails": Kind(_is_due(database, leases, MailRow), outbox.run_next, max(threads // 2, 1)),
            "transmissions": Kind(transmissions.is_due, transmissions.run_next, max(threads // 2, 1)),
            "registrations": Kind(registrations.is_due, registrations.run_next, max(threads // 4, 1)),
        },
        [
            *(refusals.flush, database.checkpoint, HeldBack(database).look, presence.sign),
            *(heartbeat.look, retention.look, FarOff(database, leases, settings.RETRY_SCHEDULE).look),
        ],
        # Whatever keeps others waiting, such as a merchant's template, keeps no lease from being renewed.
        beside={"leases": [leases.renew, leases.watch], "notices": [own_mails.check, notices.look]},
        threads=threads,
    )
    return Kit(
        instance=instance,
        settings=settings,
        setting_origins=read.origins,
        unknown_settings=read.unknown,
        setting_problems=[*read.problems, *wrong, *forwarding.problems(settings.FORWARD_URLS)],
        database=database,
        shared_secrets=shared_secrets,
        sources=sources,
        refusals=refusals,
        registry=registry,
        reception=Reception(
            settings=settings,
            sources=sources,
            shared_secrets=shared_secrets,
            refusals=refusals,
            inbox=inbox,
        ),
        readiness=Readiness(database, inbox, largest_order=settings.MAX_BODY_BYTES),
        own_mails=own_mails,
        transport=transport,
        templates=templates,
        account_links=account_links,
        services=services,
        processor=processor,
        trials=HandlerTrials(
            database=database,
            services=services,
            registry=registry,
            schedule=settings.RETRY_SCHEDULE,
            merchant_email=settings.MERCHANT_EMAIL,
        ),
        outbox=outbox,
        controls=controls,
        transmissions=transmissions,
        registrations=registrations,
        notices=notices,
        retention=retention,
        presence=presence,
        leases=leases,
        engine=engine,
    )


def _shown(settings: Settings) -> Mapping[str, Any]:
    """Return what handlers are shown of the settings: nothing secret but CHAT_URL, which one of them works with."""
    shown = {name: getattr(settings, name) for name, field in SETTINGS.items() if not is_secret(field)}
    return MappingProxyType({**shown, "CHAT_URL": settings.CHAT_URL.get_secret_value()})


def _templates(folder: Path, settings: Settings) -> MailTemplates:
    return MailTemplates(
        folder,
        settings.DEFAULT_LOCALE,
        ZoneInfo(settings.TIMEZONE),
        shop_name=settings.SHOP_NAME,
        brand=brand.from_settings(settings),
        language=settings.MAIL_LANGUAGE,
    )


def _standing_elsewhere(
    settings: Settings, own_mails: OwnMails, registrar: Registrar | None
) -> Callable[[Session], list[Trouble]]:
    """Make what gives the troubles that the notices themselves know nothing of."""
    return lambda session: [
        *troubles.standing(session),
        CAME_WITH_ORDER,
        *([FAILED] if registrar else []),
        HELD_BACK,
        *own_mails.troubles(),
        *alarms.standing(session, settings),
        *clock_notice.standing(session, settings),
    ]


def _is_due(database: Database, leases: Leases, model: type[Job]) -> Callable[[], bool]:
    return lambda: jobs.anything_due(database, model, leases.free(model))
