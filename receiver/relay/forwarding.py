"""Forward orders to other servers, as handlers ask: check the URLs, and record the transmissions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pydantic_core import to_json
from sqlalchemy import Connection

from receiver.errors import ConfigurationError
from receiver.orders import Order
from receiver.orders.idempotency import digest
from receiver.relay.own_receiver import is_at
from receiver.relay.recording import identified, insert_once
from receiver.security.addresses import check_url
from receiver.security.allowed_hosts import AllowedHosts


@dataclass(frozen=True, kw_only=True)
class Forwarding:
    """What signs forwarded orders, and where they may be sent."""

    secret: str = field(repr=False)
    #: This receiver's own address. An order forwarded there would go round in circles.
    public_url: str
    https_only: bool
    allow_private: bool
    #: Hosts inside the merchant's own network that may be sent to all the same.
    allowed: AllowedHosts

    def check(self, url: str) -> None:
        """Raise ConfigurationError, with what to do, if nothing can be forwarded to this URL."""
        if not self.secret:
            raise ConfigurationError(
                "FORWARD_SECRET is empty, and orders are never forwarded unsigned. Set it to the secret that the other "
                "server checks."
            )
        self.check_address(url)
        if is_at(url, self.public_url):
            raise ConfigurationError(
                f"{url} is this receiver itself: an order forwarded there would go round in circles."
            )

    def check_address(self, url: str) -> None:
        """Raise ConfigurationError, with what to do, if this URL may not be called."""
        check_url(url, https_only=self.https_only, allow_private=self.allow_private, is_allowed=self.allowed.name)

    def problems(self, urls: Sequence[str]) -> list[str]:
        """Return a sentence, without any secret, for each URL that the handler ``forward`` can't send to."""
        found: list[str] = []
        for number, url in enumerate(urls, 1):
            try:
                self.check(url)
            except ConfigurationError as error:
                found.append(f"[handlers.forward] URL number {number}: {error}" if self.secret else str(error))
        return list(dict.fromkeys(found))


def record(connection: Connection, order: Order, url: str, *, source: str, key: str, now: datetime) -> None:
    """Record that an order goes to a URL, in the caller's transaction: once, however often it's called.

    ``source`` and ``key`` identify the order here. It's sent under its own event_id if that's its key. Otherwise it's
    sent under one made of these two: without an event_id, since several sources may count their orders alike, and if
    its event_id came before with other contents, since the other server may ignore a second order with that id.
    """
    if order.event_id != key:
        order = order.model_copy(update={"event_id": f"evt_{digest(to_json([source, key]))}"})
    event_id = f"fwd_{digest(to_json([source, key, url]))}"
    insert_once(connection, identified(order), event_id=event_id, target=url, due_at=now, now=now)
