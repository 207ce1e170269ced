"""What the contexts of all handlers of one app share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from urllib3 import PoolManager

from receiver.customers.account_links import AccountLinks
from receiver.mail.templates import MailTemplates
from receiver.relay.forwarding import Forwarding
from receiver.storage.database import Database


@dataclass(frozen=True, kw_only=True)
class Services:
    """What all contexts of one app share."""

    database: Database
    templates: MailTemplates
    http: PoolManager
    forwarding: Forwarding
    account_links: AccountLinks
    #: All settings except the secret ones.
    settings: Mapping[str, Any]
    #: Returns the own settings of the handler with this name.
    own_settings: Callable[[str], Any]
