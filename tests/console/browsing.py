"""A person at the console in a real browser, and what may never happen while they are there."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage

from tests.console.visitor import PASSWORD

NARROW = {"width": 320, "height": 640}
WIDE = {"width": 1280, "height": 800}
#: WCAG 2.2 AA and below, and what axe holds to be best practice.
_RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}


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
        self.page.wait_for_url("**/admin/**")

    def look(self, scheme: str) -> list[str]:
        """Give what is wrong with how the page looks in a colour scheme: axe's findings, and scrolling sideways."""
        self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        found = Axe().run(self.page, options=_RULES).response["violations"]
        wrong = [f"{one['id']}: {one['nodes'][0]['html'][:200]} {one['nodes'][0]['failureSummary']}" for one in found]
        if self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            wrong.append("the page scrolls sideways")
        return [f"{self.page.url} ({scheme}, {self.page.viewport_size}): {one}" for one in wrong]

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            self.faults.append(message.text)
