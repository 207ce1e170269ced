"""Choose what carries an instance's hints by its settings, and try whether it does."""

from __future__ import annotations

import hmac
from contextlib import closing

from sqlalchemy.engine import make_url

from receiver.app.hints.messenger import Hints, Transport
from receiver.settings.model import Settings

#: What's sent to see whether it comes back, and the seconds that it has for that.
_TRIAL, _PATIENCE = "trial", 3.0
#: Seconds that are enough to begin to listen.
_A_MOMENT = 0.01


def between_processes(settings: Settings) -> Hints | None:
    """Return the hints of this instance's processes to each other; None if nothing carries any."""
    found = transport(settings)
    return None if found is None else Hints(found)


def transport(settings: Settings, purpose: str = "") -> Transport | None:
    """Return what carries hints: Redis if QUEUE_URL names it, or PostgreSQL if the orders are there.

    SQLite carries none: without QUEUE_URL the workers of other processes find jobs by their sweep. The libraries are
    imported only when they're used, since that takes a third of a second.
    """
    # Two shops may share a server, and the processes of one may know that server by different addresses.
    secret_key = settings.SECRET_KEY.get_secret_value()
    instance = hmac.digest(secret_key.encode(), b"hints", "sha256").hex()[:16] + purpose
    if queue_url := settings.QUEUE_URL.get_secret_value():
        from receiver.app.hints.redis_list import RedisList

        return RedisList(queue_url, instance)
    database_url = settings.DATABASE_URL.get_secret_value()
    if make_url(database_url).get_backend_name() == "postgresql":
        from receiver.app.hints.notifications import Notifications

        return Notifications(database_url, instance)
    return None


def comes_back(found: Transport) -> bool:
    """Return whether a hint that's sent is received. Raises what the library raises."""
    with closing(found):
        found.receive(_A_MOMENT)
        found.send([_TRIAL])
        return _TRIAL in found.receive(_PATIENCE)
