"""What the contexts of all handlers of one app share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from logging import Logger, LoggerAdapter, getLogger
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


class OrderLog(LoggerAdapter[Logger]):
    """A logger whose lines start with the order's receipt."""

    def __init__(self, handler: str, receipt: str) -> None:
        """Make the logger of one handler's attempt."""
        super().__init__(getLogger(f"receiver.handlers.{handler}"), {})
        self._receipt = receipt

    def process(self, msg: object, kwargs: MutableMapping[str, Any]) -> tuple[str, MutableMapping[str, Any]]:
        """Put the receipt before a line."""
        return f"{self._receipt}: {msg}", kwargs
