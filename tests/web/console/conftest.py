"""Fixtures of the console's tests: a signed-in visitor."""

from __future__ import annotations

import pytest

from tests.served import Served
from tests.web.console.visitor import Visitor


@pytest.fixture
def visitor(shop: Served) -> Visitor:
    """Return a person who is signed in to the served receiver's console."""
    person = Visitor(shop.base)
    person.sign_in(follow=False)
    return person
