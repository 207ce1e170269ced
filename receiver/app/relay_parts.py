"""The parts that connect to other servers and send orders on."""

from __future__ import annotations

from typing import NamedTuple

from urllib3 import PoolManager

from receiver.relay.controls import Controls
from receiver.relay.forwarding import Forwarding
from receiver.relay.transmissions import Transmissions
from receiver.security.http_client import new_pool
from receiver.settings.model import Settings
from receiver.storage.database import Database
from receiver.storage.leases import Leases


class RelayParts(NamedTuple):
    """What connects to other servers and sends orders on."""

    pool: PoolManager
    forwarding: Forwarding
    controls: Controls
    transmissions: Transmissions


def build(settings: Settings, database: Database, leases: Leases) -> RelayParts:
    """Build these parts from the settings; with an https PUBLIC_URL they use https and public addresses only."""
    https_only = settings.PUBLIC_URL.startswith("https:")
    allow_private = settings.RELAY_ALLOW_PRIVATE and not https_only
    forward_secret = settings.FORWARD_SECRET.get_secret_value().strip()
    pool = new_pool(allow_private=allow_private, https_only=https_only)
    forwarding = Forwarding(
        secret=forward_secret,
        public_url=settings.PUBLIC_URL,
        https_only=https_only,
        allow_private=allow_private,
    )
    controls = Controls(
        database,
        secret_key=settings.SECRET_KEY.get_secret_value(),
        https_only=https_only,
        allow_private=allow_private,
    )
    transmissions = Transmissions(database, leases, controls, pool, forward_secret=forward_secret)
    return RelayParts(pool, forwarding, controls, transmissions)
