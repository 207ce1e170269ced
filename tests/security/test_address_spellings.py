"""Every way to write an address that isn't public, as an URL's host: none may be saved, none is connected to."""

from __future__ import annotations

import socket

import pytest
from urllib3 import PoolManager
from urllib3.exceptions import HTTPError

from receiver.errors import ConfigurationError
from receiver.security.addresses import check_url
from receiver.security.http_client import new_pool

SPELLINGS: dict[str, tuple[str, ...]] = {
    "as usual": ("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "0.0.0.0", "[::1]", "[::]"),
    "with a dot at the end": ("127.0.0.1.", "10.0.0.1.", "169.254.169.254.", "localhost."),
    "short": ("127.1", "127.0.1", "10.1", "192.168.1", "0", "127.65530", "169.254.43518"),
    "decimal": ("2130706433", "167772161", "3232235521", "2852039166", "4294967295", "3232235786"),
    "octal": ("0177.0.0.1", "017700000001", "0177.1", "00000177.0.0.1", "0300.0250.0.1", "0251.0376.0251.0376"),
    "hexadecimal": ("0x7f000001", "0X7F000001", "0x7f.0.0.1", "0x7f.1", "0x0a.0x00.0x00.0x01", "0xa9fea9fe"),
    "mixed": ("0x7f.0.1", "0177.0x0.1", "169.0xfe.43518", "0xc0.168.01"),
    "in per cent": ("%31%32%37.0.0.1", "127%2e0%2e0%2e1", "%6c%6f%63alhost"),
    "this network": ("0.0.0.1", "0.1.2.3"),
    "benchmarks": ("198.19.0.1", "198.19.255.255"),
    "of a provider": ("100.64.0.1", "100.127.255.254"),
    "multicast, broadcast, reserved": ("224.0.0.1", "239.255.255.250", "255.255.255.255", "240.0.0.1", "[ff02::1]"),
    "for documents": (
        "192.0.2.1",
        "198.51.100.1",
        "203.0.113.1",
        "198.18.0.1",
        "[2001:db8::1]",
        "[3fff::1]",
    ),
    "metadata": ("100.100.100.200", "168.63.129.16", "192.0.0.192", "[fd00:ec2::254]", "[fd20:ce::254]"),
    "private, in IPv6": ("[fc00::1]", "[fd12:3456:789a::1]", "[fe80::1]", "[fec0::1]", "[FE80::1]"),
    "with a zone": ("[fe80::1%25eth0]", "[fe80::1%25lo]", "[::1%25lo]", "[::ffff:127.0.0.1%251]"),
    "IPv6, written long": ("[0:0:0:0:0:0:0:1]", "[0000:0000:0000:0000:0000:0000:0000:0001]", "[::0001]", "[0::0]"),
    "IPv4 in IPv6": (
        *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::FFFF:a9fe:a9fe]", "[::127.0.0.1]"),
        *("[::ffff:0:127.0.0.1]", "[::7f00:1]"),
    ),
    "NAT64": ("[64:ff9b::7f00:1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::7f00:1]"),
    "6to4 and its relay": ("[2002:7f00:1::]", "[2002:a9fe:a9fe::1]", "[2002:c0a8:1::1]", "192.88.99.1"),
    "Teredo": ("[2001::1]", "[2001:0:7f00:1::1]", "[2001:0:4136:e378:8000:63bf:80ff:fffe]"),
    "names of this machine": ("localhost", "LOCALHOST", "shop.localhost", "a.b.LocalHost."),
    "digits of other scripts": ("１２７.0.0.1", "①②⑦.0.0.1", "١٢٧.0.0.1", "127。0。0。1", "ⓛocalhost"),
    "with a user before it": ("shop.example@127.0.0.1", "127.0.0.1#@shop.example", "shop.example\\@127.0.0.1"),
}
EVERY = [host for hosts in SPELLINGS.values() for host in hosts]
#: Names that anybody may register or that a cloud's resolver knows -> what they lead to.
NAMES = {
    "metadata.google.internal": "169.254.169.254",
    "metadata": "169.254.169.254",
    "instance-data.ec2.internal": "169.254.169.254",
    "metadata.azure.internal": "168.63.129.16",
    "100-100-100-200.nip.io": "100.100.100.200",
    "localtest.me": "127.0.0.1",
    "spoofed.shop.example": "::ffff:10.0.0.1",
    "printer.local": "192.168.1.9",
    "kubernetes.default.svc": "10.96.0.1",
    "host.docker.internal": "172.17.0.1",
}


@pytest.fixture
def pool() -> PoolManager:
    return new_pool(allow_private=False, https_only=False)


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Note what is connected to, and connect to nothing."""
    found: list[object] = []

    def connect(_self: socket.socket, address: object) -> None:
        found.append(address)
        raise OSError("no test connects out")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket.socket, "connect_ex", connect)
    return found


def test_there_are_more_than_sixty_of_them_and_none_twice() -> None:
    assert len(set(EVERY)) == len(EVERY) == 109


@pytest.mark.parametrize("host", EVERY)
def test_a_url_with_such_a_host_is_not_saved(host: str) -> None:
    with pytest.raises(ConfigurationError):
        check_url(f"https://{host}/orders", https_only=False, allow_private=False)


@pytest.mark.parametrize("host", EVERY)
def test_nor_is_it_connected_to_if_it_was_saved(host: str, pool: PoolManager, connects: list[object]) -> None:
    with pytest.raises((HTTPError, ValueError)):
        pool.request("GET", f"http://{host}:9/orders")
    assert connects == []


@pytest.mark.parametrize(("name", "address"), NAMES.items())
def test_a_name_that_leads_there_is_not_connected_to(
    name: str, address: str, pool: PoolManager, connects: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = socket.AF_INET6 if ":" in address else socket.AF_INET
    answer = [(kind, socket.SOCK_STREAM, 6, "", (address, 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer)
    with pytest.raises(HTTPError):
        pool.request("GET", f"http://{name}/latest/meta-data")
    assert connects == []
