"""A person at the console in a real browser, and what may never happen while they are there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import ConsoleMessage, Page, ViewportSize

from tests.web.console.visitor import PASSWORD

NARROW: ViewportSize = {"width": 320, "height": 640}
WIDE: ViewportSize = {"width": 1280, "height": 800}
#: Milliseconds after which an open page fetches its changing parts again.
FOLLOWS_EVERY = 5_000
#: WCAG 2.2 AA and below, and what axe holds to be best practice.
_EVERYTHING = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: What a colour scheme can change: it gives the same elements other colours, and nothing else. A width changes none.
_COLOURS = ["color-contrast", "link-in-text-block"]
#: What is left out of the answer and never asked for; it takes axe a fifth of its time.
_BRIEFLY = {"resultTypes": ["violations"], "preload": False, "selectors": False, "iframes": False}
_NO_COLOURS = {rule: {"enabled": False} for rule in _COLOURS}
_LOOKS: list[tuple[ViewportSize, Literal["light", "dark"], dict[str, Any]]] = [
    (WIDE, "light", {"runOnly": _EVERYTHING, **_BRIEFLY}),
    (WIDE, "dark", {"runOnly": _COLOURS, **_BRIEFLY}),
    (NARROW, "light", {"runOnly": _EVERYTHING, "rules": _NO_COLOURS, **_BRIEFLY}),
]

#: Colours that a rule for some widths sets on what axe sees, which leaves out pseudo-elements.
_COLOURS_BY_WIDTH = """() => [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules])
  .filter((rule) => rule instanceof CSSMediaRule && rule.conditionText.includes("width"))
  .flatMap((media) => [...media.cssRules])
  .filter((rule) => !rule.selectorText.includes("::"))
  .filter((rule) => [...rule.style].some((name) => /^(color|background)/.test(name)))
  .map((rule) => rule.cssText)"""


class Browsing:
    """One tab of a browser; ``faults`` collects script errors and violations of the content security policy."""

    def __init__(self, page: Page, base: str) -> None:
        self.base = base
        self.faults: list[str] = []
        self.page = page
        self.page.set_default_timeout(15_000)
        self.page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        self.page.on("console", self._listen)

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
        """Return what axe finds wrong, wide in light and dark and narrow, and whether the page scrolls sideways."""
        self.page.wait_for_load_state()  # elements are there before their styles
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE_SCRIPT)
        before = self.page.viewport_size or WIDE
        wrong = [
            f"{self.page.url} ({scheme}, {screen}): {one}"
            for screen, scheme, options in _LOOKS
            for one in self._look(screen, scheme, options)
        ]
        self.page.set_viewport_size(before)
        return wrong + [f"a colour for some widths: {rule}" for rule in self.page.evaluate(_COLOURS_BY_WIDTH)]

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
