"""HTTP_ALLOW: what it may name, and what that lets handlers reach."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from urllib3 import PoolManager

from receiver.errors import ConfigurationError
from receiver.security.allowed_hosts import read
from receiver.security.http_client import AddressRefused, new_pool
from receiver.testing import RunHandler
from tests.hostile_servers import reply, serving

OK = reply("200 OK", b"done")
CALLING = """\
from receiver.handlers import handler

@handler
def call_the_erp(order, context):
    answer = context.http.request("GET", {url!r})
    return f"the ERP answered {{answer.status}}"
"""


def pool_with(*entries: str, https_only: bool = True) -> PoolManager:
    return new_pool(allow_private=False, https_only=https_only, allowed=read(entries))


@pytest.mark.parametrize("entry", ["127.0.0.1", "127.0.0.0/8", "localhost", "LOCALHOST.", "0.0.0.0/0"])
def test_what_is_named_is_called_by_http_in_production(entry: str) -> None:
    host = "127.0.0.1" if entry[0].isdigit() else "localhost"
    with serving(OK) as server, pool_with(entry) as pool:
        assert pool.request("GET", server.url(host=host)).status == 200


@pytest.mark.parametrize("entries", [[], ["10.0.0.5"], ["erp.lan"], ["127.0.0.2"]])
def test_a_refusal_says_which_setting_would_allow_it(entries: list[str]) -> None:
    with serving(OK) as server:
        with pool_with(*entries) as pool, pytest.raises(AddressRefused) as by_http:
            pool.request("GET", server.url())
        with pool_with(*entries, https_only=False) as pool, pytest.raises(AddressRefused) as private:
            pool.request("GET", server.url())
        assert server.connections == 0
    assert str(by_http.value) == (
        '127.0.0.1 is called by http, and only https is allowed. To allow it, add "127.0.0.1" to HTTP_ALLOW.'
    )
    assert "leads to no public address" in str(private.value)
    assert str(private.value).endswith('To allow it, add "127.0.0.1" to HTTP_ALLOW.')


@pytest.mark.parametrize("address", ["169.254.169.254", "fd00:ec2::254", "::ffff:169.254.169.254"])
@pytest.mark.parametrize("entry", ["erp.lan", "0.0.0.0/0", "::/0"])
def test_a_cloud_machines_metadata_is_never_reached(monkeypatch: pytest.MonkeyPatch, address: str, entry: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found = [(family, socket.SOCK_STREAM, 6, "", (address, 80))]
    monkeypatch.setattr("receiver.security.http_client.look_up", lambda *_: found)
    with pool_with(entry, https_only=False) as pool, pytest.raises(AddressRefused):
        pool.request("GET", "http://erp.lan/")


@pytest.mark.parametrize(
    "entry", ["", "http://erp.lan", "erp.lan:80", "10.0.0.5/24", "10.0.0.0/99", "*.lan", "a b", "127.1"]
)
def test_an_entry_that_is_no_host_is_refused_with_what_to_write(entry: str) -> None:
    with pytest.raises(ConfigurationError, match="write one such as"):
        read([entry])


def test_a_wrong_entry_is_named_at_the_start_and_allows_nothing(make_app: Callable[..., Any]) -> None:
    kit = make_app(HTTP_ALLOW=["http://erp.lan"]).extensions["receiver"]
    (said,) = [paused for paused in kit.paused if "HTTP_ALLOW" in paused]
    assert "HTTP_ALLOW has 'http://erp.lan', which is no host, address or network; write one such as " in said
    assert kit.settings.HTTP_ALLOW == ()


@pytest.mark.parametrize(
    ("allowed", "state", "detail"),
    [
        ([], "retrying", 'To allow it, add "127.0.0.1" to HTTP_ALLOW.'),
        (["127.0.0.1"], "done", "the ERP answered 200"),
    ],
)
def test_a_handler_reaches_what_is_named_and_is_told_what_to_name(
    instance: Path, run_handler: RunHandler, allowed: list[str], state: str, detail: str
) -> None:
    with serving(OK) as server:
        (instance / "handlers").mkdir(exist_ok=True)
        (instance / "handlers" / "call_the_erp.py").write_text(CALLING.format(url=server.url()), "utf-8")
        trial = run_handler(
            "call_the_erp", HTTP_ALLOW=allowed, PUBLIC_URL="https://shop.example", RELAY_ALLOW_PRIVATE=True
        )
    assert trial.state == state
    assert detail in (trial.detail or "")
