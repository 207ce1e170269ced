"""Build the parts of one app from its settings and wire them together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

from receiver.app.obstacles import Obstacles
from receiver.app.readiness import Readiness
from receiver.customers.account_links import AccountLinks
from receiver.customers.registrars import account_url
from receiver.customers.registrars import registry as registrar_registry
from receiver.customers.registrars.registrations import Registrations
from receiver.customers.retention import Retention
from receiver.dispatch.attempt import Attempts
from receiver.dispatch.processor import Processor
from receiver.dispatch.trial import HandlerTrials
from receiver.handlers import registry as handler_registry
from receiver.handlers.forward import ForwardSettings
from receiver.handlers.services import Services
from receiver.intake.asking import Asking
from receiver.intake.inbox import Inbox
from receiver.intake.quarantine import Quarantine
from receiver.intake.reception import Reception
from receiver.intake.refusals import Refusals
from receiver.intake.samples import Samples
from receiver.intake.unread_bodies import UnreadBodies
from receiver.mail import brand
from receiver.mail.customisation import OwnMails
from receiver.mail.outbox import Outbox
from receiver.mail.templates import MailTemplates
from receiver.mail.transport import MailTransport
from receiver.relay.alert_posts import AlertPosts
from receiver.relay.controls import Controls
from receiver.relay.forwarding import Forwarding
from receiver.relay.transmissions import Transmissions
from receiver.security import allowed_hosts
from receiver.security.http_client import new_pool
from receiver.security.shared_secrets import SharedSecrets
from receiver.settings.consequences import WAITING
from receiver.settings.model import SETTINGS, is_secret, plain
from receiver.settings.reading import Reading
from receiver.sources import kinds
from receiver.sources.registry import Sources
from receiver.storage.account_models import RegistrationRow
from receiver.storage.leases import Leases
from receiver.storage.models import MailRow, OrderRow, QuarantineRow
from receiver.storage.opening import open_database
from receiver.storage.processes import Presence
from receiver.storage.relay_models import AlertPostRow, TransmissionRow


class Parts:
    """The parts of one app. Building them starts nothing and doesn't touch the database."""

    def __init__(self, instance: Path, read: Reading) -> None:
        self.instance = instance
        self.settings = settings = read.settings
        #: Where each setting comes from.
        self.setting_origins = read.origins
        #: SECRET_KEY, empty while there is none.
        self.secret_key = secret_key = settings.SECRET_KEY.get_secret_value()
        schedule = settings.RETRY_SCHEDULE
        self.database = database = open_database(settings.DATABASE_URL.get_secret_value(), instance / "write.lock")
        self.leases = leases = Leases(
            database, (OrderRow, MailRow, TransmissionRow, RegistrationRow, QuarantineRow, AlertPostRow)
        )
        self.presence = Presence(database)

        self.shared_secrets = SharedSecrets(
            database, secret_key=secret_key, from_settings=plain(settings.SHARED_SECRETS)
        )
        self.sources = Sources(instance, settings.sources, database, kinds.load(instance), secret_key)
        self.refusals = Refusals(database)
        inbox = Inbox(database)
        self.reception = Reception(
            settings=settings,
            sources=self.sources,
            shared_secrets=self.shared_secrets,
            refusals=self.refusals,
            inbox=inbox,
            quarantine=Quarantine(database=database, secret_key=secret_key),
        )
        self.samples = Samples()
        self.bodies = UnreadBodies(settings=settings, sources=self.sources, shared_secrets=self.shared_secrets)
        self.readiness = Readiness(database, inbox, largest_order=settings.MAX_BODY_BYTES)
        #: What keeps orders from being taken.
        self.obstacles = Obstacles(
            instance=instance,
            has_key=bool(secret_key),
            database=database,
            sources=self.sources,
            lasting=[*read.problems],
        )

        self.registrars = registrar_registry.load(instance)
        registrar, wrong_registrar = self.registrars.chosen(settings.REGISTRAR, settings.registrar)
        self.registrations = Registrations(database, leases, registrar, schedule=schedule)
        self.account_links = AccountLinks(
            secret_key=secret_key, public_url=settings.PUBLIC_URL, is_on=settings.REGISTRAR == "accounts"
        )

        self.templates = MailTemplates(
            instance / "templates",
            settings.DEFAULT_LOCALE,
            ZoneInfo(settings.TIMEZONE),
            shop_name=settings.SHOP_NAME,
            brand=brand.from_settings(settings),
            language=settings.MAIL_LANGUAGE,
        )
        self.own_mails = OwnMails(self.templates, account_url=account_url(settings.REGISTRAR, settings.ACCOUNT_URL))
        self.transport = MailTransport(settings, instance)
        self.outbox = Outbox(database, leases, self.transport, schedule=schedule)
        self.retention = Retention(database, self.transport, days=settings.RETENTION_DAYS)

        # With an https PUBLIC_URL, orders are sent on by https and to public addresses, or to what HTTP_ALLOW names.
        https_only = settings.PUBLIC_URL.startswith("https:")
        allow_private = settings.RELAY_ALLOW_PRIVATE and not https_only
        forward_secret = settings.FORWARD_SECRET.get_secret_value().strip()
        allowed = allowed_hosts.read(settings.HTTP_ALLOW)
        pool = new_pool(allow_private=allow_private, https_only=https_only, allowed=allowed)
        forwarding = Forwarding(
            secret=forward_secret,
            public_url=settings.PUBLIC_URL,
            https_only=https_only,
            allow_private=allow_private,
            allowed=allowed,
        )
        self.alert_posts = AlertPosts(
            database,
            leases,
            settings.ALERT_URL.get_secret_value(),
            forwarding=forwarding,
            pool=pool,
            shop_name=settings.SHOP_NAME,
            public_url=settings.PUBLIC_URL,
        )
        self.controls = Controls(database, secret_key=secret_key, https_only=https_only, allow_private=allow_private)
        self.transmissions = Transmissions(database, leases, self.controls, pool, forward_secret=forward_secret)

        self.registry = handler_registry.load(instance, settings.HANDLERS, settings.handlers)
        shown = {name: getattr(settings, name) for name, field in SETTINGS.items() if not is_secret(field)}
        #: What every handler's context shares.
        self.services = Services(
            database=database,
            templates=self.templates,
            # The same in every process, however it's started, so RELAY_ALLOW_PRIVATE has no effect here.
            http=new_pool(allow_private=False, https_only=https_only, allowed=allowed),
            account_links=self.account_links,
            forwarding=forwarding,
            settings=MappingProxyType(shown | self.registry.former_settings()),
            own_settings=self.registry.own_settings,
        )
        self.processor = Processor(database, leases, self.registry, Attempts(self.services, schedule))
        self.trials = HandlerTrials(self.processor)
        self.asking = Asking(
            database,
            leases,
            settings=settings,
            sources=self.sources,
            shared_secrets=self.shared_secrets,
            refusals=self.refusals,
            pool=new_pool(allow_private=False, https_only=True),
            run_test=self.processor.run_test,
        )

        self._unknown_settings = [*read.unknown, *self.registry.setting_warnings]
        forward = self.registry.own["forward"].values
        forwarded_to = forward.urls if isinstance(forward, ForwardSettings) else ()
        #: A sentence for each wrong setting that receiving doesn't need. Only its own feature waits.
        self.paused: Sequence[str] = [
            *read.paused,
            *wrong_registrar,
            *self.registry.setting_problems,
            *forwarding.problems(forwarded_to),
            *self.alert_posts.problems,
        ]
        is_registrar_known = settings.REGISTRAR in self.registrars.names
        #: The kinds of jobs that wait until a setting is fixed.
        self.waiting = read.waiting if is_registrar_known else read.waiting | WAITING["REGISTRAR"]
