"""The picture of the console in README and docs/: an instance is served, and Chromium presses the test button.

``python -m docs.generate.pictures`` takes it again.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import urllib3
from playwright.sync_api import sync_playwright

CONSOLE = Path(__file__).parents[1] / "console.png"
_PASSWORD = "for one picture only"  # noqa: S105 - of an instance that is thrown away
_FLASK = (sys.executable, "-m", "flask", "--app", "receiver")


def take(path: Path) -> None:
    """Take the picture of the Order Manager with the result of a test transmission."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with served() as url, sync_playwright() as playwright:
        page = playwright.chromium.launch(executable_path=chromium).new_page(viewport={"width": 1200, "height": 1600})
        page.goto(f"{url}/admin/order-manager")
        page.fill("input[type=password]", _PASSWORD)
        page.click("main button[type=submit]")
        page.goto(f"{url}/admin/order-manager")
        page.click("summary:has-text('Show Order Controls')")
        page.click("text=Test HTTP POST of Dummy Customer Data to Your Server URL")
        page.wait_for_selector("text=Result of the test")
        page.evaluate("scrollTo(0, 0)")
        page.screenshot(path=path)


@contextmanager
def served() -> Iterator[str]:
    """Serve an instance whose Order Control posts to itself; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    with tempfile.TemporaryDirectory() as folder:
        ours = {"INSTANCE_PATH": folder, "ADMIN_PASSWORD": _PASSWORD, "SHOP_NAME": "Blue Mug Shop", "PUBLIC_URL": url}
        environment = os.environ | {f"RECEIVER_{name}": value for name, value in ours.items()}
        environment["RECEIVER_RELAY_ALLOW_PRIVATE"] = "true"
        _run(environment, "init")
        _run(environment, "relay", "enable", f"{url}/orders")
        command = [*_FLASK, "run", "--port", url.rpartition(":")[2]]
        server = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)  # noqa: S603
        try:
            _wait_for(f"{url}/healthz")
            yield url
        finally:
            server.terminate()
            server.wait()


def _run(environment: dict[str, str], *arguments: str) -> None:
    subprocess.run([*_FLASK, *arguments], env=environment, check=True, stdout=subprocess.DEVNULL)  # noqa: S603


def _wait_for(url: str) -> None:
    pool = urllib3.PoolManager(retries=urllib3.Retry(40, backoff_factor=0.1, backoff_max=0.5))
    pool.request("GET", url)


if __name__ == "__main__":
    take(CONSOLE)
