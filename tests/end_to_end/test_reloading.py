"""Under `flask run --debug`, and `make run`, a handler that is changed, comes or goes is what the next order meets."""

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
from receiver.orders.sample import dummy_order
from receiver.storage.models import HandlerRow, OrderRow
from tests import unmeasured
from tests.end_to_end.processes import Running
from tests.served import FORM, SECRET, order_fields
from tests.smtp_servers import free_port
from tests.waiting import SOON

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
    pool = urllib3.PoolManager(retries=False, timeout=SOON)

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
            server.wait(SOON)


def wait_until(post: Post, log: Path, holds: Callable[[dict[str, str]], bool]) -> None:
    """Post until the handlers are as they are to be; the server is away while it starts again."""
    deadline = time.monotonic() + 4 * SOON
    while True:
        with suppress(urllib3.exceptions.HTTPError):
            if holds(post()):
                return
        assert time.monotonic() < deadline, log.read_text("utf-8")
        time.sleep(0.05)


def test_a_handler_that_is_changed_or_comes_or_goes_is_seen(post: Post, log: Path, instance: Path) -> None:
    folder = instance / "handlers"
    wait_until(post, log, lambda said: said.get("mine") == "one")
    assert log.read_text("utf-8").count("INFO receiver.app.serving: handlers: ") == 1  # one process works, not two
    (folder / "mine.py").write_text(MINE.format(name="mine", said="changed"))
    wait_until(post, log, lambda said: said.get("mine") == "changed")
    (folder / "more.py").write_text(MINE.format(name="more", said="new"))
    (folder / "mine.py").unlink()
    wait_until(post, log, lambda said: said.get("more") == "new" and "mine" not in said)


def of_make_run(port: int, *, workers: int) -> list[str]:
    """Make the command that `make run` serves by."""
    (line,) = [line for line in (ROOT / "Makefile").read_text("utf-8").splitlines() if "flask serve" in line]
    options = line.partition("flask serve")[2].replace("$(HOST)", "127.0.0.1").replace("$(PORT)", str(port))
    return ["flask", "serve", *options.split()]


def test_make_run_loads_a_handler_again_for_the_next_order(launch: Callable[..., Running], instance: Path) -> None:
    shop = launch(of_make_run)
    try:
        shop.wait_for(lambda: "Press Ctrl-C to stop." in shop.log, 60)
        assert said_of_an_order(shop, instance, "sunny") == "sunny"
        assert said_of_an_order(shop, instance, "rainy") == "rainy"
    finally:
        assert shop.process.stop() == 0


def said_of_an_order(shop: Running, instance: Path, said: str) -> str | None:
    """Write the handler, post an order once that is seen, and give what the handler returned."""
    times = shop.log.count("Reloading the handlers")
    (instance / "handlers" / "append_weather.py").write_text(MINE.format(name="append_weather", said=said))
    shop.wait_for(lambda: shop.log.count("Reloading the handlers") > times, 60)
    fields = order_fields()
    shop.wait_for(lambda: is_taken(shop, fields), 60)
    shop.settled(60)
    newest = shop.rows(OrderRow)[-1].id
    rows = [row for row in shop.rows(HandlerRow) if row.order_pk == newest and row.name == "append_weather"]
    return rows[0].detail if rows else None


def is_taken(shop: Running, fields: dict[str, str]) -> bool:
    """Post as a sender does, which tries again when a busy machine starts the next process slowly."""
    with suppress(urllib3.exceptions.HTTPError):
        return shop.post(fields).status in {200, 202}
    return False
