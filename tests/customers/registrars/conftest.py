"""Fixtures: a website's users table in each kind of database, and one in a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.customers.registrars.websites import KINDS, Website, website


@pytest.fixture(params=KINDS)
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Website]:
    """Yield a table of users in each kind of database."""
    with website(request.param, tmp_path) as found:
        yield found


@pytest.fixture
def file_site(tmp_path: Path) -> Iterator[Website]:
    """Yield a table of users in a file."""
    with website("sqlite", tmp_path) as found:
        yield found
