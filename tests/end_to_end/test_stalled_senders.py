"""Hundreds of senders that stall, before the deployment of the docs: granian behind nginx by its sample."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
import urllib3

from tests import proxies
from tests.end_to_end.processes import Running
from tests.served import FORM, SECRET, order_fields
from tests.stalled_senders import KINDS, StalledSenders

NUMBER = 300


@pytest.fixture(autouse=True)
def _room_for_their_connections() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_behind_nginx_hundreds_that_stall_in_every_way_keep_no_order_out(
    launch: Callable[..., Running], tmp_path: Path
) -> None:
    """They all stall at once, and each order comes over a connection of its own."""
    shop = launch(workers=2, EMBEDDED_WORKER="false", TRUSTED_PROXIES=1)
    folder = tmp_path / "nginx"
    folder.mkdir()
    with proxies.nginx(folder, urlsplit(shop.url).port or 0) as proxy:
        crowds = [StalledSenders(proxy.port, kind, proxy.trusts) for kind in KINDS]
        try:
            for crowd in crowds:
                crowd.stall(NUMBER)
            assert [len(crowd) for crowd in crowds] == [NUMBER] * len(KINDS)
            with urllib3.PoolManager(ssl_context=proxy.trusts, retries=False) as pool:
                statuses = [_post(pool, proxy.port) for _ in range(30)]
                healthy = pool.request("GET", f"https://127.0.0.1:{proxy.port}/healthz").status
        finally:
            for crowd in crowds:
                crowd.leave()
    assert (statuses, healthy) == ([202] * 30, 200)
    assert shop.log.count("POST /orders") == 30, "nginx has passed on none of those that stall"


def _post(pool: urllib3.PoolManager, port: int) -> int:
    headers = {"Content-Type": FORM, "X-Shared-Secret": SECRET, "Connection": "close"}
    body = urlencode(order_fields())
    return pool.request("POST", f"https://127.0.0.1:{port}/orders", body=body, headers=headers, timeout=30.0).status
