"""The parts of one app, as views and commands hold them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from flask import current_app

from receiver.app.engine import Engine
from receiver.app.obstacles import Obstacles
from receiver.app.readiness import Readiness
from receiver.customers.account_links import AccountLinks
from receiver.customers.registrars.registrations import Registrations
from receiver.customers.registrars.registry import Registrars
from receiver.customers.retention import Retention
from receiver.dispatch.processor import Processor
from receiver.dispatch.trial import HandlerTrials
from receiver.errors import Unavailable
from receiver.handlers.append_csv import CsvSettings
from receiver.handlers.context import Services
from receiver.handlers.registry import Registry
from receiver.intake.reception import Reception
from receiver.intake.refusals import Refusals
from receiver.mail.customisation import OwnMails
from receiver.mail.notices import Notices
from receiver.mail.outbox import Outbox
from receiver.mail.templates import MailTemplates
from receiver.mail.transport import MailTransport
from receiver.relay.controls import Controls
from receiver.relay.transmissions import Transmissions
from receiver.security.shared_secrets import SharedSecrets
from receiver.settings.model import Settings
from receiver.sources.registry import Sources
from receiver.storage.database import Database
from receiver.storage.leases import Leases
from receiver.storage.processes import Presence


@dataclass(frozen=True, kw_only=True)
class Kit:
    """The parts that views and commands work with."""

    instance: Path
    settings: Settings = field(repr=False)
    #: Where each setting comes from.
    setting_origins: Mapping[str, str]
    #: A sentence for each name in the file or the environment that is no setting, and has no effect.
    unknown_settings: Sequence[str]
    #: A sentence for each wrong setting that receiving doesn't need; only its own feature waits.
    paused: Sequence[str]
    #: What keeps orders from being taken.
    obstacles: Obstacles
    database: Database
    shared_secrets: SharedSecrets
    sources: Sources
    refusals: Refusals
    registry: Registry
    reception: Reception
    readiness: Readiness
    own_mails: OwnMails
    transport: MailTransport
    templates: MailTemplates
    account_links: AccountLinks
    #: What every handler's context shares.
    services: Services
    processor: Processor
    trials: HandlerTrials
    outbox: Outbox
    controls: Controls
    transmissions: Transmissions
    registrars: Registrars
    registrations: Registrations
    notices: Notices
    retention: Retention
    presence: Presence
    leases: Leases
    engine: Engine

    @property
    def setting_warnings(self) -> Sequence[str]:
        """A sentence for each name in the file or the environment that is no setting, and has no effect."""
        of_registrar = self.registrars.without_effect(self.settings.REGISTRAR, self.settings.registrar)
        return [*self.unknown_settings, *of_registrar, *self.sources.warnings]

    @property
    def csv_file(self) -> str:
        """The path of the file that ``append_csv`` keeps; empty while it keeps none.

        Raises Unavailable while its settings are wrong, for then nobody can tell which file that is.
        """
        own = self.registry.own["append_csv"]
        if own.problem:
            raise Unavailable(own.problem)
        return str(own.values.file) if isinstance(own.values, CsvSettings) else ""

    @property
    def problems(self) -> list[str]:
        """What keeps orders from being taken now; serving with any leaves /orders answering 503."""
        return self.obstacles.known()


def current_kit() -> Kit:
    """Return the current app's kit."""
    kit: Kit = current_app.extensions["receiver"]
    return kit
