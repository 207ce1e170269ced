"""The receivers to copy as processes of their own: started with a secret, posted to, stopped."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

from receiver.orders import Order
from receiver.relay.sender import Answer, post
from receiver.security.http_client import new_pool
from receiver.web.console import receivers
from tests.served import FORM
from tests.smtp_servers import free_port
from tests.waiting import SOON

FOLDER = Path(receivers.__file__).parent
COMMANDS = {
    "receiver.py": lambda port: [sys.executable, "receiver.py", str(port)],
    "receiver.php": lambda port: ["php", "-S", f"127.0.0.1:{port}", "receiver.php"],
    "receiver.js": lambda port: ["node", "receiver.js", str(port)],
}


class Running:
    """Is one example that runs with a secret."""

    def __init__(self, name: str, secret: str, log: Path) -> None:
        self.port = free_port()
        self.log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                COMMANDS[name](self.port),
                cwd=FOLDER,
                env={**os.environ, "ORDER_SECRET": secret},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def wait(self) -> None:
        """Wait until it takes connections, or has ended."""
        deadline = time.monotonic() + SOON
        while self.is_running:
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert time.monotonic() < deadline, self.printed
            time.sleep(0.02)

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """End it; SIGINT would be ignored where the tests themselves run in a shell's background."""
        self._process.terminate()
        self._process.wait(SOON)

    def relayed(self, order: Order, *secrets: str, **options: object) -> Answer:
        """Send an order as the relay does."""
        with new_pool(allow_private=True, https_only=False) as pool:
            url = f"http://127.0.0.1:{self.port}/orders"
            return post(url, secrets, order, pool=pool, **options)  # type: ignore[arg-type]

    def posted(self, body: bytes, headers: dict[str, str], method: str = "POST") -> int:
        """Send any bytes with any headers, and give the status."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=SOON)) as connection:
            connection.request(method, "/orders", body, {"Content-Type": FORM, "Connection": "close", **headers})
            return connection.getresponse().status

    @property
    def printed(self) -> str:
        return self.log.read_text("utf-8")
