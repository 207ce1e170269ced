"""Fixtures: a real browser, and windows of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.web.console.browsing import Browsing

#: What keeps Chromium from asking its maker anything.
_QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Give a real browser."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=[*_QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        )
        yield browser
        browser.close()


@pytest.fixture
def browse(chromium: Browser) -> Iterator[Callable[..., Browsing]]:
    """Open browser windows; at the end none may have met a CSP violation, a script error or a failed request."""
    opened: list[Browsing] = []

    def start(base: str, **options: object) -> Browsing:
        browsing = Browsing(chromium, base, **options)
        opened.append(browsing)
        return browsing

    yield start
    for browsing in opened:
        browsing.close()
    assert [fault for browsing in opened for fault in browsing.faults] == []
