"""Handlers may forward an order to further servers: what may be forwarded to, and the transmission of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pydantic_core import to_json
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from receiver.errors import ConfigurationError
from receiver.orders import Order
from receiver.orders.idempotency import digest
from receiver.relay.own_receiver import is_below
from receiver.relay.recording import identified
from receiver.security.addresses import check_url
from receiver.storage.relay_models import TransmissionRow


@dataclass(frozen=True, kw_only=True)
class Forwarding:
    """What signs forwarded orders, and where they may be sent."""

    secret: str = field(repr=False)
    #: Where this very receiver is reached; an order forwarded there would go round for ever.
    public_url: str
    https_only: bool
    allow_private: bool

    def check(self, url: str) -> None:
        """Raise ConfigurationError, with what to do, when nothing can be forwarded to this URL."""
        if not self.secret:
            raise ConfigurationError(
                "FORWARD_SECRET is empty, and orders are never forwarded unsigned. Set it to the secret that the other "
                "server checks."
            )
        check_url(url, https_only=self.https_only, allow_private=self.allow_private)
        if is_below(url, self.public_url):
            raise ConfigurationError(
                f"{url} is this receiver itself: an order forwarded there would go round in circles."
            )

    def problems(self, urls: Sequence[str]) -> list[str]:
        """Return what's wrong with each URL that the handler ``forward`` can't send to; shows no secret."""
        found: list[str] = []
        for number, url in enumerate(urls, 1):
            try:
                self.check(url)
            except ConfigurationError as error:
                found.append(f"[handlers.forward] URL number {number}: {error}" if self.secret else str(error))
        return list(dict.fromkeys(found))


def record(session: Session, order: Order, url: str, *, source: str, key: str, now: datetime) -> None:
    """Write down that an order goes to a URL, in the caller's transaction; once, however often it is asked for.

    ``source`` and ``key`` are what the order is known by here. It is sent under its own event_id; without one, under
    one made from those two, since several sources may count their orders alike. So is what came under a known
    event_id with other contents, whose key is its own: the other server may take one id for one event.
    """
    if order.event_id != key:
        order = order.model_copy(update={"event_id": f"evt_{digest(to_json([source, key]))}"})
    order = identified(order)
    values = {
        "event_id": f"fwd_{digest(to_json([source, key, url]))}",
        "target": url,
        "order_id": order.order_id,
        "test": False,
        "order": order.model_dump_json(exclude_none=True),
        "created_at": now,
        "state": "open",
        "due_at": now,
    }
    session.execute(insert(TransmissionRow).values(values).on_conflict_do_nothing())
