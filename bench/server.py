"""A fresh instance, served as in production: granian with 2 processes of 8 threads."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from receiver import create_app
from receiver.app.components import Kit

PORT = 8765
PASSWORD = "the password of the bench"
_GRANIAN = (
    *("--interface", "wsgi", "--http", "1"),
    *("--workers", "2", "--blocking-threads", "8", "--workers-kill-timeout", "5"),
)


@contextmanager
def serving(*, is_logged: bool = True, **settings: str) -> Iterator[tuple[str, Kit]]:
    """Serve an instance with these settings; gives its address and, to look at its database, its kit."""
    with tempfile.TemporaryDirectory() as folder:
        instance = str(Path(folder) / "instance")
        ours = {"INSTANCE_PATH": instance, "ADMIN_PASSWORD": PASSWORD, **settings}
        os.environ.update({f"RECEIVER_{name}": value for name, value in ours.items()})
        subprocess.run([sys.executable, "-m", "flask", "init"], check=True, stdout=subprocess.DEVNULL)
        server = subprocess.Popen(
            [sys.executable, "-m", "granian", *_GRANIAN, "--port", str(PORT), "--log-level", "error", "bench.app:app"],
            stderr=None if is_logged else subprocess.DEVNULL,
        )
        try:
            url = f"http://127.0.0.1:{PORT}"
            wait_for(f"{url}/readyz")
            yield url, create_app().extensions["receiver"]
        finally:
            server.terminate()
            server.wait()


def wait_for(url: str, *, method: str = "GET") -> None:
    """Wait until an address answers 200."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(urllib.request.Request(url, method=method)) as answer:
            if answer.status == 200:
                return
        time.sleep(0.1)
    raise SystemExit(f"{url} does not answer")
