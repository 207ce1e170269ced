from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3.util import parse_url

from receiver.errors import ConfigurationError
from receiver.security.addresses import blocked_reason, check_url, parse_host_literal

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "93.184.215.14",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.1",
    "168.63.129.15",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:4860:4860::8888",
    "2606:2800:21f:cb07:6820:80da:af6b:8b2c",
    "2a00:1450:4001:830::200e",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]
BLOCKED = {
    "0.0.0.0": "unspecified",
    "0.1.2.3": "unspecified",
    "10.0.0.0": "private",
    "10.255.255.255": "private",
    "100.64.0.0": "shared by a provider's customers",
    "100.100.100.200": "a cloud machine's metadata",
    "100.127.255.255": "shared by a provider's customers",
    "127.0.0.1": "this machine itself",
    "127.255.255.255": "this machine itself",
    "168.63.129.16": "a cloud machine's metadata",
    "169.254.169.254": "a cloud machine's metadata",
    "169.254.170.2": "link-local",
    "172.16.0.0": "private",
    "172.31.255.255": "private",
    "192.0.0.192": "a cloud machine's metadata",
    "192.0.2.1": "for documentation",
    "192.88.99.1": "a 6to4 relay",
    "192.168.0.1": "private",
    "192.168.255.255": "private",
    "198.18.0.1": "for benchmarking",
    "198.19.255.255": "for benchmarking",
    "198.51.100.7": "for documentation",
    "203.0.113.7": "for documentation",
    "224.0.0.1": "multicast",
    "239.255.255.255": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.254": "reserved",
    "255.255.255.255": "broadcast",
    "::": "unspecified",
    "::1": "this machine itself",
    "::2": "an IPv4 address in another's clothes",
    "::127.0.0.1": "an IPv4 address in another's clothes",
    "::ffff:0:127.0.0.1": "an IPv4 address in another's clothes",
    "::ffff:127.0.0.1": "this machine itself",
    "::ffff:10.0.0.1": "private",
    "::ffff:169.254.169.254": "a cloud machine's metadata",
    "64:ff9b::7f00:1": "this machine itself",
    "64:ff9b::a9fe:a9fe": "a cloud machine's metadata",
    "64:ff9b::c0a8:1": "private",
    "64:ff9b:1::808:808": "a private NAT64 prefix",
    "100::1": "not a unicast address of the internet",
    "2001::1": "a Teredo tunnel",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2": "a Teredo tunnel",
    "2001:2::1": "kept for protocols",
    "2001:10::1": "kept for protocols",
    "2001:20::1": "kept for protocols",
    "2001:db8::1": "for documentation",
    "2002:7f00:1::": "a 6to4 tunnel",
    "2002:808:808::1": "a 6to4 tunnel",
    "3fff::1": "for documentation",
    "4000::1": "not a unicast address of the internet",
    "5f00::1": "not a unicast address of the internet",
    "fc00::1": "private",
    "fd00:ec2::254": "a cloud machine's metadata",
    "fd20:ce::254": "a cloud machine's metadata",
    "::ffff:0:169.254.169.254": "an IPv4 address in another's clothes",
    "fdff:ffff::1": "private",
    "fe80::1": "link-local",
    "fe80::1%eth0": "link-local",
    "febf::1": "link-local",
    "fec0::1": "site-local",
    "ff02::1": "multicast",
    "ff0e::1": "multicast",
    "": "not an address",
    "localhost": "not an address",
    "127.1": "not an address",
    "1.2.3.4.5": "not an address",
}


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert blocked_reason(address) is None
    assert blocked_reason(ip_address(address)) is None


@pytest.mark.parametrize(("address", "reason"), BLOCKED.items())
def test_any_other_address_is_blocked_with_its_reason(address: str, reason: str) -> None:
    assert blocked_reason(address) == reason


@pytest.mark.parametrize(
    "address",
    [
        "100.100.100.200",
        "192.0.0.192",
        "2002:a9fe:a9fe::1",
        "::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe",
        "::fffe",
        "fd20:ce::254",
    ],
)
def test_a_trial_reaches_no_metadata_in_any_clothes(address: str) -> None:
    assert blocked_reason(address, allow_private=True) is not None
    assert blocked_reason("::1", allow_private=True) is None


@given(st.ip_addresses())
def test_what_python_calls_private_is_never_public(address: IPv4Address | IPv6Address) -> None:
    """Python's own tables are a second opinion, stricter here and laxer there."""
    if blocked_reason(address) is None:
        assert address.is_global
        assert not address.is_multicast


@given(st.ip_addresses(v=4))
def test_an_embedded_address_is_judged_like_itself(address: IPv4Address) -> None:
    for prefix in ("::ffff:", "64:ff9b::"):
        assert blocked_reason(f"{prefix}{address}") == blocked_reason(address)


LITERALS = {
    "127.0.0.1": "127.0.0.1",
    "127.0.0.1.": "127.0.0.1",
    "2130706433": "127.0.0.1",
    "017700000001": "127.0.0.1",
    "0x7f000001": "127.0.0.1",
    "0X7F000001": "127.0.0.1",
    "0x7f.1": "127.0.0.1",
    "127.1": "127.0.0.1",
    "127.0.1": "127.0.0.1",
    "0177.0.0.1": "127.0.0.1",
    "0x7f.0x0.0x0.0x1": "127.0.0.1",
    "0": "0.0.0.0",
    "2852039166": "169.254.169.254",
    "0xa9.0376.43518": "169.254.169.254",
    "4294967295": "255.255.255.255",
    "::1": "::1",
    "[::1]": "::1",
    "[::ffff:127.0.0.1]": "::ffff:7f00:1",
}


@pytest.mark.parametrize(("host", "address"), LITERALS.items())
def test_an_address_is_read_in_every_spelling(host: str, address: str) -> None:
    assert parse_host_literal(host) == ip_address(address)


@pytest.mark.parametrize(
    "host",
    [
        "shop.example",
        "127.0.0.1.example",
        "4294967296",
        "256.1",
        "1.256.1",
        "1.2.65536",
        "1.2.3.256",
        "1.2.3.4.5",
        "127..1",
        "",
        ".",
        "0x",
        "0xg",
        "08.1",
        "-1",
        "1e3",
        "١٢٧.0.0.1",
        "[::g]",
        "a:b",
    ],
)
def test_a_name_or_nonsense_is_no_address(host: str) -> None:
    assert parse_host_literal(host) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/orders",
        "https://shop.example:8443/orders?source=a&b=c%20d",
        "https://xn--bcher-kva.example/orders",
        "https://shop_1.example./",
        "HTTPS://Shop.Example",
        "https://93.184.215.14/orders",
        "https://[2606:4700::1111]:8443/orders",
    ],
)
def test_a_public_url_may_be_saved(url: str) -> None:
    check_url(url, https_only=True, allow_private=False)


REFUSED_URLS = {
    "": "2,000 characters, all of them ASCII",
    "shop.example/orders": "must begin with https://",
    "ftp://shop.example/": "must begin with https://",
    "javascript:alert(1)": "must begin with https://",
    "file:///etc/passwd": "must begin with https://",
    "//shop.example/": "must begin with https://",
    "https://": "must name a host",
    "https:///orders": "must name a host",
    "https://?x": "must name a host",
    "https://a..b/": "must name a host",
    "https://[::g]/": "isn.t valid",
    "https://shop.example:port/": "isn.t valid",
    "https://shop.example:65536/": "isn.t valid",
    "https://shop.example:0/": "port must be between 1 and 65535",
    "https://zoe@shop.example/": "a user name or password",
    "https://zoe:hunter2@shop.example/": "a user name or password",
    "https://shop.example@127.0.0.1/": "a user name or password",
    "https://shop.example/#orders": "must not contain #",
    "https://shop.example/#": "must not contain #",
    "https://shop.example\\@127.0.0.1/": "no spaces or backslashes",
    "https://shop.example/a b": "no spaces or backslashes",
    "https://shop.example/\r\nX: y": "no spaces or backslashes",
    " https://shop.example/": "no spaces or backslashes",
    "https://bücher.example/": "xn-- form",
    "https://shop.example/" + "x" * 2000: "at most 2,000",
    "https://127.0.0.1/": "this machine itself",
    "https://[::1]/": "this machine itself",
    "https://localhost/": "this machine itself",
    "https://shop.LOCALHOST./": "this machine itself",
    "https://169.254.169.254/latest/meta-data": "a cloud machine's metadata",
    "https://[fd00:ec2::254]/": "a cloud machine's metadata",
    "https://192.168.1.10:8443/orders": "private",
    "https://2130706433/": "Write it as 127.0.0.1",
    "https://0x7f.1/": "Write it as 127.0.0.1",
    "https://0177.0.0.1/": "Write it as 127.0.0.1",
    "https://127.1/": "Write it as 127.0.0.1",
    "https://%31%32%37.0.0.1/": "this machine itself|Write it as",
    "https://[::ffff:127.0.0.1]/": "Write it as ::ffff:7f00:1",
    "https://[::ffff:7f00:1]/": "this machine itself",
    "https://[64:ff9b::7f00:1]/": "this machine itself",
}


@pytest.mark.parametrize(("url", "words"), REFUSED_URLS.items())
def test_another_url_is_refused_in_plain_words(url: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        check_url(url, https_only=False, allow_private=False)
    assert "hunter2" not in str(caught.value)


def test_in_production_only_https_is_allowed() -> None:
    check_url("http://shop.example/", https_only=False, allow_private=False)
    with pytest.raises(ConfigurationError, match=r"must begin with https://\.$"):
        check_url("http://shop.example/", https_only=True, allow_private=False)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/orders", "http://localhost:8000/orders", "http://[::1]/"])
def test_a_local_demo_may_send_to_itself_when_that_is_allowed(url: str) -> None:
    check_url(url, https_only=False, allow_private=True)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("169.254.169.254", "a cloud machine's metadata"),
        ("::ffff:169.254.169.254", "a cloud machine's metadata"),
        ("64:ff9b::a9fe:a9fe", "a cloud machine's metadata"),
        ("168.63.129.16", "a cloud machine's metadata"),
        ("fd00:ec2::254", "a cloud machine's metadata"),
        ("169.254.0.9", "link-local"),
        ("fe80::1", "link-local"),
        ("10.0.0.8", None),
        ("fd00::8", None),
        ("127.0.0.1", None),
        ("no address", "not an address"),
    ],
)
def test_where_private_addresses_are_allowed_metadata_and_link_local_ones_are_not(
    address: str, reason: str | None
) -> None:
    assert blocked_reason(address, allow_private=True) == reason


def test_a_local_demo_may_not_send_to_metadata() -> None:
    with pytest.raises(ConfigurationError, match="a cloud machine's metadata"):
        check_url("http://169.254.169.254/latest/", https_only=False, allow_private=True)


def test_an_odd_spelling_is_refused_even_then() -> None:
    with pytest.raises(ConfigurationError, match=r"Write it as 127\.0\.0\.1"):
        check_url("http://127.1:8000/", https_only=False, allow_private=True)


@given(st.from_regex(r"https?://[0-9a-fx.:@%\[\]]{1,20}/?", fullmatch=True) | st.text(max_size=60))
def test_a_url_that_passes_never_spells_an_address_that_is_not_public(url: str) -> None:
    try:
        check_url(url, https_only=False, allow_private=False)
    except ConfigurationError:
        return
    address = parse_host_literal(parse_url(url).host or "0")
    assert address is None or blocked_reason(address) is None
