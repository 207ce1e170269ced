"""deploy/nginx.conf before granian, with a real nginx: other hosts, plain http, and HTTP/2."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

import pytest
import urllib3

from tests import proxies
from tests.end_to_end.processes import Running
from tests.proxies import Proxy
from tests.served import FORM, SECRET, order_fields

#: Frames of HTTP/2 (RFC 9113, section 6).
_DATA, _HEADERS, _SETTINGS, _END_HEADERS = 0x0, 0x1, 0x4, 0x4


class Site(NamedTuple):
    """nginx, and the shop behind it."""

    proxy: Proxy
    shop: Running
    folder: Path


@pytest.fixture
def site(launch: Callable[..., Running], tmp_path: Path) -> Iterator[Site]:
    shop = launch(EMBEDDED_WORKER="false", TRUSTED_PROXIES=1)
    folder = tmp_path / "nginx"
    folder.mkdir()
    with proxies.nginx(folder, urlsplit(shop.url).port or 0) as proxy:
        yield Site(proxy, shop, folder)


def test_other_hosts_get_nothing_and_plain_http_is_sent_to_https(site: Site) -> None:
    with urllib3.PoolManager(ssl_context=site.proxy.trusts, retries=False) as pool:
        url = f"https://127.0.0.1:{site.proxy.port}/healthz"
        hosts = {"127.0.0.1": 200, "another.example": 421, "orders.your-shop.example.attacker.example": 421}
        assert {host: pool.request("GET", url, headers={"Host": host}).status for host in hosts} == hosts
        plain = pool.request("POST", f"http://127.0.0.1:{site.proxy.plain_port}/orders?a=1", body=b"x", redirect=False)
        assert plain.status == 308, "a browser keeps the method, and a shop's sender sees that it has to post to https"
        assert plain.headers["Location"] == "https://orders.your-shop.example/orders?a=1"


def test_an_order_comes_over_http_2_and_one_that_breaks_off_does_not(site: Site) -> None:
    whole = urlencode(order_fields(order_id="A-1")).encode()
    if shutil.which("curl"):
        url, ca = f"https://127.0.0.1:{site.proxy.port}/orders", site.folder / "trusted.pem"
        sent = [
            "curl",
            "-s",
            "--http2",
            "--cacert",
            str(ca),
            "-H",
            f"X-Shared-Secret: {SECRET}",
            "--data",
            whole.decode(),
        ]
        said = subprocess.run([*sent, "-w", " %{http_version} %{http_code}", url], capture_output=True, check=True)
        assert said.stdout.endswith(b" 2 202"), said
    cut = urlencode(order_fields(order_id="A-2")).encode()
    _break_off(site.proxy, cut)
    _break_off(site.proxy, cut, length=len(cut) + 10)
    site.shop.wait_until_it_answers()
    assert "A-2" not in [row.order_id for row in site.shop.rows()]


def _break_off(proxy: Proxy, body: bytes, *, length: int | None = None) -> None:
    """Send a request over HTTP/2 whose body has no end, and hang up."""
    headers = {
        ":method": "POST",
        ":scheme": "https",
        ":path": "/orders",
        ":authority": "127.0.0.1",
        "content-type": FORM,
        "x-shared-secret": SECRET,
    }
    if length is not None:
        headers["content-length"] = str(length)
    block = b"".join(b"\x00" + _text(name) + _text(value) for name, value in headers.items())  # RFC 7541, 6.2.2
    proxy.trusts.set_alpn_protocols(["h2"])
    plain = socket.create_connection(("127.0.0.1", proxy.port), timeout=10)
    with proxy.trusts.wrap_socket(plain, server_hostname="127.0.0.1") as sock:
        assert sock.selected_alpn_protocol() == "h2"
        sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(_SETTINGS, 0, 0, b""))
        sock.sendall(_frame(_HEADERS, _END_HEADERS, 1, block) + _frame(_DATA, 0, 1, body))
        sock.recv(4096)


def _frame(kind: int, flags: int, stream: int, content: bytes) -> bytes:
    return len(content).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + content


def _text(text: str) -> bytes:
    """Return a short text as HPACK writes it without Huffman's code (RFC 7541, 5.2)."""
    raw = text.encode()
    assert len(raw) < 127
    return bytes([len(raw)]) + raw
