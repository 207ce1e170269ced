"""Under `flask run --debug` a handler that is changed, comes or goes is what the next order meets."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import urllib3

from receiver.orders import encode_form
from receiver.relay.dummy import dummy_order
from tests import unmeasured
from tests.served import FORM, SECRET
from tests.smtp_servers import free_port

ROOT = Path(__file__).parents[2]
MINE = "from receiver.handlers import handler\n\n@handler\ndef {name}(order, context):\n    return '{said}'\n"

Post = Callable[[], dict[str, str]]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def post(instance: Path, log: Path) -> Iterator[Post]:
    """Serve by `flask run --debug`; gives what POSTs the dummy order and tells what each handler returned."""
    (instance / "handlers" / "mine.py").write_text(MINE.format(name="mine", said="one"))
    port = free_port()
    environment = {**unmeasured.environment(), "RECEIVER_SHARED_SECRETS": SECRET}
    command = [sys.executable, "-m", "flask", "run", "--debug", "--port", str(port)]
    pool = urllib3.PoolManager(retries=False, timeout=10)

    def post() -> dict[str, str]:
        body = encode_form(dummy_order(now=datetime.now(UTC), nonce=secrets.token_hex(8)))
        headers = {"Content-Type": FORM, "X-Shared-Secret": SECRET}
        answer = pool.request("POST", f"http://127.0.0.1:{port}/orders", body=body, headers=headers)
        return {one["name"]: one["detail"] for one in answer.json()["handlers"]}

    with log.open("w") as output:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
        try:
            yield post
        finally:
            server.terminate()
            server.wait(10)


def wait_until(post: Post, log: Path, holds: Callable[[dict[str, str]], bool]) -> None:
    """Post until the handlers are as they are to be; the server is away while it starts again."""
    deadline = time.monotonic() + 30
    while True:
        with suppress(urllib3.exceptions.HTTPError):
            if holds(post()):
                return
        assert time.monotonic() < deadline, log.read_text("utf-8")
        time.sleep(0.05)


def test_a_handler_that_is_changed_or_comes_or_goes_is_seen(post: Post, log: Path, instance: Path) -> None:
    folder = instance / "handlers"
    wait_until(post, log, lambda said: said.get("mine") == "one")
    assert log.read_text("utf-8").count("INFO receiver.serving: handlers: ") == 1  # one process works, not two
    (folder / "mine.py").write_text(MINE.format(name="mine", said="changed"))
    wait_until(post, log, lambda said: said.get("mine") == "changed")
    (folder / "more.py").write_text(MINE.format(name="more", said="new"))
    (folder / "mine.py").unlink()
    wait_until(post, log, lambda said: said.get("more") == "new" and "mine" not in said)
