"""Fixtures: a real browser, and tabs of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, ViewportSize, sync_playwright

from tests.web.console.browsing import WIDE, Browsing

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


@pytest.fixture(scope="session")
def window(chromium: Browser) -> BrowserContext:
    """Give one window for all tests: opening one takes the browser a second."""
    return chromium.new_context(bypass_csp=False)


@pytest.fixture
def browse(chromium: Browser, window: BrowserContext) -> Iterator[Callable[..., Browsing]]:
    """Open tabs of the window, or of new windows where one has options; each is without cookies at first.

    At the end no page may have met a CSP violation, a script error or a failed request.
    """
    opened: list[Browsing] = []
    with ExitStack() as stack:

        def start(
            base: str,
            *,
            viewport: ViewportSize = WIDE,
            reduced_motion: Literal["reduce"] | None = None,
            **options: Any,
        ) -> Browsing:
            context = window
            if options:
                context = chromium.new_context(bypass_csp=False, **options)
                stack.callback(context.close)
            page = context.new_page()
            stack.callback(page.close)
            page.set_viewport_size(viewport)
            if reduced_motion:
                page.emulate_media(reduced_motion=reduced_motion)
            opened.append(Browsing(page, base))
            return opened[-1]

        yield start
    window.clear_cookies()
    assert [fault for browsing in opened for fault in browsing.faults] == []
