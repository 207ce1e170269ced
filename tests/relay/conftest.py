"""Fixtures: the relay of an instance of the test's own, with a clock that stands until it is moved."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from receiver.app.components import Kit
from tests.hostile_servers import serving
from tests.relay.relaying import Relay, Shop


@pytest.fixture
def relay(kit: Kit) -> Relay:
    """Return a relay whose Order Controls were never saved."""
    return Relay(kit)


@pytest.fixture
def shop() -> Iterator[Shop]:
    made = Shop()
    with serving(lambda connection: made.answer(connection)) as made.server:
        yield made


@pytest.fixture
def enabled(relay: Relay, shop: Shop) -> Relay:
    """Return a relay that sends to the shop."""
    relay.controls.save(enabled=True, url=shop.server.url())
    return relay
