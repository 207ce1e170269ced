"""Build the parts of one app from its settings and wire them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from receiver.app import mail_parts, relay_parts
from receiver.app.components import Kit
from receiver.app.engine import Engine, Kind
from receiver.app.far_off import FarOff
from receiver.app.obstacles import Obstacles
from receiver.app.readiness import Readiness
from receiver.customers.account_links import AccountLinks
from receiver.customers.registrars import registry as registrar_registry
from receiver.customers.registrars.registrations import Registrations
from receiver.customers.retention import Retention
from receiver.dispatch.processor import Processor
from receiver.dispatch.trial import HandlerTrials
from receiver.handlers.context import Services
from receiver.handlers.forward import ForwardSettings
from receiver.handlers.registry import Registry, load
from receiver.intake.held_back import HeldBack
from receiver.intake.inbox import Inbox
from receiver.intake.reception import Reception
from receiver.intake.refusals import Refusals
from receiver.security.shared_secrets import SharedSecrets
from receiver.settings.consequences import WAITING
from receiver.settings.model import SETTINGS, Settings, is_secret, plain
from receiver.settings.reading import Reading
from receiver.sources import kinds
from receiver.sources.registry import Sources
from receiver.storage.account_models import RegistrationRow
from receiver.storage.database import Database
from receiver.storage.heartbeat import Heartbeat
from receiver.storage.leases import Leases
from receiver.storage.models import MailRow, OrderRow
from receiver.storage.processes import Presence
from receiver.storage.relay_models import TransmissionRow


def build(instance: Path, read: Reading) -> Kit:
    """Build all parts from the settings; starts nothing and touches no database."""
    settings = read.settings
    database = Database(settings.DATABASE_URL, instance / "write.lock")
    sources = Sources(instance, settings.sources, database, kinds.load(instance))
    shared_secrets = SharedSecrets(
        database, secret_key=settings.SECRET_KEY.get_secret_value(), from_settings=plain(settings.SHARED_SECRETS)
    )
    account_links = AccountLinks(
        secret_key=settings.SECRET_KEY.get_secret_value(),
        public_url=settings.PUBLIC_URL,
        is_on=settings.REGISTRAR == "accounts",
    )
    registry = load(instance, settings.HANDLERS, settings.handlers)
    refusals = Refusals(database)
    inbox = Inbox(database)
    leases = Leases(database, (OrderRow, MailRow, TransmissionRow, RegistrationRow))
    registrars = registrar_registry.load(instance)
    registrar, wrong = registrars.chosen(settings.REGISTRAR, settings.registrar)
    registrations = Registrations(database, leases, registrar, schedule=settings.RETRY_SCHEDULE)
    mail = mail_parts.build(instance, settings, database, leases, registrar)
    relay = relay_parts.build(settings, database, leases)
    services = Services(
        database=database,
        templates=mail.templates,
        http=relay.pool,
        account_links=account_links,
        forwarding=relay.forwarding,
        settings=_shown(settings),
        own_settings=registry.own_settings,
    )
    processor = Processor(database, leases, registry, services, schedule=settings.RETRY_SCHEDULE)
    heartbeat = Heartbeat(database, days=settings.RETENTION_DAYS)
    retention = Retention(database, mail.transport, days=settings.RETENTION_DAYS)
    presence = Presence(database)
    threads = settings.WORKER_THREADS
    waiting = read.waiting if settings.REGISTRAR in registrars.names else read.waiting | WAITING["REGISTRAR"]
    at_once = {
        "orders": threads,
        "mails": max(threads // 2, 1),
        "transmissions": max(threads // 2, 1),
        "registrations": max(threads // 4, 1),
        **dict.fromkeys(waiting, 0),
    }
    engine = Engine(
        {
            "orders": Kind(processor, at_once["orders"]),
            "mails": Kind(mail.outbox, at_once["mails"]),
            "transmissions": Kind(relay.transmissions, at_once["transmissions"]),
            "registrations": Kind(registrations, at_once["registrations"]),
        },
        [
            *(refusals.flush, database.checkpoint, HeldBack(database).look, presence.sign),
            *(heartbeat.look, retention.look, FarOff(database, leases, settings.RETRY_SCHEDULE).look),
        ],
        # Whatever keeps others waiting, such as a merchant's template, keeps no lease from being renewed.
        beside={
            "leases": [leases.renew, leases.watch],
            "notices": [mail.own_mails.check, *([mail.notices.look] if at_once["mails"] else [])],
        },
        threads=threads,
    )
    return Kit(
        instance=instance,
        settings=settings,
        setting_origins=read.origins,
        unknown_settings=[*read.unknown, *registry.setting_warnings],
        paused=[*read.paused, *wrong, *registry.setting_problems, *relay.forwarding.problems(_forwarded_to(registry))],
        obstacles=Obstacles(
            instance=instance,
            has_key=bool(settings.SECRET_KEY.get_secret_value()),
            database=database,
            sources=sources,
            lasting=[*read.problems],
        ),
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
        own_mails=mail.own_mails,
        transport=mail.transport,
        templates=mail.templates,
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
        outbox=mail.outbox,
        controls=relay.controls,
        transmissions=relay.transmissions,
        registrars=registrars,
        registrations=registrations,
        notices=mail.notices,
        retention=retention,
        presence=presence,
        leases=leases,
        engine=engine,
    )


def _shown(settings: Settings) -> Mapping[str, Any]:
    """Return what handlers are shown of the settings: nothing secret."""
    return MappingProxyType({name: getattr(settings, name) for name, field in SETTINGS.items() if not is_secret(field)})


def _forwarded_to(registry: Registry) -> Sequence[str]:
    own = registry.own["forward"].values
    return own.urls if isinstance(own, ForwardSettings) else ()
