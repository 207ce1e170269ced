"""A person at the console in a real browser, and what may never happen while they are there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, ConsoleMessage, ViewportSize

from tests.console.visitor import PASSWORD

NARROW: ViewportSize = {"width": 320, "height": 640}
WIDE: ViewportSize = {"width": 1280, "height": 800}
#: Milliseconds after which a page that stands open fetches its changing parts anew.
FOLLOWS_EVERY = 5_000
#: WCAG 2.2 AA and below, and what axe holds to be best practice.
_EVERYTHING = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: What the dark scheme can change: it gives the same elements other colours, and nothing else.
_COLOURS = ["color-contrast", "link-in-text-block"]
_RULES: dict[Literal["light", "dark"], list[str]] = {"light": _EVERYTHING, "dark": _COLOURS}
#: What is left out of the answer and never asked for; it takes axe a fifth of its time.
_BRIEFLY = {"resultTypes": ["violations"], "preload": False, "selectors": False, "iframes": False}
_LOOKS: list[tuple[ViewportSize, Literal["light", "dark"], dict[str, Any]]] = [
    (screen, scheme, {"runOnly": rules, **_BRIEFLY}) for screen in (WIDE, NARROW) for scheme, rules in _RULES.items()
]


class Browsing:
    """Is one browser window; ``faults`` collects script errors and violations of the content security policy."""

    def __init__(self, browser: Browser, base: str, **options: Any) -> None:
        options.setdefault("viewport", WIDE)
        self.base = base
        self.faults: list[str] = []
        self._context = browser.new_context(bypass_csp=False, **options)
        self.page = self._context.new_page()
        self.page.set_default_timeout(15_000)
        self.page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        self.page.on("console", self._listen)

    def close(self) -> None:
        """Close the window."""
        self._context.close()

    def open(self, path: str) -> None:
        """Load a page of the console."""
        self.page.goto(self.base + path)

    def sign_in(self) -> None:
        """Sign in by typing the password."""
        self.open("/admin/sign-in")
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url("**/admin/")

    def look(self) -> list[str]:
        """Give what is wrong with the page on a wide and a narrow screen, light and dark: by axe, and by scrolling."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE_SCRIPT)
        before = self.page.viewport_size or WIDE
        wrong = [
            f"{self.page.url} ({scheme}, {screen}): {one}"
            for screen, scheme, options in _LOOKS
            for one in self._look(screen, scheme, options)
        ]
        self.page.set_viewport_size(before)
        return wrong

    def _look(self, screen: ViewportSize, scheme: Literal["light", "dark"], options: dict[str, Any]) -> Iterator[str]:
        self.page.set_viewport_size(screen)
        self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for one in self.page.evaluate("options => axe.run(options).then((found) => found.violations)", options):
            yield f"{one['id']}: {one['nodes'][0]['html'][:200]} {one['nodes'][0]['failureSummary']}"
        if self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            yield "the page scrolls sideways"

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            self.faults.append(message.text)
