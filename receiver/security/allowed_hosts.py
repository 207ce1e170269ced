"""Which hosts inside the merchant's own network may be called, as HTTP_ALLOW names them."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import NamedTuple

from receiver.errors import ConfigurationError
from receiver.security.addresses import HOST_NAME, blocked_reason, parse_host_literal


class AllowedHosts(NamedTuple):
    """Hosts by name and addresses by network, which may be called by http too."""

    names: frozenset[str] = frozenset()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    def name(self, host: str) -> bool:
        """Return whether a URL's host is named here, whatever it resolves to, or is an address of a network here."""
        plain = host.strip("[]").removesuffix(".").lower()
        address = parse_host_literal(plain)
        return plain in self.names or (address is not None and any(address in network for network in self.networks))

    def allow(self, host: str, address: str) -> bool:
        """Return whether this address of a host may be connected to; a cloud machine's metadata never is."""
        if blocked_reason(address, allow_private=True):
            return False
        return self.name(host) or any(ip_address(address) in network for network in self.networks)


def read(entries: Iterable[str]) -> AllowedHosts:
    """Return what these entries allow: host names, addresses, and networks such as ``10.0.0.0/24``.

    Raises ConfigurationError for an entry that's none of them.
    """
    names, networks = set[str](), list[IPv4Network | IPv6Network]()
    for entry in entries:
        try:
            networks.append(ip_network(entry.strip("[]")))
        except ValueError as error:
            if "/" in entry or parse_host_literal(entry) or not HOST_NAME.fullmatch(entry):
                why = f": {error}" if "host bits" in str(error) else ""
                raise ConfigurationError(
                    f"has {entry[:64]!r}, which is no host, address or network{why}; write one such as erp.lan, "
                    "10.0.0.5 or 10.0.0.0/24, without http:// and port"
                ) from None
            names.add(entry.removesuffix(".").lower())
    return AllowedHosts(frozenset(names), tuple(networks))
