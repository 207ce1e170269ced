"""Which network addresses and URLs the kit may connect to. Pure: no name is looked up here.

The reasons come from the IANA special-purpose address registries (RFC 6890, RFC 8190).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from receiver.errors import ConfigurationError

IPAddress = IPv4Address | IPv6Address

#: Why an address is blocked -> the networks that this applies to.
_REASONS = {
    "unspecified": ("0.0.0.0/8", "::/128"),
    "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
    "this machine itself": ("127.0.0.0/8", "::1/128"),
    "link-local": ("169.254.0.0/16", "fe80::/10"),
    "site-local": ("fec0::/10",),
    "shared by a provider's customers": ("100.64.0.0/10",),
    "a cloud machine's metadata": (
        *("100.100.100.200/32", "168.63.129.16/32", "169.254.169.254/32", "192.0.0.192/32"),
        *("fd00:ec2::254/128", "fd20:ce::254/128"),
    ),
    "for documentation": ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"),
    "for benchmarking": ("198.18.0.0/15",),
    "kept for protocols": ("192.0.0.0/24", "2001::/23"),
    "multicast": ("224.0.0.0/4", "ff00::/8"),
    "broadcast": ("255.255.255.255/32",),
    "reserved": ("240.0.0.0/4",),
    "an IPv4 address in another's clothes": ("::/96", "::ffff:0:0:0/96"),
    "a private NAT64 prefix": ("64:ff9b:1::/48",),
    "a 6to4 relay": ("192.88.99.0/24",),
    "a 6to4 tunnel": ("2002::/16",),
    "a Teredo tunnel": ("2001::/32",),
}
#: The smallest network first, because it gives the most precise reason.
_BLOCKED = sorted(
    ((ip_network(network), reason) for reason, networks in _REASONS.items() for network in networks),
    key=lambda blocked: blocked[0].prefixlen,
    reverse=True,
)
#: Blocked even with ``allow_private``: a cloud machine hands out its passwords there, and no receiver runs there.
_NEVER_ALLOWED = {
    "a cloud machine's metadata",
    "link-local",
    # These wrap an IPv4 address, which may be one of those.
    "an IPv4 address in another's clothes",
    "a private NAT64 prefix",
    "a Teredo tunnel",
    "a 6to4 tunnel",
}
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|[0-9]+")
HOST_NAME = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
_VISIBLE_ASCII = re.compile(r"[!-~]{1,2000}")


def blocked_reason(address: str | IPAddress, *, allow_private: bool = False) -> str | None:
    """Return why an address is blocked, or None if it may be connected to; a text that isn't an address is blocked.

    ``allow_private`` lets the self test and commands reach private networks, but nothing of ``_NEVER_ALLOWED``. Of a
    v4-mapped or NAT64 address (RFC 4291, RFC 6052), the IPv4 address inside is checked.
    """
    try:
        judged = _unwrapped(ip_address(address))
    except ValueError:
        return "not an address"
    for network, reason in _BLOCKED:
        if judged in network:  # never, if one is IPv4 and the other IPv6
            return None if allow_private and reason not in _NEVER_ALLOWED else reason
    if allow_private:
        return None
    if judged.version == 6 and judged not in _GLOBAL_UNICAST:
        return "not a unicast address of the internet"
    return None


def parse_host_literal(host: str) -> IPAddress | None:
    """Return the address that a URL's host spells, in any form that a resolver accepts, or None for a name.

    It reads ``[::1]``, ``127.0.0.1``, and decimal, octal, hexadecimal and short forms such as ``2130706433``,
    ``0177.0.0.1``, ``0x7f.1`` and ``127.1`` (inet_aton).
    """
    if ":" in host:
        try:
            return IPv6Address(host.removeprefix("[").removesuffix("]"))
        except ValueError:
            return None
    parts = host.removesuffix(".").split(".")
    if len(parts) > 4 or not all(_NUMBER.fullmatch(part) for part in parts):
        return None
    return _inet_aton(parts)


def check_url(
    url: str, *, https_only: bool, allow_private: bool, is_allowed: Callable[[str], bool] = lambda _: False
) -> None:
    """Check a URL that the merchant wants orders sent to, without looking up its host.

    A host that ``is_allowed`` may be inside the merchant's network, and be called by http. Raises ConfigurationError
    in words for the merchant. They don't repeat the URL, which may hold a password.
    """
    parsed = _parsed(url)
    if is_allowed(parsed.host or ""):
        https_only, allow_private = False, True
    if parsed.scheme != "https" and (https_only or parsed.scheme != "http"):
        raise ConfigurationError(f"The URL must begin with https://{'' if https_only else ' or http://'}.")
    if parsed.auth is not None:
        raise ConfigurationError("The URL must not contain a user name or password. The signature shows who sends.")
    if "#" in url:
        raise ConfigurationError("The URL must not contain #. Nothing after it would be sent.")
    if parsed.port == 0:
        raise ConfigurationError("The URL's port must be between 1 and 65535.")
    _check_host(parsed.host or "", allow_private=allow_private)


def _unwrapped(address: IPAddress) -> IPAddress:
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _inet_aton(parts: list[str]) -> IPv4Address | None:
    """Return the IPv4 address of these parts: the last part fills all the bytes that the others leave."""
    try:
        *leading, last = [int(part, _base(part)) for part in parts]
    except ValueError:
        return None
    free_bytes = 4 - len(leading)
    if last >= 256**free_bytes or any(number > 255 for number in leading):
        return None
    return IPv4Address(bytes(leading) + last.to_bytes(free_bytes, "big"))


def _base(part: str) -> int:
    if part[:2] in ("0x", "0X"):
        return 16
    return 8 if part.startswith("0") else 10


def _parsed(url: str) -> Url:
    """Parse a URL with the parser of the client that will connect, so that both see the same host."""
    if not _VISIBLE_ASCII.fullmatch(url) or "\\" in url:
        raise ConfigurationError(
            "The URL must have at most 2,000 characters, all of them ASCII, and no spaces or backslashes. "
            "Write a host with other letters in its xn-- form."
        )
    try:
        return parse_url(url)
    except LocationParseError:
        raise ConfigurationError("The URL isn't valid. It should look like https://shop.example/orders.") from None


def _check_host(host: str, *, allow_private: bool) -> None:
    address = parse_host_literal(host)
    if address is None and not HOST_NAME.fullmatch(host):
        raise ConfigurationError("The URL must name a host, as in https://shop.example/orders.")
    if address is not None and host.strip("[]") != str(address):
        raise ConfigurationError(f"The URL writes an address in an unusual way. Write it as {address}.")
    if address is not None and (reason := blocked_reason(address, allow_private=allow_private)):
        raise ConfigurationError(f"The URL's address is {reason}. Only public addresses are allowed.")
    if allow_private:
        return
    if host.removesuffix(".").split(".")[-1].lower() == "localhost":  # RFC 6761, section 6.3
        raise ConfigurationError("The URL's host is this machine itself. Only public addresses are allowed.")
