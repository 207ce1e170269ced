"""Fixtures: the relay of an instance of the test's own, with a clock that stands until it is moved."""

from __future__ import annotations

import pytest

from receiver.kit import Kit
from tests.relay.relaying import Relay


@pytest.fixture
def relay(kit: Kit) -> Relay:
    """Give a relay whose Order Control was never saved."""
    return Relay(kit)
